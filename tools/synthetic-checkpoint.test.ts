import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { blobBytes } from '../workers/models/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../workers/models/checkpoint/open-checkpoint.ts';
import { parseConfig } from '../workers/models/config.ts';
import { expectedTensors } from '../workers/models/venhancer/architecture.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const FIXTURES = join(ROOT, 'workers/models/checkpoint/fixtures');

// torch itself wrote tiny-net.pt, with the same formula in Python.
it.each(['safetensors', 'pt'])('writes as .%s what torch wrote', async (extension) => {
  const folder = await mkdtemp(join(tmpdir(), 'synthetic-'));
  try {
    const out = join(folder, `net.${extension}`);
    const config = join(FIXTURES, 'tiny-net.json');
    const args = ['--import', 'tsx', 'tools/synthetic-checkpoint.ts', '--out', out, '--config', config];
    await run(process.execPath, args, { cwd: ROOT });
    const open = async (file: string) => openCheckpoint(blobBytes(new Blob([await readFile(file)])));
    const [ours, torchs] = [await open(out), await open(join(FIXTURES, 'tiny-net.pt'))];
    const expected = expectedTensors(parseConfig(JSON.parse(await readFile(config, 'utf8'))));
    expect(new Set(ours.keys())).toEqual(new Set(torchs.keys()));
    for (const [key, shape] of expected) {
      expect(ours.shape(key)).toEqual(shape);
      expect(ours.type(key)).toBe('float16');
      expect(await ours.read(key), key).toEqual(await torchs.read(key));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
