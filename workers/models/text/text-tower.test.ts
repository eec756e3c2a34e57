/** The text tower: keys and parameters of the official one, and a small one against open_clip on the WASM provider. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { blobBytes, type Checkpoint } from '../checkpoint/checkpoint.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { decibels, graphFiles, relativeError } from '../fixtures/graph-files.ts';
import type { TextConfig } from '../manifest.ts';
import { parameterCount, peakActivationBytes, totalFlops } from '../onnx/cost.ts';
import type { Storage, WeightRequest } from '../onnx/graph.ts';
import { storagePolicy } from '../quantise/storage.ts';
import { textConfigOf, textGraph, textTensors, VIT_H_14 } from './text-tower.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const SMALL: TextConfig = { ...VIT_H_14, vocabulary: 600, width: 128, heads: 2, mlpWidth: 512, layers: 2 };
const TOLERANCE = 2e-4;

let checkpoint: Checkpoint;

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  checkpoint = await openSafetensors(blobBytes(new Blob([fixture('text-tower.safetensors')])));
});

describe('ViT-H-14', () => {
  const official = new Map(
    Object.entries(JSON.parse(fixture('vit-h-14-keys.json').toString()) as Record<string, number[]>),
  );

  it('reads every text key of the official file but those of the last block and the projection', () => {
    const unread = ['text_projection', 'logit_scale'];
    const read = [...official].filter(([key]) => !unread.includes(key) && !key.startsWith('transformer.resblocks.23.'));
    expect(read).toHaveLength(280);
    expect(Object.fromEntries(textTensors(VIT_H_14))).toEqual(Object.fromEntries(read));
  });

  it('is recognised by its keys, and nothing else is', () => {
    const over = (shapes: ReadonlyMap<string, number[]>) => ({
      has: (key: string) => shapes.has(key),
      shape: (key: string) => shapes.get(key)!,
    });
    expect(textConfigOf(over(official))).toEqual(VIT_H_14);
    expect(textConfigOf(over(new Map([['time_embed.0.weight', [1280, 320]]])))).toBeNull();
  });

  it('has the parameters of SPEC §1.5 and costs 45 GFLOP', () => {
    const graph = textGraph(VIT_H_14);
    expect(parameterCount(graph) / 340e6).toBeCloseTo(1, 2);
    expect(totalFlops(graph, {}) / 45e9).toBeCloseTo(1, 1);
    expect(peakActivationBytes(graph, {})).toBeLessThan(4e6);
  });
});

describe('a small tower', () => {
  it.each([0, 1])('gives the context of open_clip for text %d', async (index) => {
    const context = await encoded(index, storagePolicy('exact', checkpoint));
    expect(relativeError(await checkpoint.read(`test.context_${index}`), context)).toBeLessThan(TOLERANCE);
  });

  it('keeps 34 dB in int8', async () => {
    const context = await encoded(1, storagePolicy('balanced', checkpoint));
    expect(decibels(await checkpoint.read('test.context_1'), context)).toBeGreaterThan(34);
  });
});

async function encoded(index: number, storage: (request: WeightRequest) => Storage): Promise<Float32Array> {
  const { model, externalData } = await graphFiles(textGraph(SMALL, { storage }), checkpoint);
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'], externalData });
  const tokens = new ort.Tensor('float32', await checkpoint.read(`test.tokens_${index}`), [77]);
  const { context } = await session.run({ tokens });
  expect(context!.dims).toEqual([77, SMALL.width]);
  return context!.data as Float32Array;
}
