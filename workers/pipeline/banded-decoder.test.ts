/** Nano's learned decoder against PyTorch's (training/parity.py), on onnxruntime-web's WASM provider; whole, and in bands. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockTransformGraph } from '../models/autoencoder/block-transform.ts';
import { modelFile, type Placement } from '../models/onnx/model-file.ts';
import { encodeWeight } from '../models/quantise/encode.ts';
import type { Tensor } from '../tensor.ts';
import { BandedDecoder, rowBands } from './banded-decoder.ts';
import type { Model } from './model.ts';

interface Fixture {
  readonly width: number;
  readonly near: number;
  readonly inner: number;
  readonly depth: number;
  readonly scale: number;
  readonly strength: number;
  readonly height: number;
  readonly pictureWidth: number;
  readonly weights: {
    readonly [key: string]: { readonly shape: readonly number[]; readonly values: readonly number[] };
  };
  readonly source: readonly number[];
  readonly latents: readonly number[];
  readonly frames: readonly number[];
}

const FACTOR = 8;
const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../models/autoencoder/fixtures/refinement.json', import.meta.url), 'utf8'),
);
const { width, near, inner, depth, scale, strength, height, pictureWidth } = fixture;
const plane = { latentWidth: pictureWidth / FACTOR, latentHeight: height / FACTOR };
const refinement = { width, near, inner, depth };
let model: Model;
let runs = 0;

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  const graph = blockTransformGraph('vae-decoder', FACTOR, refinement);
  const placements = new Map<string, Placement>();
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const weight of graph.weights) {
    expect(fixture.weights[weight.key]!.shape).toEqual(weight.shape);
    for (const { name, bytes } of encodeWeight(weight, Float32Array.from(fixture.weights[weight.key]!.values))) {
      placements.set(name, { location: 'weights.bin', offset, bytes: bytes.length });
      chunks.push(bytes);
      offset += bytes.length;
    }
  }
  const session = await ort.InferenceSession.create(modelFile(graph, placements), {
    executionProviders: ['wasm'],
    externalData: [{ path: 'weights.bin', data: new Uint8Array(Buffer.concat(chunks)) }],
  });
  const fed = ({ dims, data }: Tensor) => new ort.Tensor('float32', data, [...dims]);
  model = {
    manifest: { config: { autoencoder: { family: 'block-transform', factor: FACTOR, refinement } } },
    info: { latentChannels: 96, latentFactor: FACTOR },
    decode: async (latents: Tensor, source: Tensor, conditioning: Tensor) => {
      runs += 1;
      const feeds = { latents: fed(latents), source: fed(source), conditioning: fed(conditioning) };
      return (await session.run(feeds)).frames;
    },
  } as unknown as Model;
});

describe('the learned decoder', () => {
  it('makes the frames that PyTorch makes', async () => {
    expect(await differenceFromPyTorch(2 ** 21)).toBeLessThan(1e-4);
    expect(runs).toBe(1);
  });

  it('makes the same in bands', async () => {
    runs = 0;
    expect(await differenceFromPyTorch(0)).toBeLessThan(1e-4);
    expect(runs).toBeGreaterThan(1);
  });
});

describe('bands', () => {
  it.each([
    [17, 2, 6],
    [270, 2, 68],
    [8, 2, 8],
    [100, 0, 7],
  ])(
    'of %d rows with %d around, at most %d at a time, keep every row once, with what is around it',
    (rows, context, most) => {
      const bands = rowBands(rows, context, most);
      expect(bands.flatMap(({ firstKept, endKept }) => range(firstKept, endKept))).toEqual(range(0, rows));
      for (const { from, to, firstKept, endKept } of bands) {
        expect(to - from).toBe(bands[0]!.to - bands[0]!.from);
        expect(to - from).toBeLessThanOrEqual(Math.max(most, 2 * context + 1));
        expect(from).toBeLessThanOrEqual(Math.max(0, firstKept - context));
        expect(to).toBeGreaterThanOrEqual(Math.min(rows, endKept + context));
      }
    },
  );
});

async function differenceFromPyTorch(bandPixels: number): Promise<number> {
  const decoder = new BandedDecoder(model, plane, { scale, strength }, bandPixels);
  const [pixels, latentSize] = [3 * height * pictureWidth, 96 * plane.latentWidth * plane.latentHeight];
  const frame = (values: readonly number[], size: number) => Float32Array.from(values.slice(0, size));
  const made = await decoder.frame(frame(fixture.latents, latentSize), frame(fixture.source, pixels));
  const expected = frame(fixture.frames, pixels);
  return made.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i]!)), 0);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
