/**
 * Writes a checkpoint of the official shape with weights by formula, for trying the pack path without the real weights.
 *
 *   npx tsx tools/synthetic-checkpoint.ts --out FILE.safetensors|FILE.pt|FILE.bin [--config NAME|FILE.json] [--kind network|autoencoder|text]
 *
 * The other kinds are the official autoencoder and text tower, and take no config.
 * float16, streamed: memory holds a few megabytes. The official config is 4.09 GB and takes about a minute and a half.
 */

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stateDictPickle, zipLayout } from '../workers/models/checkpoint/fixtures/torch-file.ts';
import { toHalf } from '../workers/models/checkpoint/half.ts';
import { parseConfig } from '../workers/models/config.ts';
import { textTensors, VIT_H_14 } from '../workers/models/text/text-tower.ts';
import { TEMPORAL_VAE, vaeTensors } from '../workers/models/vae/autoencoder.ts';
import { expectedTensors } from '../workers/models/venhancer/architecture.ts';
import { formulaValues } from './formula-weights.ts';

type Shapes = ReadonlyMap<string, readonly number[]>;

const CHUNK_ITEMS = 1 << 20;

function* halves(key: string, shape: readonly number[]): Generator<Uint8Array> {
  const count = items(shape);
  for (let start = 0; start < count; start += CHUNK_ITEMS) {
    const values = formulaValues(key, shape, start, Math.min(CHUNK_ITEMS, count - start));
    yield new Uint8Array(toHalf(values).buffer);
  }
}

async function writeSafetensors(file: FileHandle, shapes: Shapes): Promise<void> {
  const header: { [key: string]: object } = {};
  let offset = 0;
  for (const [key, shape] of shapes) {
    const end = offset + 2 * items(shape);
    header[key] = { dtype: 'F16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  await file.writeFile(length);
  await file.writeFile(json);
  for (const [key, shape] of shapes) {
    for (const bytes of halves(key, shape)) await file.writeFile(bytes);
  }
}

async function writeTorch(file: FileHandle, shapes: Shapes): Promise<void> {
  const pickle = stateDictPickle(shapes, 'HalfStorage');
  const version = new TextEncoder().encode('3\n');
  const sizes = new Map([
    ['synthetic/data.pkl', pickle.length],
    ['synthetic/version', version.length],
  ]);
  const storages = [...shapes].map(([key, shape], index) => ({ key, shape, name: `synthetic/data/${index}` }));
  for (const { name, shape } of storages) sizes.set(name, 2 * items(shape));
  const { heads, directory } = zipLayout(sizes, { zip64: true });
  await file.writeFile(heads.get('synthetic/data.pkl')!);
  await file.writeFile(pickle);
  await file.writeFile(heads.get('synthetic/version')!);
  await file.writeFile(version);
  for (const { key, shape, name } of storages) {
    await file.writeFile(heads.get(name)!);
    for (const bytes of halves(key, shape)) await file.writeFile(bytes);
  }
  await file.writeFile(directory);
}

function items(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

async function shapesOf(kind: string, config: string): Promise<Shapes> {
  if (kind === 'autoencoder') return vaeTensors(TEMPORAL_VAE);
  // With the last block, which is never run.
  if (kind === 'text') return textTensors({ ...VIT_H_14, layers: VIT_H_14.layers + 1 });
  const named = new URL(`../workers/models/configs/${config}.json`, import.meta.url);
  return expectedTensors(parseConfig(JSON.parse(await readFile(config.endsWith('.json') ? config : named, 'utf8'))));
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const options = { out: text, config: text, kind: text };
  const { out, config = 'venhancer', kind = 'network' } = parseArgs({ options }).values;
  if (out === undefined) throw new Error('--out FILE.safetensors or FILE.pt is needed.');
  const shapes = await shapesOf(kind, config);
  const file = await open(out, 'w');
  try {
    await (out.endsWith('.safetensors') ? writeSafetensors : writeTorch)(file, shapes);
  } finally {
    await file.close();
  }
  console.log(`${shapes.size} tensors in ${out}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
