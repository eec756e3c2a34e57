import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Clip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { planJob } from '../plan/plan-job.ts';
import { DEFAULT_SETTINGS, type Settings } from '../plan/settings.ts';
import { Runtime } from '../runtime/runtime.ts';
import { Model } from './model.ts';
import { PauseGate } from './pause-gate.ts';
import { pictureRun } from './picture-run.ts';
import { cropPreview, type PreviewContext } from './preview.ts';
import { TextConditioner } from './text-conditions.ts';

const NANO = join(import.meta.dirname, '../../public/models/nano');
const [WIDTH, HEIGHT, FRAMES] = [56, 40, 3];

let context: PreviewContext;

beforeAll(async () => {
  const runtime = await Runtime.open('wasm');
  const model = await Model.load(runtime, { read: async (name) => new Uint8Array(await readFile(join(NANO, name))) });
  const { signal } = new AbortController();
  const texts = new TextConditioner('file:///');
  context = { model, device: runtime.device, texts, memoryBudgetBytes: null, gate: new PauseGate(), signal };
});

/** Stripes that move and a slope, so that no place or frame is like another. */
function movingClip(): Clip {
  const times = Array.from({ length: FRAMES }, (_, index) => index * 100_000);
  const frames = times.map((timestampUs, index): DecodedFrame => {
    const rgba = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(255);
    for (let y = 0; y < HEIGHT; y += 1) {
      for (let x = 0; x < WIDTH; x += 1) {
        const at = (y * WIDTH + x) * 4;
        rgba[at] = 128 + 100 * Math.sin((x + 3 * index) / 3);
        rgba[at + 1] = (255 * x) / WIDTH;
        rgba[at + 2] = 128 + 100 * Math.cos((y - x + 2 * index) / 4);
      }
    }
    return { index, timestampUs, width: WIDTH, height: HEIGHT, rgba, repeated: false };
  });
  const info = {
    width: WIDTH,
    height: HEIGHT,
    frameCount: FRAMES,
    frameRate: { numerator: 10, denominator: 1 },
    variableFrameRate: false,
    durationUs: FRAMES * 100_000,
    lastFrameDurationUs: 100_000,
    timestampsUs: times,
    audioTracks: [],
    bytes: 1000,
  } as unknown as Clip['info'];
  return {
    info,
    audioTracks: [],
    keyFrames: [0],
    async *frames({ startFrame, endFrame }) {
      yield* frames.slice(startFrame, endFrame);
    },
    close() {},
  };
}

/** The frame that a job makes at the middle of the clip. */
async function jobPicture(settings: Settings): Promise<{ rgba: Uint8ClampedArray; width: number }> {
  const clip = movingClip();
  const plan = planJob(clip.info, settings, context.device, context.model.info);
  const pictures: Uint8ClampedArray[] = [];
  const { model } = context;
  await pictureRun({ clip, plan, settings, model }, ({ rgba }) => void pictures.push(rgba)).run();
  return { rgba: pictures[settings.frameRateFactor]!, width: plan.output.width };
}

it('a preview of everything is the job’s own picture, to the bit', async () => {
  const settings = { ...DEFAULT_SETTINGS, strength: 0.6, scale: 2.25, frameRateFactor: 2, steps: 2, seed: 11 };
  const job = await jobPicture(settings);
  const point = { timestampUs: 100_000, x: 0.3, y: 0.8 };
  const preview = await cropPreview(movingClip(), point, settings, context, { neighbours: 9, side: 999 });
  expect(preview.enhanced.width).toBe(job.width);
  expect(Buffer.from(preview.enhanced.rgba).equals(Buffer.from(job.rgba))).toBe(true);
  expect(preview.region).toEqual({ x: 0, y: 0, width: 1, height: 1 });
});

it('a part of it is near the job’s same part, much nearer than with another seed', async () => {
  const settings = { ...DEFAULT_SETTINGS, strength: 1, scale: 4, seed: 11, steps: 4 };
  const job = await jobPicture(settings);
  const point = { timestampUs: 100_000, x: 0.7, y: 0.4 };
  const distance = async (seed: number): Promise<number> => {
    const { enhanced, region } = await cropPreview(movingClip(), point, { ...settings, seed }, context, { side: 48 });
    const [left, top] = [Math.round(region.x * job.width), Math.round(region.y * 4 * HEIGHT)];
    let sum = 0;
    for (let y = 0; y < enhanced.height; y += 1) {
      for (let x = 0; x < enhanced.width; x += 1) {
        for (let c = 0; c < 3; c += 1) {
          const made = enhanced.rgba[(y * enhanced.width + x) * 4 + c]!;
          sum += (made - job.rgba[((top + y) * job.width + left + x) * 4 + c]!) ** 2;
        }
      }
    }
    return Math.sqrt(sum / (3 * enhanced.width * enhanced.height));
  };
  const own = await distance(11);
  const other = await distance(12);
  console.log(`root mean square distance from the job: own seed ${own.toFixed(2)}, another ${other.toFixed(2)}`);
  expect(own).toBeLessThan(other / 2);
});
