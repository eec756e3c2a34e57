/** A network with its hungry steps in pieces, and its UNet in sections, against the same network whole; on the WASM provider. */

import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { formulaValues } from '../../../tools/formula-weights.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CUT_NETWORK, cutNetworkCheckpoint, cutNetworkFeeds, PIECES } from '../fixtures/cut-network.ts';
import { graphFiles, relativeError } from '../fixtures/graph-files.ts';
import type { Graph } from '../onnx/graph.ts';
import { specialised } from '../specialise.ts';
import { type NetworkPart, networkGraph } from './architecture.ts';
import { type Chunks, chunksFor } from './chunks.ts';
import { OFFICIAL_NETWORK } from './config-of.ts';
import { levelSizes } from './network.ts';
import { type UNetSection, unetSections } from './sections.ts';

type Tensors = Record<string, ort.Tensor>;

let checkpoint: Checkpoint;

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  checkpoint = cutNetworkCheckpoint(formulaValues);
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
    for (const section of unetSections(CUT_NETWORK))
      passed = { ...passed, ...(await run('unet', passed, PIECES, section)) };
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
  const graph: Graph = networkGraph(CUT_NETWORK, part);
  const { model, externalData } = await graphFiles(graph, checkpoint);
  const bytes = chunks ? specialised(CUT_NETWORK, part, model, { chunks, section }).graph : model;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], externalData });
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, given[name]!])));
  await session.release();
  return { ...outputs };
}

function feeds(): Tensors {
  const made = Object.entries(cutNetworkFeeds());
  return Object.fromEntries(made.map(([name, { dims, data }]) => [name, new ort.Tensor('float32', data, dims)]));
}
