/** The autoencoders: keys and costs of the official ones, and vae_tiny against diffusers on the WASM provider. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { f32, parseVectors } from '../../denoise/fixtures/safetensors.ts';
import { blobBytes, type Checkpoint } from '../checkpoint/checkpoint.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { graphFiles, relativeError } from '../fixtures/graph-files.ts';
import type { KlAutoencoderConfig } from '../manifest.ts';
import { flopsPerPixel, parameterCount, peakActivationBytes, totalFlops } from '../onnx/cost.ts';
import type { Storage, WeightRequest } from '../onnx/graph.ts';
import { IMAGE_VAE, TEMPORAL_VAE, type VaePart, vaeConfigOf, vaeGraph, vaeTensors } from './autoencoder.ts';
import { vaeStorage } from './storage.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const TINY: KlAutoencoderConfig = { ...TEMPORAL_VAE, channels: [32, 32, 64, 64] };
const TOLERANCE = 2e-4;
const LATENT_SCALE = 0.18215;

let checkpoint: Checkpoint;
let vectors: ReturnType<typeof parseVectors>;

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  checkpoint = await openSafetensors(blobBytes(new Blob([fixture('vae-tiny-weights-f16.safetensors')])));
  vectors = parseVectors(fixture('vae-tiny.safetensors'));
});

/** Over the shapes alone. */
function keysOf(shapes: ReadonlyMap<string, readonly number[]>): Pick<Checkpoint, 'has' | 'shape'> {
  return { has: (key) => shapes.has(key), shape: (key) => shapes.get(key)! };
}

describe('the temporal autoencoder', () => {
  it('reads exactly the keys and shapes of the official file, and is recognised by them', () => {
    const official = JSON.parse(fixture('vae-keys.json').toString()) as { [key: string]: number[] };
    expect(Object.keys(official)).toHaveLength(374);
    expect(Object.fromEntries(vaeTensors(TEMPORAL_VAE))).toEqual(official);
    expect(vaeConfigOf(keysOf(new Map(Object.entries(official))))).toEqual(TEMPORAL_VAE);
    expect(vaeConfigOf(checkpoint)).toEqual(TINY);
  });

  it('has the parameters and does the work of SPEC §1.5 and §4', () => {
    const [encoder, decoder] = [vaeGraph(TEMPORAL_VAE, 'vae-encoder'), vaeGraph(TEMPORAL_VAE, 'vae-decoder')];
    expect(parameterCount(encoder) / 1e6).toBeCloseTo(34.16, 2);
    expect(parameterCount(decoder) / 1e6).toBeCloseTo(63.58, 2);
    expect(totalFlops(encoder, { F: 1, h: 40, w: 64 }) / 0.69e12).toBeCloseTo(1, 1);
    expect(totalFlops(decoder, { F: 5, h: 32, w: 32 }) / 3.8e12).toBeCloseTo(1, 1);
    expect(flopsPerPixel(decoder) / 0.73e9).toBeCloseTo(1, 1);
    // SPEC §4 has 128 KB in float16.
    expect(peakActivationBytes(decoder, { F: 5, h: 32, w: 32 }) / (5 * 32 * 32) / 256e3).toBeCloseTo(1, 1);
  });
});

describe("Stable Diffusion's autoencoder", () => {
  it('has 83,653,863 parameters under its own keys, and is recognised by them', () => {
    const tensors = vaeTensors(IMAGE_VAE);
    const sizes = [...tensors.values()].map((shape) => shape.reduce((total, size) => total * size, 1));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(83_653_863);
    expect(tensors.size).toBe(248);
    expect(tensors.get('decoder.mid_block.attentions.0.proj_attn.weight')).toEqual([512, 512]);
    expect(tensors.get('post_quant_conv.weight')).toEqual([4, 4, 1, 1]);
    expect(vaeConfigOf(keysOf(tensors))).toEqual(IMAGE_VAE);
    const current = { ...IMAGE_VAE, attentionKeys: 'current' } as const;
    expect(vaeConfigOf(keysOf(vaeTensors(current)))).toEqual(current);
  });

  it('is not seen in another file', () => {
    expect(vaeConfigOf(keysOf(new Map([['time_embed.0.weight', [1280, 320]]])))).toBeNull();
  });
});

describe('vae_tiny', () => {
  it('encodes to the mean and log-variance of diffusers', async () => {
    const { mean, logvar } = await encoded(vaeStorage('exact', checkpoint));
    expect(relativeError(f32(vectors, 'mean'), mean)).toBeLessThan(TOLERANCE);
    expect(relativeError(f32(vectors, 'logvar'), logvar)).toBeLessThan(TOLERANCE);
  });

  it('decodes 1, 3 and 5 frames as diffusers does', async () => {
    const decoded = await decoder(() => 'float32');
    for (const frames of [1, 3, 5]) {
      const expected = f32(vectors, `decoded_f${frames}`);
      expect(relativeError(expected, await decoded(frames)), `${frames} frames`).toBeLessThan(TOLERANCE);
    }
  });

  it('is stored in float16 by every precision that quantises, whatever the checkpoint has', async () => {
    const graph = vaeGraph(TINY, 'vae-decoder', { storage: vaeStorage('balanced', checkpoint) });
    const storages = graph.weights.map(({ role, storage }) => `${role} ${storage}`);
    expect(new Set(storages)).toEqual(
      new Set(['convolution float16', 'linear float16', 'edge-convolution float16', 'norm float32', 'bias float32']),
    );
  });
});

async function sessionOf(part: VaePart, storage: (request: WeightRequest) => Storage): Promise<ort.InferenceSession> {
  const { model, externalData } = await graphFiles(vaeGraph(TINY, part, { storage }), checkpoint);
  return ort.InferenceSession.create(model, { executionProviders: ['wasm'], externalData });
}

async function encoded(
  storage: (request: WeightRequest) => Storage,
): Promise<{ mean: Float32Array; logvar: Float32Array }> {
  const session = await sessionOf('vae-encoder', storage);
  const frames = new ort.Tensor('float32', f32(vectors, 'img'), vectors.get('img')!.dims);
  const { mean, logvar } = await session.run({ frames });
  expect(mean!.dims).toEqual(vectors.get('mean')!.dims);
  return { mean: mean!.data as Float32Array, logvar: logvar!.data as Float32Array };
}

async function decoder(
  storage: (request: WeightRequest) => Storage,
): Promise<(frames: number) => Promise<Float32Array>> {
  const session = await sessionOf('vae-decoder', storage);
  return async (frames) => {
    const scaled = vectors.get(`z_scaled_f${frames}`)!;
    const latents = f32(vectors, `z_scaled_f${frames}`).map((value) => value / LATENT_SCALE);
    const output = await session.run({ latents: new ort.Tensor('float32', latents, scaled.dims) });
    expect(output.frames!.dims).toEqual([frames, 3, 40, 32]);
    return output.frames!.data as Float32Array;
  };
}
