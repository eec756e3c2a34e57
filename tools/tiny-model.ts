/**
 * A model of the official family, small enough for a test: the three files as a person has them, weights by formula (SPEC §6, Net B).
 *
 * UNet and ControlNet of 6.4 M parameters (all kinds of blocks), the temporal autoencoder and a text tower whose vocabulary is the official one's.
 * What it makes of a clip is noise, but every byte of it went the official model's way.
 */

import { stateDictPickle, torchFile } from '../workers/models/checkpoint/fixtures/torch-file.ts';
import { toHalf } from '../workers/models/checkpoint/half.ts';
import type { KlAutoencoderConfig, NetworkConfig, TextConfig } from '../workers/models/manifest.ts';
import { textTensors, VIT_H_14 } from '../workers/models/text/text-tower.ts';
import { TEMPORAL_VAE, vaeTensors } from '../workers/models/vae/autoencoder.ts';
import { expectedTensors } from '../workers/models/venhancer/architecture.ts';
import { OFFICIAL_NETWORK } from '../workers/models/venhancer/config-of.ts';
import { formulaValues } from './formula-weights.ts';

type Shapes = ReadonlyMap<string, readonly number[]>;

export const TINY_NETWORK: NetworkConfig = {
  ...OFFICIAL_NETWORK,
  dim: 32,
  multipliers: [1, 1, 2, 2],
  headDim: 16,
  contextDim: 32,
};
export const TINY_AUTOENCODER: KlAutoencoderConfig = { ...TEMPORAL_VAE, channels: [32, 32, 64, 64] };
export const TINY_TEXT: TextConfig = { ...VIT_H_14, width: 32, heads: 1, mlpWidth: 64, layers: 2 };

/** As torch.save writes a float16 state dict. */
export async function torchCheckpoint(shapes: Shapes): Promise<Buffer> {
  const storages = [...shapes].map(([key, shape]) => halfBytes(key, shape));
  return Buffer.from(await torchFile(stateDictPickle(shapes, 'HalfStorage'), storages).arrayBuffer());
}

export function safetensorsCheckpoint(shapes: Shapes): Buffer {
  const header: Record<string, object> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [key, shape] of shapes) {
    const bytes = halfBytes(key, shape);
    header[key] = { dtype: 'F16', shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

export function tinyNetworkTensors(): Shapes {
  return expectedTensors(TINY_NETWORK);
}

export function tinyAutoencoderTensors(): Shapes {
  return vaeTensors(TINY_AUTOENCODER);
}

/** The whole tower, with the last block that is never run. */
export function tinyTextTensors(): Shapes {
  return textTensors({ ...TINY_TEXT, layers: TINY_TEXT.layers + 1 });
}

function halfBytes(key: string, shape: readonly number[]): Uint8Array {
  return new Uint8Array(toHalf(formulaValues(key, shape)).buffer);
}
