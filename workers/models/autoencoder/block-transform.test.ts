import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelFile } from '../onnx/model-file.ts';
import { type AutoencoderPart, blockTransformChannels, blockTransformGraph } from './block-transform.ts';

const FRAMES = 2;
const [HEIGHT, WIDTH] = [24, 16];

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

describe.each([2, 4, 8])('factor %d', (factor) => {
  const channels = blockTransformChannels(factor);
  const latentDims = [FRAMES, channels, HEIGHT / factor, WIDTH / factor];
  const frameDims = [FRAMES, 3, HEIGHT, WIDTH];
  let encode: (frames: Float32Array) => Promise<Float32Array>;
  let decode: (latents: Float32Array, source: Float32Array) => Promise<Float32Array>;

  beforeAll(async () => {
    const encoder = await session('vae-encoder', factor);
    const decoder = await session('vae-decoder', factor);
    encode = async (frames) => {
      const { latents } = await encoder.run({ frames: new ort.Tensor('float32', frames, frameDims) });
      expect(latents!.dims).toEqual(latentDims);
      return latents!.data as Float32Array;
    };
    decode = async (latents, source) => {
      const feeds = {
        latents: new ort.Tensor('float32', latents, latentDims),
        source: new ort.Tensor('float32', source, frameDims),
      };
      return (await decoder.run(feeds)).frames!.data as Float32Array;
    };
  });

  it('gives the source back to the last bit for its own latents', async () => {
    const source = noise(FRAMES * 3 * HEIGHT * WIDTH, 1);
    expect(await decode(await encode(source), source)).toEqual(source);
  });

  it('decodes any latents so that they encode to themselves', async () => {
    const latents = noise(FRAMES * channels * (HEIGHT / factor) * (WIDTH / factor), 2);
    const frames = await decode(latents, noise(FRAMES * 3 * HEIGHT * WIDTH, 3));
    expect(largestDifference(await encode(frames), latents)).toBeLessThan(2e-5);
  });

  it('carries a frame whose chroma is constant over 2×2 pixels through any source', async () => {
    const frames = halfChroma(noise(FRAMES * 3 * HEIGHT * WIDTH, 4));
    const other = halfChroma(noise(FRAMES * 3 * HEIGHT * WIDTH, 5));
    expect(largestDifference(await decode(await encode(frames), other), frames)).toBeLessThan(2e-5);
  });
});

describe('channels', () => {
  it('are luma by frequency in rows, then Cb, then Cr', async () => {
    const encoder = await session('vae-encoder', 4);
    const run = async (pixel: (channel: number, y: number, x: number) => number) => {
      const frame = new Float32Array(48).map((_, i) => pixel(Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4));
      const { latents } = await encoder.run({ frames: new ort.Tensor('float32', frame, [1, 3, 4, 4]) });
      return [...(latents!.data as Float32Array)].map((value) => Math.round(value * 1e4) / 1e4);
    };
    const grey = await run(() => 0.5);
    expect(grey[0]).toBeCloseTo(2, 4);
    expect(grey.slice(1).every((value) => Math.abs(value) < 1e-4)).toBe(true);
    const horizontal = await run((_, __, x) => Math.cos(((2 * x + 1) * Math.PI) / 8));
    expect(horizontal[1]).toBeCloseTo(Math.sqrt(8), 3);
    expect(horizontal[4]).toBeCloseTo(0, 4);
    const blue = await run((channel) => (channel === 2 ? 1 : 0));
    expect(blue[16]).toBeCloseTo(2 * 0.564 * 0.886, 4);
    expect(blue[20]).toBeCloseTo(2 * -0.713 * 0.114, 4);
  });
});

function session(part: AutoencoderPart, factor: number): Promise<ort.InferenceSession> {
  const model = modelFile(blockTransformGraph(part, factor), new Map());
  return ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
}

/** −1…1, the same for the same seed. */
function noise(length: number, seed: number): Float32Array {
  let state = seed * 2654435761;
  return new Float32Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Y kept, Cb and Cr replaced by those of each 2×2 block's first pixel. */
function halfChroma(frames: Float32Array): Float32Array {
  const plane = HEIGHT * WIDTH;
  const result = new Float32Array(frames.length);
  for (let frame = 0; frame < FRAMES; frame += 1) {
    for (let at = 0; at < plane; at += 1) {
      const [y, x] = [Math.floor(at / WIDTH), at % WIDTH];
      const corner = (y - (y % 2)) * WIDTH + x - (x % 2);
      const rgb = (index: number) => [0, 1, 2].map((c) => frames[(frame * 3 + c) * plane + index]!);
      const luma = ([r, g, b]: number[]) => 0.299 * r! + 0.587 * g! + 0.114 * b!;
      const shift = luma(rgb(at)) - luma(rgb(corner));
      for (const [c, value] of rgb(corner).entries()) result[(frame * 3 + c) * plane + at] = value + shift;
    }
  }
  return result;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
