/** A tiny model of the official family through the pipeline's own classes, on the WASM provider: texts, turns, windows of decoding. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  safetensorsCheckpoint,
  TINY_NETWORK,
  tinyAutoencoderTensors,
  tinyNetworkTensors,
  tinyTextTensors,
} from '../../tools/tiny-model.ts';
import { sinusoid } from '../condition/sinusoid.ts';
import { crossFade, crossFadeWeight } from '../denoise/blend.ts';
import { fillNoise } from '../denoise/noise.ts';
import { cancelled } from '../errors.ts';
import { blobBytes } from '../models/checkpoint/checkpoint.ts';
import { openSafetensors } from '../models/checkpoint/safetensors.ts';
import type { PackageSource } from '../models/package.ts';
import { type PackageSink, writePackage } from '../models/package-writer.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { DEFAULT_SETTINGS } from '../plan/settings.ts';
import { Runtime } from '../runtime/runtime.ts';
import { ModelSession, ResidentTensor } from '../runtime/session.ts';
import { type Tensor, tensor } from '../tensor.ts';
import { Model } from './model.ts';
import { TextConditioner } from './text-conditions.ts';
import { WindowedDecoder } from './windowed-decoder.ts';

const FRAMES = 3;
const HEIGHT = 10;
const WIDTH = 16;
const WINDOWS = [{ index: 0, shot: 0, startFrame: 0, endFrame: FRAMES, overlapFrames: 0 }];

let runtime: Runtime;
let model: Model;

beforeAll(async () => {
  runtime = await Runtime.open('wasm');
  model = await Model.load(runtime, await packed());
});

afterAll(async () => {
  await model.release();
  await runtime.close();
  vi.unstubAllGlobals();
});

describe('a prompted model', () => {
  it('encodes a text once, and has none for a guidance of 1', async () => {
    const merges = readFileSync(new URL('../../public/tokenizer/merges.txt.gz', import.meta.url));
    vi.stubGlobal('fetch', async (url: URL) => {
      expect(url.href).toBe('https://page.example/app/tokenizer/merges.txt.gz');
      return new Response(merges);
    });
    const encode = vi.spyOn(model, 'encodeText');
    const texts = new TextConditioner('https://page.example/app/');
    const settings = { ...DEFAULT_SETTINGS, prompt: 'a kite', guidance: 7.5 };
    const kite = await texts.conditions(settings, model);
    const whale = await texts.conditions({ ...settings, prompt: 'a whale' }, model);
    const again = await texts.conditions({ ...settings, guidance: 1 }, model);
    expect(encode).toHaveBeenCalledTimes(3);
    expect(kite!.positive.dims).toEqual([77, TINY_NETWORK.contextDim]);
    expect(whale!.negative).toBe(kite!.negative);
    expect(largestDifference(kite!.positive, whale!.positive)).toBeGreaterThan(0.01);
    expect(again).toMatchObject({ positive: kite!.positive, negative: null });
  });

  it('predicts the same whether its parts are there together or take turns', async () => {
    const { inputs, contexts } = evaluation();
    model.keep({ residency: 'all', windows: WINDOWS });
    const together = await model.evaluateEach(inputs, contexts);
    model.keep({ residency: 'parts', windows: WINDOWS });
    const inTurns = await model.evaluateEach(inputs, contexts);
    expect(largestDifference(together[0]!, together[1]!)).toBeGreaterThan(1e-3);
    for (const [i, output] of together.entries()) expect(largestDifference(output, inTurns[i]!)).toBeLessThan(2e-4);
  });

  it.each(['all', 'parts'] as const)('gives way between its networks, parts kept: %s', async (residency) => {
    const { inputs, contexts } = evaluation();
    model.keep({ residency, windows: WINDOWS });
    const runs = vi.spyOn(ModelSession.prototype, 'run');
    const resident = vi.spyOn(ModelSession.prototype, 'runResident');
    const count = () => runs.mock.calls.length + resident.mock.calls.length;
    const freed = vi.spyOn(ResidentTensor.prototype, 'free');
    const before = count();
    await expect(model.evaluateEach(inputs, contexts, async () => Promise.reject(cancelled()))).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(count() - before).toBe(1);
    if (residency === 'all') expect(freed).toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it('draws from the posterior with the noise that it is given, and takes the mean without', async () => {
    const picture = unitNoise([1, 3, 16, 16], 5);
    const [mean, still, drawn] = [
      await model.encode(picture),
      await model.encode(picture, new Float32Array(16)),
      await model.encode(picture, unitNoise([1, 4, 2, 2], 6).data),
    ];
    expect(largestDifference(mean, still)).toBe(0);
    expect(largestDifference(mean, drawn)).toBeGreaterThan(1e-3);
  });

  it('decodes a segment in windows of five frames that share two, cross-faded', async () => {
    const count = 8;
    const plane = { latentWidth: 8, latentHeight: 6, paddedWidth: 64, paddedHeight: 48 };
    const latents = Array.from({ length: count }, (_, frame) => unitNoise([1, 4, 6, 8], 10 + frame).data);
    const scaling = { shift: [0, 0, 0, 0], scale: [0.5, 0.5, 0.5, 0.5] };
    const decoder = new WindowedDecoder(plane as JobPlan, model, scaling, 5, 2);
    decoder.begin(20, latents);
    const made: Float32Array[] = [];
    for (let frame = 20; frame < 20 + count; frame += 1) made.push(await decoder.frame(frame));

    const size = 3 * 64 * 48;
    const window = async (from: number, to: number) => {
      const raw = Float32Array.from(latents.slice(from, to).flatMap((frame) => [...frame.map((value) => value * 2)]));
      const { data } = await model.decode(tensor([to - from, 4, 6, 8], raw), null);
      return Array.from({ length: to - from }, (_, i) => data.slice(i * size, (i + 1) * size));
    };
    const [first, second] = [await window(0, 5), await window(3, 8)];
    const expected = [...first, ...second.slice(2)];
    for (const j of [0, 1]) crossFade(expected[3 + j]!, second[j]!, crossFadeWeight(j, 2));
    for (const [i, frame] of expected.entries()) {
      expect(largestDifference(tensor([size], frame), tensor([size], made[i]!))).toBeLessThan(1e-5);
    }
  });
});

function evaluation() {
  const dims = [FRAMES, 4, HEIGHT, WIDTH];
  const features = (value: number) => tensor([1, TINY_NETWORK.dim], sinusoid(value, TINY_NETWORK.dim));
  const inputs = {
    sample: unitNoise(dims, 1),
    hint: unitNoise(dims, 2),
    keyFrames: tensor([FRAMES], Float32Array.of(1, 0, 1)),
    timestepFeatures: features(500),
    hintTimestepFeatures: features(199),
    scaleFeatures: features(8),
  };
  const contexts = [3, 4].map((seed) => unitNoise([77, 1, 1, TINY_NETWORK.contextDim], seed)).map(asContext);
  return { inputs, contexts };
}

async function packed(): Promise<PackageSource> {
  const files = new Map<string, Uint8Array>();
  const sink: PackageSink = {
    async create(name) {
      const chunks: Uint8Array[] = [];
      return {
        write: async (bytes) => void chunks.push(bytes.slice()),
        close: async () => void files.set(name, new Uint8Array(Buffer.concat(chunks))),
      };
    },
  };
  const checkpoint = (tensors: ReadonlyMap<string, readonly number[]>) =>
    openSafetensors(blobBytes(new Blob([new Uint8Array(safetensorsCheckpoint(tensors))])));
  await writePackage(
    {
      name: 'tiny',
      config: TINY_NETWORK,
      checkpoint: await checkpoint(tinyNetworkTensors()),
      autoencoder: await checkpoint(tinyAutoencoderTensors()),
      text: await checkpoint(tinyTextTensors()),
      precision: 'balanced',
      licence: 'Apache-2.0',
      provenance: 'a test',
    },
    sink,
  );
  return { read: async (name) => files.get(name)! };
}

function unitNoise(dims: readonly number[], seed: number): Tensor {
  const [frames, channels, height, width] = dims as [number, number, number, number];
  const values = tensor(dims);
  for (let frame = 0; frame < frames; frame += 1) {
    const region = { seed, stream: 0, frame, channels, x: 0, y: 0, width, height };
    fillNoise(region, values.data, frame * channels * height * width);
  }
  return values;
}

function asContext({ data }: Tensor): Tensor {
  return tensor([77, TINY_NETWORK.contextDim], data);
}

function largestDifference(a: Tensor, b: Tensor): number {
  expect(a.data.length).toBe(b.data.length);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}
