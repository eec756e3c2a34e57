/**
 * How far a crop's preview is from the finished job's same crop: PSNR between the two, before encoding, over places and moments of
 * clips, at each rung of the ladder. `npx tsx tools/measure-preview.ts CLIP…` (needs ffmpeg; nano, on the processor). Beside it
 * stands how far the job is from its enlarged source, which is what the preview is there to show.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clip } from '../workers/media/clip.ts';
import { Model } from '../workers/pipeline/model.ts';
import { PauseGate } from '../workers/pipeline/pause-gate.ts';
import { pictureRun } from '../workers/pipeline/picture-run.ts';
import { cropPreview } from '../workers/pipeline/preview.ts';
import { TextConditioner } from '../workers/pipeline/text-conditions.ts';
import { planJob } from '../workers/plan/plan-job.ts';
import { DEFAULT_SETTINGS, type Settings } from '../workers/plan/settings.ts';
import { Runtime } from '../workers/runtime/runtime.ts';
import { ffmpegClip } from './ffmpeg-clip.ts';

const FRAMES = 17;
const FRAME_RATE = 10;
const STRENGTHS = [0, 0.3, 0.6, 1];
const STEPS = (process.env.STEPS ?? '1,4').split(',').map(Number);
const PLACES = [0.25, 0.5, 0.8];
const MOMENTS = [1, 8, 14];
const SIDE = 128;

// One thread: on a busy machine two wait for each other.
Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 1 } });
const runtime = await Runtime.open('wasm');
const model = await Model.load(runtime, {
  read: async (name) => new Uint8Array(readFileSync(join('public/models/nano', name))),
});
const signal = new AbortController().signal;
const gate = new PauseGate();
const context = {
  model,
  device: runtime.device,
  texts: new TextConditioner('file:///'),
  memoryBudgetBytes: null,
  gate,
  signal,
};

const neighbours = Number(process.env.NEIGHBOURS ?? 2);
const margin = Number(process.env.MARGIN ?? 4);
for (const path of process.argv.slice(2)) {
  const clip = ffmpegClip(path, { frames: FRAMES, frameRate: FRAME_RATE });
  for (const steps of STEPS) {
    for (const strength of STRENGTHS) {
      const settings = { ...DEFAULT_SETTINGS, scale: 2, steps, strength };
      const whole = await job(clip, settings);
      const apart: number[] = [];
      const effect: number[] = [];
      let seconds = 0;
      for (const [index, at] of PLACES.entries()) {
        const moment = MOMENTS[index]!;
        const start = performance.now();
        const point = { timestampUs: clip.info.timestampsUs[moment]!, x: at, y: at };
        const preview = await cropPreview(clip, point, settings, context, { neighbours, side: SIDE, margin });
        seconds += (performance.now() - start) / 1000 / PLACES.length;
        const { width, height } = preview.enhanced;
        const x = Math.round(preview.region.x * whole.width);
        const y = Math.round(preview.region.y * whole.height);
        const same = cut(whole.frames[moment]!, whole.width, x, y, width, height);
        apart.push(meanSquare(preview.enhanced.rgba, same));
        effect.push(meanSquare(preview.source.rgba, same));
      }
      console.log(
        [path.split('/').at(-1), steps, strength, decibels(apart), decibels(effect), seconds.toFixed(1)].join('\t'),
      );
    }
  }
}

async function job(clip: Clip, settings: Settings) {
  const plan = planJob(clip.info, settings, runtime.device, model.info);
  const frames: Uint8ClampedArray[] = [];
  await pictureRun({ clip, plan, settings, model }, ({ rgba }) => void frames.push(rgba)).run();
  return { frames, width: plan.output.width, height: plan.output.height };
}

function cut(rgba: Uint8ClampedArray, stride: number, x: number, y: number, width: number, height: number) {
  const part = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row += 1) {
    const from = ((y + row) * stride + x) * 4;
    part.set(rgba.subarray(from, from + width * 4), row * width * 4);
  }
  return part;
}

function meanSquare(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) if (at % 4 !== 3) sum += (a[at]! - b[at]!) ** 2;
  return sum / (0.75 * a.length);
}

function decibels(meanSquares: readonly number[]): string {
  const mean = meanSquares.reduce((sum, each) => sum + each, 0) / meanSquares.length;
  return mean === 0 ? '∞' : (10 * Math.log10(255 ** 2 / mean)).toFixed(1);
}
