/** A network with its hungry steps in pieces, and its UNet in sections, against the same network whole; on the WASM provider. */

import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { formulaValues } from '../../../tools/formula-weights.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { graphFiles, relativeError } from '../fixtures/graph-files.ts';
import type { NetworkConfig } from '../manifest.ts';
import type { Graph } from '../onnx/graph.ts';
import { specialised } from '../specialise.ts';
import { expectedTensors, type NetworkPart, networkGraph } from './architecture.ts';
import { type Chunks, chunksFor } from './chunks.ts';
import { OFFICIAL_NETWORK } from './config-of.ts';
import { levelSizes } from './network.ts';
import { type UNetSection, unetSections } from './sections.ts';

const CONFIG: NetworkConfig = {
  ...OFFICIAL_NETWORK,
  dim: 32,
  multipliers: [1, 1],
  blocks: 1,
  headDim: 16,
  firstTemporalHeads: 2,
  attentionLevels: [0],
  contextDim: 32,
  contextLength: 7,
};
const [FRAMES, HEIGHT, WIDTH] = [3, 6, 4];
/** Of 24 and 8 pixels: some divide them, some don't. */
const PIECES: Chunks = {
  pixels: [24, 9],
  space: [5, 1],
  text: [4, 2],
  feedForward: [3, 2],
  time: [5, 3],
  firstTime: 4,
};

type Tensors = Record<string, ort.Tensor>;

let checkpoint: Checkpoint;

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const tensors = expectedTensors(CONFIG);
  checkpoint = {
    keys: () => [...tensors.keys()],
    has: (key) => tensors.has(key),
    shape: (key) => tensors.get(key)!,
    type: () => 'float32',
    read: async (key) => formulaValues(key, tensors.get(key)!),
  };
});

describe('pieces', () => {
  it('are none empty, and hold no more than the bound', () => {
    for (const [frames, height, width] of [
      [8, 42, 64],
      [3, 10, 8],
      [24, 90, 160],
    ] as const) {
      const chunks = chunksFor(OFFICIAL_NETWORK, frames, height, width);
      const sizes = levelSizes(OFFICIAL_NETWORK, frames, height, width);
      const pixels = [height * width, ...[1, 2, 3].map((level) => sizes[`h${level}`]! * sizes[`w${level}`]!)];
      for (const kind of ['space', 'text', 'feedForward', 'time'] as const) {
        for (const [level, count] of chunks[kind].entries()) {
          expect((count - 1) * Math.ceil(pixels[level]! / count)).toBeLessThan(pixels[level]!);
        }
      }
    }
    const { space } = chunksFor(OFFICIAL_NETWORK, 8, 42, 64);
    expect((2 * 4 * 5 * 8 * (42 * 64) ** 2) / space[0]!).toBeLessThanOrEqual(64 * 2 ** 20);
  });
});

describe('a network cut for memory', () => {
  it('gives what it gives whole, in pieces and in sections, over the weights of its package', async () => {
    const inputs = feeds();
    const whole = await run('controlnet', inputs);
    const expected = await run('unet', { ...inputs, ...whole });
    const residuals = await run('controlnet', inputs, PIECES);
    for (const [name, { data }] of Object.entries(whole)) {
      expect(relativeError(data as Float32Array, residuals[name]!.data as Float32Array), name).toBeLessThan(1e-5);
    }
    const inPieces = await run('unet', { ...inputs, ...residuals }, PIECES);
    let passed: Tensors = { ...inputs, ...residuals };
    for (const section of unetSections(CONFIG)) passed = { ...passed, ...(await run('unet', passed, PIECES, section)) };
    for (const made of [inPieces, passed]) {
      const error = relativeError(expected.velocity!.data as Float32Array, made.velocity!.data as Float32Array);
      expect(error).toBeLessThan(1e-5);
    }
  });
});

async function run(
  part: NetworkPart,
  given: Tensors,
  chunks: Chunks | null = null,
  section: UNetSection | null = null,
): Promise<Tensors> {
  const graph: Graph = networkGraph(CONFIG, part);
  const { model, externalData } = await graphFiles(graph, checkpoint);
  const bytes = chunks ? specialised(CONFIG, part, model, { chunks, section }).graph : model;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], externalData });
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, given[name]!])));
  await session.release();
  return { ...outputs };
}

function feeds(): Tensors {
  const tensor = (dims: readonly number[], seed: number) => {
    const count = dims.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 12.9898 * i) * 1.3);
    return new ort.Tensor('float32', data, dims);
  };
  const latents = [FRAMES, CONFIG.latentChannels, HEIGHT, WIDTH];
  return {
    sample: tensor(latents, 1),
    hint: tensor(latents, 2),
    key_frames: new ort.Tensor('float32', Float32Array.of(1, 0, 1), [FRAMES]),
    timestep_features: tensor([1, CONFIG.dim], 3),
    hint_timestep_features: tensor([1, CONFIG.dim], 4),
    scale_features: tensor([1, CONFIG.dim], 5),
    context: tensor([CONFIG.contextLength, CONFIG.contextDim], 6),
  };
}
