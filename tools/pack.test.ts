import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobBytes, type Checkpoint, itemsOf } from '../workers/models/checkpoint/checkpoint.ts';
import { stateDictPickle, torchFile } from '../workers/models/checkpoint/fixtures/torch-file.ts';
import { fromHalf, toHalf } from '../workers/models/checkpoint/half.ts';
import { openSafetensors } from '../workers/models/checkpoint/safetensors.ts';
import type { Manifest, Precision } from '../workers/models/manifest.ts';
import { loadPackage } from '../workers/models/package.ts';
import { type PackageSink, writePackage } from '../workers/models/package-writer.ts';
import { expectedTensors } from '../workers/models/venhancer/architecture.ts';
import { formulaValues } from './formula-weights.ts';
import { pack as packInProcess } from './pack.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const WEIGHTS = join(ROOT, 'workers/models/fixtures/weights_A_f16.safetensors');
const CONFIG = {
  family: 'venhancer',
  latentChannels: 4,
  dim: 32,
  multipliers: [1, 1, 2, 2],
  blocks: 2,
  headDim: 16,
  firstTemporalHeads: 8,
  attentionLevels: [0, 1, 2],
  contextDim: 32,
  contextLength: 7,
  groups: 32,
  padding: 'reference',
};

let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pack-'));
  config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify(CONFIG));
});

afterAll(() => rm(folder, { recursive: true }));

function pack(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, ['--import', 'tsx', 'tools/pack.ts', ...args], { cwd: ROOT });
}

describe('npm run pack', () => {
  it('writes a package that loads', async () => {
    const out = join(folder, 'out');
    await pack('--checkpoint', WEIGHTS, '--config', config, '--precision', 'exact', '--out', out, '--name', 'net-a');
    const { manifest, parts } = await loadPackage({ read: (name) => readFile(join(out, name)) });
    expect(manifest.name).toBe('net-a');
    expect(Object.keys(parts)).toEqual(['controlnet', 'unet']);
    expect(manifest.parts.unet!.parameters).toBe(4_291_556);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['nothing', [], /--checkpoint, --config and --out are needed[\s\S]*Usage/],
    ['an unknown option', ['--fast'], /--fast/],
    [
      'an unknown config',
      ['--checkpoint', WEIGHTS, '--config', 'no-such', '--out', 'x'],
      /no-such\.json cannot be read/,
    ],
    [
      'a checkpoint of another config',
      ['--checkpoint', WEIGHTS, '--config', 'venhancer', '--out', 'x'],
      /does not fit/,
    ],
    ['no checkpoint', ['--checkpoint', 'no-such', '--config', 'venhancer', '--out', 'x'], /no-such cannot be opened/],
    [
      'another file as checkpoint',
      ['--checkpoint', 'package.json', '--config', 'venhancer', '--out', 'x'],
      /neither a PyTorch checkpoint nor safetensors/,
    ],
  ])('says what is wrong with %s, and exits 1', async (_, args, message) => {
    const placed = args.map((arg) => (arg === 'x' ? join(folder, 'bad') : arg));
    await expect(pack(...placed)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });
});

describe('a PyTorch checkpoint', () => {
  const shards = (manifest: Manifest) => Object.values(manifest.parts).flatMap(({ data }) => data);

  it('gives the very package that safetensors give', async () => {
    const precision: Precision = 'exact';
    const source = await openSafetensors(blobBytes(new Blob([await readFile(WEIGHTS)])));
    const shapes = new Map(source.keys().map((key) => [key, source.shape(key)]));
    const storages: Uint8Array[] = [];
    for (const key of shapes.keys()) storages.push(new Uint8Array(toHalf(await source.read(key)).buffer));
    const file = join(folder, 'net-a.pt');
    const saved = torchFile(stateDictPickle(shapes, 'HalfStorage'), storages);
    await writeFile(file, new Uint8Array(await saved.arrayBuffer()));
    const [torch, safetensors] = await Promise.all(
      [file, WEIGHTS].map((checkpoint, index) =>
        packInProcess({ checkpoint, config, precision, out: join(folder, `${precision}-${index}`) }),
      ),
    );
    expect(shards(torch!).length).toBeGreaterThan(1);
    expect(shards(torch!)).toEqual(shards(safetensors!));
  });

  it('that torch itself wrote arrives to the last bit', async () => {
    const fixtures = join(ROOT, 'workers/models/checkpoint/fixtures');
    const out = join(folder, 'tiny');
    await pack(
      '--checkpoint',
      join(fixtures, 'tiny-net.pt'),
      '--config',
      join(fixtures, 'tiny-net.json'),
      '--precision',
      'exact',
      '--out',
      out,
    );
    const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as Manifest;
    const tensors = expectedTensors(manifest.config);
    const checkpoint: Checkpoint = {
      keys: () => [...tensors.keys()],
      has: (key) => tensors.has(key),
      shape: (key) => tensors.get(key)!,
      type: () => 'float16',
      read: async (key, part) => {
        const values = fromHalf(toHalf(formulaValues(key, tensors.get(key)!)));
        return values.subarray(...itemsOf(values.length, part));
      },
    };
    const nowhere: PackageSink = { create: async () => ({ write: async () => {}, close: async () => {} }) };
    const expected = await writePackage({ ...manifest, checkpoint, precision: 'exact' }, nowhere);
    expect(shards(manifest)).toEqual(shards(expected));
  });
});
