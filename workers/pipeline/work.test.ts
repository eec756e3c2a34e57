/**
 * The guard of docs/performance.md: counts of what a job does, never seconds. A picture made twice, a frame encoded twice, an evaluation too many, bytes that
 * need not cross, a graph that grew: each is slower on every machine, and none is seen by a test of what comes out.
 */

import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SourcePictures } from '../condition/source-pictures.ts';
import { parseConfig } from '../models/config.ts';
import type { NetworkConfig } from '../models/manifest.ts';
import { modelInfo } from '../models/model-info.ts';
import { totalFlops } from '../models/onnx/cost.ts';
import { withTileSizes } from '../models/onnx/winograd.ts';
import { readManifest } from '../models/package.ts';
import { networkGraph } from '../models/venhancer/architecture.ts';
import { levelSizes } from '../models/venhancer/network.ts';
import { clipOf, deviceOf, settingsOf } from '../plan/fixtures/plan-inputs.ts';
import type { ModelInfo } from '../plan/job-plan.ts';
import { planJob } from '../plan/plan-job.ts';
import type { Settings } from '../plan/settings.ts';
import { Runtime } from '../runtime/runtime.ts';
import { JobRun } from './job.ts';
import { Model } from './model.ts';
import { PauseGate } from './pause-gate.ts';
import { solverProgram } from './program.ts';

const NANO = {
  read: async (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../public/models/nano/${name}`, import.meta.url))),
};
const PARTS = ['controlnet', 'unet'] as const;

let info: ModelInfo;
let config: NetworkConfig;

beforeAll(async () => {
  const manifest = await readManifest(NANO);
  info = modelInfo(manifest);
  config = parseConfig(manifest.config);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts what a job calls. @param shown which of the clip's different pictures a source frame shows. */
async function counted(sourceFrames: number, changes: Partial<Settings>, shown: (index: number) => number) {
  const runtime = await Runtime.open('wasm');
  const model = await Model.load(runtime, NANO);
  const [width, height] = [32, 32];
  const source = clipOf(width, height, sourceFrames);
  const settings = settingsOf({ scale: 1, ...changes });
  const plan = planJob(source, settings, runtime.device, model.info);
  const calls = {
    encode: vi.spyOn(model, 'encode'),
    decode: vi.spyOn(model, 'decode'),
    evaluate: vi.spyOn(model, 'evaluate'),
    between: vi.spyOn(SourcePictures.prototype, 'between'),
    key: vi.spyOn(SourcePictures.prototype, 'key'),
  };
  const written: Uint8ClampedArray[] = [];
  const run = new JobRun({
    clip: {
      info: source,
      audioTracks: [],
      keyFrames: [0],
      async *frames({ startFrame, endFrame }) {
        for (let index = startFrame; index < endFrame; index += 1) {
          const rgba = new Uint8ClampedArray(4 * width * height).map((_, i) => (i * 7 + shown(index) * 31) % 251);
          yield { index, timestampUs: source.timestampsUs[index]!, width, height, rgba, repeated: false };
        }
      },
      close() {},
    },
    plan,
    settings,
    program: solverProgram(settings, model.manifest),
    model,
    openSegment: () => ({ write: async (rgba) => void written.push(rgba), async finish() {}, close() {} }),
    gate: new PauseGate(),
    signal: new AbortController().signal,
    gpuLedgerBytes: () => 0,
    onProgress() {},
    onFrame() {},
  });
  await run.run();
  await model.release();
  await runtime.close();
  return { plan, calls, written };
}

test('a job makes every picture once, encodes and decodes every frame once, and exchanges no more than it must', async () => {
  const { plan, calls } = await counted(12, { frameRateFactor: 2, steps: 2, strength: 0.3 }, (index) => index);
  const frames = plan.output.frameCount;
  expect(plan.windows.length).toBeGreaterThan(1);
  const inserted = Array.from({ length: frames }, (_, frame) => frame).filter((frame) => frame % 2 === 1).length;
  expect(calls.between).toHaveBeenCalledTimes(inserted);
  expect(calls.key).toHaveBeenCalledTimes(frames - inserted);
  expect(calls.encode).toHaveBeenCalledTimes(frames);
  expect(calls.decode).toHaveBeenCalledTimes(frames);
  expect(calls.evaluate).toHaveBeenCalledTimes(plan.windows.length * plan.evaluations * plan.tiles.length);
  const [{ sample, hint, ...rest }] = calls.evaluate.mock.calls[0]!;
  const output = await calls.evaluate.mock.results[0]!.value;
  expect([hint.data.length, output.data.length]).toEqual([sample.data.length, sample.data.length]);
  // Key frames and three embeddings.
  expect(Object.values(rest).reduce((sum, { data }) => sum + data.byteLength, 0)).toBeLessThan(2000);
}, 240_000);

test.each([1, 2])(
  'a clip whose frames come twice costs what its pictures cost, at %i times the frame rate',
  async (frameRateFactor) => {
    const { plan, calls, written } = await counted(
      24,
      { frameRateFactor, steps: 1, strength: 0 },
      (index) => index >> 1,
    );
    const frames = plan.output.frameCount;
    const starts = plan.windows.map(({ startFrame }) => startFrame);
    const isRepeat = (frame: number) =>
      !starts.includes(frame) && Math.ceil(frame / frameRateFactor) % 2 === 1 && frame > 0;
    const distinct = (from: number, to: number) => {
      let count = 0;
      for (let frame = from; frame < to; frame += 1) if (!isRepeat(frame)) count += 1;
      return count;
    };
    expect(starts.length).toBeGreaterThan(1);
    expect(distinct(0, frames) / frames).toBeLessThan(0.6);
    expect(calls.encode).toHaveBeenCalledTimes(distinct(0, frames));
    expect(calls.evaluate.mock.calls.map(([{ sample, keyFrames }]) => [sample.dims[0], keyFrames.data.length])).toEqual(
      plan.windows.map(({ startFrame, endFrame }) => [distinct(startFrame, endFrame), distinct(startFrame, endFrame)]),
    );
    // Where windows are blended a frame's share of each is its own, and after the blend comes one that is none.
    const blended = plan.windows.reduce((sum, { startFrame, overlapFrames }) => {
      return sum + overlapFrames - distinct(startFrame, startFrame + overlapFrames);
    }, starts.length - 1);
    expect(calls.decode.mock.calls.length).toBeLessThanOrEqual(distinct(0, frames) + blended);
    expect(written).toHaveLength(frames);
    const same = written.filter((rgba, frame) => frame > 0 && rgba === written[frame - 1]).length;
    expect(same).toBe(frames - calls.decode.mock.calls.length);
  },
  240_000,
);

describe('graphs', () => {
  const computing = (part: (typeof PARTS)[number], winograd: boolean) => {
    const views = ['Shape', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Cast', 'DequantizeLinear', 'Concat'];
    return networkGraph(config, part, { winograd }).nodes.filter(({ op }) => !views.includes(op)).length;
  };

  test('have no more nodes that compute than they had', () => {
    expect(computing('controlnet', false)).toBeLessThanOrEqual(NODES.controlnet);
    expect(computing('unet', false)).toBeLessThanOrEqual(NODES.unet);
  });

  test('take at most 0.6 of the multiply-adds on the processor', () => {
    const sizes = withTileSizes(levelSizes(config, 16, 24, 40));
    for (const part of PARTS) {
      const [plain, fast] = [false, true].map((winograd) =>
        totalFlops(networkGraph(config, part, { winograd }), sizes),
      );
      expect(fast! / plain!, part).toBeLessThan(0.6);
    }
  });
});

test('layouts: work over that of the job in one piece, and linear in frames and pixels', () => {
  const work = (width: number, height: number, frames: number, provider: 'wasm' | 'webgpu') => {
    const plan = planJob(
      clipOf(width, height, frames),
      settingsOf({ scale: 1, steps: 1 }),
      deviceOf({ provider }),
      info,
    );
    const windows = plan.windows.reduce((sum, { startFrame, endFrame }) => sum + endFrame - startFrame, 0);
    const pixels = plan.tiles.reduce((sum, { latentWidth, latentHeight }) => sum + latentWidth * latentHeight, 0);
    return { windows: windows / frames, tiles: pixels / (plan.latentWidth * plan.latentHeight), all: windows * pixels };
  };
  for (const provider of ['wasm', 'webgpu'] as const) {
    for (const [width, height] of [
      [256, 256],
      [512, 512],
      [1280, 720],
      [1920, 1080],
    ] as const) {
      const { windows, tiles } = work(width, height, 300, provider);
      expect(tiles, `${width}×${height} on ${provider}`).toBeLessThan(1.3);
      expect(windows, `${width}×${height} on ${provider}`).toBeLessThan(1.26);
      if (provider === 'webgpu') expect(windows * tiles, `${width}×${height} in all`).toBeLessThan(1.3);
    }
    const [once, twice] = [work(512, 512, 150, provider), work(512, 512, 300, provider)];
    expect(twice.all / once.all).toBeLessThan(2.2);
    expect(work(1024, 512, 150, provider).all / once.all).toBeLessThan(2.2);
  }
});

/** Of nano, as they are. */
const NODES = { controlnet: 344, unet: 508 };
