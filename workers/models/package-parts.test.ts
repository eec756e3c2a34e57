/** A package of all five parts from three checkpoints, read back and run on the WASM provider. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { f32, parseVectors } from '../denoise/fixtures/safetensors.ts';
import { blobBytes, type Checkpoint, itemsOf } from './checkpoint/checkpoint.ts';
import { openSafetensors } from './checkpoint/safetensors.ts';
import { relativeError } from './fixtures/graph-files.ts';
import type { Manifest, NetworkConfig, Precision } from './manifest.ts';
import { type LoadedPackage, type LoadedPart, loadPackage } from './package.ts';
import { completeConfig } from './package-parts.ts';
import { type PackageOrder, type PackageSink, writePackage } from './package-writer.ts';
import { expectedTensors } from './venhancer/architecture.ts';

const NETWORK: NetworkConfig = {
  family: 'venhancer',
  latentChannels: 4,
  dim: 16,
  multipliers: [1, 1],
  blocks: 1,
  headDim: 16,
  firstTemporalHeads: 1,
  attentionLevels: [0],
  contextDim: 128,
  contextLength: 77,
  groups: 8,
  padding: 'reference',
};

const fixture = (path: string) => readFileSync(new URL(path, import.meta.url));
const open = (path: string) => openSafetensors(blobBytes(new Blob([fixture(path)])));

let autoencoder: Checkpoint;
let text: Checkpoint;

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  autoencoder = await open('./fixtures/vae-tiny-weights-f16.safetensors');
  text = await open('./text/fixtures/text-tower.safetensors');
});

describe('a package from three checkpoints', () => {
  let loaded: LoadedPackage;
  beforeAll(async () => {
    loaded = await packed({ autoencoder, text });
  });

  it('says what it has', () => {
    const { config, parts, latentFactor, latentScale } = loaded.manifest;
    expect(Object.keys(parts)).toEqual(['vae-encoder', 'vae-decoder', 'controlnet', 'unet', 'text-encoder']);
    expect(config.autoencoder).toMatchObject({ family: 'kl', decoder: 'temporal', channels: [32, 32, 64, 64] });
    expect(config.text).toMatchObject({ vocabulary: 600, width: 128, layers: 2 });
    expect([latentFactor, latentScale]).toEqual([8, [0.18215, 0.18215, 0.18215, 0.18215]]);
    expect(parts['vae-decoder']).toMatchObject({ inputs: ['latents'], outputs: ['frames'] });
    expect(parts['vae-encoder']).toMatchObject({ inputs: ['frames'], outputs: ['mean', 'logvar'] });
    expect(parts['text-encoder']).toMatchObject({ inputs: ['tokens'], outputs: ['context'], flopsPerLatentPixel: 0 });
  });

  it('decodes and reads text as the reference does', async () => {
    const vectors = parseVectors(fixture('./fixtures/vae-tiny.safetensors'));
    const latents = f32(vectors, 'z_scaled_f1').map((value) => value / loaded.manifest.latentScale[0]!);
    const { frames } = await run(loaded.parts['vae-decoder']!, 'latents', latents, [1, 4, 5, 4]);
    expect(relativeError(f32(vectors, 'decoded_f1'), frames!.data as Float32Array)).toBeLessThan(2e-4);
    const { context } = await run(loaded.parts['text-encoder']!, 'tokens', await text.read('test.tokens_0'), [77]);
    expect(relativeError(await text.read('test.context_0'), context!.data as Float32Array)).toBeLessThan(2e-4);
  });

  it('reads the tower in int8 and the autoencoder in float16 where the network is int8', async () => {
    const { parts } = (await packed({ autoencoder, text }, 'balanced')).manifest;
    const bytesPerWeight = (name: 'vae-decoder' | 'text-encoder') =>
      parts[name]!.data.reduce((sum, { bytes }) => sum + bytes, 0) / parts[name]!.parameters;
    expect(bytesPerWeight('vae-decoder')).toBeCloseTo(2, 0);
    expect(bytesPerWeight('text-encoder')).toBeLessThan(1.6);
  });
});

describe('a file in the wrong place', () => {
  it.each<[string, () => Partial<PackageOrder>, RegExp]>([
    ['text as autoencoder', () => ({ autoencoder: text }), /autoencoder looks like an OpenCLIP model/],
    ['autoencoder as text', () => ({ text: autoencoder }), /text encoder looks like the VAE with the temporal decoder/],
    ['another model’s text', () => ({ text, config: { ...NETWORK, contextDim: 64 } }), /\[77, 128\].*\[77, 64\]/],
    ['another model’s latents', () => ({ autoencoder, config: { ...NETWORK, latentChannels: 8 } }), /4 latent.*8/],
    ['an incomplete one', () => ({ autoencoder: without(autoencoder, 'decoder.conv_in.bias') }), /1 of 370 .*conv_in/],
  ])('is named: %s', async (_, order, message) => {
    await expect(packed(order())).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('is missed where the config needs one', async () => {
    const config = completeConfig(NETWORK, { network: zeros(NETWORK), autoencoder, text });
    await expect(packed({ config, text })).rejects.toThrow(/autoencoder has a checkpoint of its own/);
    await expect(packed({ config, autoencoder })).rejects.toThrow(/text encoder has a checkpoint of its own/);
  });
});

async function packed(order: Partial<PackageOrder>, precision: Precision = 'exact'): Promise<LoadedPackage> {
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
  const config = order.config ?? NETWORK;
  const base = { name: 'five', config, checkpoint: zeros(config), precision, licence: 'none', provenance: 'test' };
  const manifest: Manifest = await writePackage({ ...base, ...order }, sink);
  const loaded = await loadPackage({ read: async (name) => files.get(name)! });
  expect(loaded.manifest).toEqual(manifest);
  return loaded;
}

/** A network's checkpoint, all zeros. */
function zeros(config: NetworkConfig): Checkpoint {
  const shapes = expectedTensors(config);
  return {
    keys: () => [...shapes.keys()],
    has: (key) => shapes.has(key),
    shape: (key) => shapes.get(key)!,
    type: () => 'float32',
    read: async (key, part) => {
      const count = shapes.get(key)!.reduce((total, size) => total * size, 1);
      return new Float32Array(count).subarray(...itemsOf(count, part));
    },
  };
}

function without(checkpoint: Checkpoint, missing: string): Checkpoint {
  return { ...checkpoint, has: (key) => key !== missing && checkpoint.has(key) };
}

async function run(
  { graph, data }: LoadedPart,
  input: string,
  values: Float32Array,
  dims: readonly number[],
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const externalData = data.map(({ name, bytes }) => ({ path: name, data: bytes }));
  const session = await ort.InferenceSession.create(graph, { executionProviders: ['wasm'], externalData });
  return session.run({ [input]: new ort.Tensor('float32', values, dims) });
}
