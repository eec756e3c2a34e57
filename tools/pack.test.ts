import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPackage } from '../workers/models/package.ts';

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
      /no safetensors/,
    ],
  ])('says what is wrong with %s, and exits 1', async (_, args, message) => {
    const placed = args.map((arg) => (arg === 'x' ? join(folder, 'bad') : arg));
    await expect(pack(...placed)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });
});
