/**
 * A net as nano is one (no text, plain padding, levels without attention), with what nano does not have besides (channels that heads do not
 * divide, three levels): against `training/model.py`, from weights made by formula (SPEC §6, Net B).
 */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { expect, it } from 'vitest';
import { sinusoid } from '../condition/sinusoid.ts';
import { parseVectors } from '../denoise/fixtures/safetensors.ts';
import { type Checkpoint, itemsOf } from './checkpoint/checkpoint.ts';
import { parseConfig } from './config.ts';
import { loadPackage } from './package.ts';
import { writePackage } from './package-writer.ts';
import { expectedTensors } from './venhancer/architecture.ts';

const CONFIG = parseConfig({
  family: 'venhancer',
  latentChannels: 6,
  dim: 16,
  multipliers: [1, 2, 3],
  blocks: 1,
  headDim: 10,
  firstTemporalHeads: 2,
  attentionLevels: [1],
  contextDim: 0,
  contextLength: 0,
  groups: 8,
  padding: 'plain',
});

it('reproduces a plain net without text', async () => {
  ort.env.wasm.numThreads = 1;
  const files = new Map<string, Uint8Array>();
  const sink = {
    async create(name: string) {
      const chunks: Uint8Array[] = [];
      return {
        write: async (bytes: Uint8Array) => void chunks.push(bytes.slice()),
        close: async () => void files.set(name, new Uint8Array(Buffer.concat(chunks))),
      };
    },
  };
  const order = { name: 'plain', config: CONFIG, checkpoint: formulaCheckpoint(), precision: 'exact' } as const;
  await writePackage({ ...order, licence: 'Apache-2.0', provenance: 'a formula' }, sink);
  const { parts } = await loadPackage({ read: async (name) => files.get(name)! });
  const open = ({ graph, data }: NonNullable<typeof parts.unet>) =>
    ort.InferenceSession.create(graph, {
      executionProviders: ['wasm'],
      externalData: data.map(({ name, bytes }) => ({ path: name, data: bytes })),
    });
  const [controlnet, unet] = [await open(parts.controlnet!), await open(parts.unet!)];

  const vectors = parseVectors(readFileSync(new URL('./fixtures/plain-net.safetensors', import.meta.url)));
  const vector = (name: string) => {
    const { dims, data } = vectors.get(name)!;
    return new ort.Tensor('float32', data as Float32Array, dims);
  };
  const features = (value: number) => new ort.Tensor('float32', sinusoid(value, CONFIG.dim), [1, CONFIG.dim]);
  const shared = { sample: vector('sample'), timestep_features: features(363) };
  const residuals = await controlnet.run({
    ...shared,
    hint: vector('hint'),
    key_frames: vector('key_frames'),
    hint_timestep_features: features(99),
    scale_features: features(12.5),
  });
  const { velocity } = await unet.run({ ...shared, ...residuals });
  const expected = vectors.get('velocity')!.data as Float32Array;
  const actual = velocity!.data as Float32Array;
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
  expect(largest).toBeLessThanOrEqual(2e-5);
});

/** SPEC §6, Net B: every value a hash of its key and place. */
function formulaCheckpoint(): Checkpoint {
  const tensors = expectedTensors(CONFIG);
  return {
    keys: () => [...tensors.keys()],
    has: (key) => tensors.has(key),
    shape: (key) => tensors.get(key)!,
    type: () => 'float32',
    read: async (key, part) => {
      const shape = tensors.get(key)!;
      const count = shape.reduce((total, size) => total * size, 1);
      const seed = [...new TextEncoder().encode(key)].reduce(
        (hash, byte) => Math.imul(hash ^ byte, 16777619),
        2166136261 | 0,
      );
      const spread = (Math.sqrt(3) * 0.8) / Math.sqrt(count / shape[0]!);
      const values = new Float32Array(count).map((_, i) => {
        const u = unit(Math.imul(i + seed, 0x9e3779b1));
        if (shape.length > 1) return u * spread;
        return key.endsWith('weight') ? 1 + 0.3 * u : 0.15 * u;
      });
      return values.subarray(...itemsOf(count, part));
    },
  };
}

/** Murmur3's finaliser, onto −1…1. */
function unit(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
}
