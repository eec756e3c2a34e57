/** The architecture against the reference: Net A through the real pack path, on onnxruntime-web's WASM provider. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseVectors, type Vector } from '../denoise/fixtures/safetensors.ts';
import { blobBytes, type Checkpoint } from './checkpoint/checkpoint.ts';
import { openSafetensors } from './checkpoint/safetensors.ts';
import type { NetworkConfig, Precision } from './manifest.ts';
import { modelFile, type Placement } from './onnx/model-file.ts';
import { type LoadedPackage, type LoadedPart, loadPackage, type PackageSource } from './package.ts';
import { type PackageSink, writePackage } from './package-writer.ts';
import { encodeWeight } from './quantise/encode.ts';
import { type NetworkPart, networkGraph } from './venhancer/architecture.ts';

const CONFIG: NetworkConfig = {
  family: 'venhancer',
  latentChannels: 4,
  dim: 32,
  multipliers: [1, 1, 2, 2],
  blocks: 2,
  headDim: 16,
  firstTemporalHeads: 8,
  attentionLevels: [0, 1, 2],
  contextDim: 32,
  contextLength: 7,
  groups: 32,
  padding: 'reference',
};
const CASES = ['c1_all_keys', 'c2_every_4th', 'c3_first_last', 'c4_chunk_slice', 'c5_batch2'] as const;
const RESIDUALS = 13;

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.safetensors`, import.meta.url));
const vectorsOf = (name: string) => parseVectors(fixture(`A_${name}`));

let checkpoint: Checkpoint;

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  checkpoint = await openSafetensors(blobBytes(new Blob([fixture('weights_A_f16')])));
});

describe('Net A packed as its checkpoint has it', () => {
  let networks: Networks;
  beforeAll(async () => {
    networks = await Networks.open(await packed('exact'));
  });

  it.each(CASES)('reproduces %s, with the ControlNet and without', async (name) => {
    const vectors = vectorsOf(name);
    for (const item of items(vectors)) {
      const residuals = await networks.control(item);
      expectClose(framesFirst(vectors, 'out', item.index), await networks.velocity(item, residuals));
      expectClose(framesFirst(vectors, 'out_unet_only', item.index), await networks.velocity(item, zeros(residuals)));
    }
  });

  it.each(['c1_all_keys', 'c4_chunk_slice'] as const)('reproduces every control residual of %s', async (name) => {
    const vectors = vectorsOf(name);
    const residuals = await networks.control(items(vectors)[0]!);
    for (let index = 0; index < RESIDUALS; index += 1) {
      const expected = floats(vectors, `control.${String(index).padStart(2, '0')}`);
      expectClose(expected, residuals[`residual_${index}`]!.data as Float32Array);
    }
  });

  it('ignores a hint on frames that are not key frames', async () => {
    const item = items(vectorsOf('c2_every_4th'))[0]!;
    const clean = await networks.control(item);
    const hint = item.hint.slice();
    hint.fill(7, hint.length / 5, (2 * hint.length) / 5);
    const dirty = await networks.control({ ...item, hint });
    expect(dirty.residual_0!.data).toEqual(clean.residual_0!.data);
  });
});

describe('Net A, sub-block by sub-block', () => {
  it('reproduces every traced module', async () => {
    const vectors = vectorsOf('c1_all_keys');
    const item = items(vectors)[0]!;
    const traced = new Map<string, Float32Array>();
    const control = await session(await tracedPart('controlnet'));
    const controlOutputs = await control.run(controlFeeds(item));
    const unet = await session(await tracedPart('unet'));
    const residuals = Object.fromEntries(
      Object.entries(controlOutputs).filter(([name]) => name.startsWith('residual_')),
    );
    const unetOutputs = await unet.run({ ...unetFeeds(item), ...residuals });
    for (const [name, value] of Object.entries({ ...controlOutputs, ...unetOutputs })) {
      if (name.startsWith('trace/')) traced.set(name.slice('trace/'.length), value.data as Float32Array);
    }
    const expected = vectorsOf('c1_all_keys_trace');
    expect(expected.size).toBeGreaterThan(100);
    for (const [path, vector] of expected) {
      const actual = traced.get(path);
      expect(actual, path).toBeDefined();
      expectClose(vector.dims.length === 5 ? toFramesFirst(vector, 0) : (vector.data as Float32Array), actual!, path);
    }
  });
});

describe('Net A quantised', () => {
  it.each([
    ['balanced', 40],
    ['compact', 22],
  ] as const)('%s keeps %d dB on every case', async (precision, decibels) => {
    const networks = await Networks.open(await packed(precision));
    for (const name of CASES) {
      const vectors = vectorsOf(name);
      for (const item of items(vectors)) {
        const velocity = await networks.velocity(item, await networks.control(item));
        expect(signalToNoise(framesFirst(vectors, 'out', item.index), velocity), name).toBeGreaterThan(decibels);
      }
    }
  });
});

/** One batch item of a case, as DESIGN's graphs take it. */
interface Item {
  readonly index: number;
  readonly dims: readonly [frames: number, channels: number, height: number, width: number];
  readonly sample: Float32Array;
  readonly hint: Float32Array;
  readonly keyFrames: Float32Array;
  readonly timestep: number;
  readonly hintTimestep: number;
  readonly scale: number;
  readonly context: Float32Array;
}

function items(vectors: Map<string, Vector>): readonly Item[] {
  const [batch, channels, frames, height, width] = vectors.get('x')!.dims as [number, number, number, number, number];
  return Array.from({ length: batch }, (_, index) => {
    const scalar = (name: string) => {
      const { data } = vectors.get(name)!;
      return data[Math.min(index, data.length - 1)]!;
    };
    const mask = [...vectors.get('mask_cond')!.data.slice(index * frames, (index + 1) * frames)];
    const context = floats(vectors, 'y');
    const contextLength = context.length / batch;
    return {
      index,
      dims: [frames, channels, height, width],
      sample: framesFirst(vectors, 'x', index),
      hint: gathered(framesFirst(vectors, 'hint', index), mask, channels * height * width),
      keyFrames: Float32Array.from(mask, (key) => (key >= 0 ? 1 : 0)),
      timestep: scalar('t'),
      hintTimestep: scalar('t_hint'),
      scale: scalar('s_cond'),
      context: context.slice(index * contextLength, (index + 1) * contextLength),
    };
  });
}

/** A chunk gathers its own hints: frame f gets hint frame mask[f], or nothing. */
function gathered(hints: Float32Array, mask: readonly number[], frameSize: number): Float32Array {
  const hint = new Float32Array(mask.length * frameSize);
  for (const [frame, key] of mask.entries()) {
    if (key >= 0) hint.set(hints.subarray(key * frameSize, (key + 1) * frameSize), frame * frameSize);
  }
  return hint;
}

function floats(vectors: Map<string, Vector>, name: string): Float32Array {
  return vectors.get(name)!.data as Float32Array;
}

function framesFirst(vectors: Map<string, Vector>, name: string, item: number): Float32Array {
  return toFramesFirst(vectors.get(name)!, item);
}

/** [B, C, F, H, W], one item → [F, C, H, W]. */
function toFramesFirst({ dims, data }: Vector, item: number): Float32Array {
  const [, channels, frames, height, width] = dims as [number, number, number, number, number];
  const plane = height * width;
  const result = new Float32Array(channels * frames * plane);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let frame = 0; frame < frames; frame += 1) {
      const from = ((item * channels + channel) * frames + frame) * plane;
      result.set((data as Float32Array).subarray(from, from + plane), (frame * channels + channel) * plane);
    }
  }
  return result;
}

type Tensors = { readonly [name: string]: ort.Tensor };

function controlFeeds(item: Item): Tensors {
  return {
    ...unetFeeds(item),
    hint: float(item.hint, item.dims),
    key_frames: float(item.keyFrames, [item.keyFrames.length]),
    hint_timestep_features: sinusoid(item.hintTimestep),
    scale_features: sinusoid(item.scale),
  };
}

function unetFeeds(item: Item): Tensors {
  return {
    sample: float(item.sample, item.dims),
    timestep_features: sinusoid(item.timestep),
    context: float(item.context, [CONFIG.contextLength, CONFIG.contextDim]),
  };
}

function sinusoid(value: number): ort.Tensor {
  const half = CONFIG.dim / 2;
  const angles = Array.from({ length: half }, (_, i) => value * 10000 ** (-i / half));
  return float(Float32Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]), [1, CONFIG.dim]);
}

function float(data: Float32Array, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('float32', data, dims);
}

function zeros(tensors: Tensors): Tensors {
  const zero = ([name, { data, dims }]: [string, ort.Tensor]) => [name, float(new Float32Array(data.length), dims)];
  return Object.fromEntries(Object.entries(tensors).map(zero));
}

class Networks {
  readonly #controlnet: ort.InferenceSession;
  readonly #unet: ort.InferenceSession;

  private constructor(controlnet: ort.InferenceSession, unet: ort.InferenceSession) {
    this.#controlnet = controlnet;
    this.#unet = unet;
  }

  static async open({ parts }: LoadedPackage): Promise<Networks> {
    return new Networks(await session(parts.controlnet!), await session(parts.unet!));
  }

  control(item: Item): Promise<Tensors> {
    return this.#controlnet.run(controlFeeds(item));
  }

  async velocity(item: Item, residuals: Tensors): Promise<Float32Array> {
    const { velocity } = await this.#unet.run({ ...unetFeeds(item), ...residuals });
    return velocity!.data as Float32Array;
  }
}

function session({ graph, data }: LoadedPart): Promise<ort.InferenceSession> {
  const externalData = data.map(({ name, bytes }) => ({ path: name, data: bytes }));
  return ort.InferenceSession.create(graph, { executionProviders: ['wasm'], externalData });
}

async function packed(precision: Precision): Promise<LoadedPackage> {
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
  const order = { name: 'net-a', config: CONFIG, checkpoint, precision, licence: 'Apache-2.0', provenance: 'vectors' };
  await writePackage(order, sink);
  const source: PackageSource = { read: async (name) => files.get(name)! };
  return loadPackage(source);
}

/** A part that gives every module's output besides. */
async function tracedPart(part: NetworkPart): Promise<LoadedPart> {
  const graph = networkGraph(CONFIG, part, { traced: true });
  const placements = new Map<string, Placement>();
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const weight of graph.weights) {
    for (const { name, bytes } of encodeWeight(weight, await checkpoint.read(weight.key, weight.part))) {
      placements.set(name, { location: 'weights.bin', offset, bytes: bytes.length });
      chunks.push(bytes);
      offset += bytes.length;
    }
  }
  const data = [{ name: 'weights.bin', bytes: new Uint8Array(Buffer.concat(chunks)) }];
  return { graph: modelFile(graph, placements), data };
}

function expectClose(expected: Float32Array, actual: Float32Array, what = ''): void {
  expect(actual.length, what).toBe(expected.length);
  const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i += 1) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  expect(largest, what).toBeLessThanOrEqual(2e-4 * Math.max(1, rms));
}

/** Decibels. */
function signalToNoise(expected: Float32Array, actual: Float32Array): number {
  let noise = 0;
  for (let i = 0; i < expected.length; i += 1) noise += (actual[i]! - expected[i]!) ** 2;
  return 10 * Math.log10(expected.reduce((sum, value) => sum + value * value, 0) / noise);
}
