/**
 * 500 damaged and hostile checkpoints, from a seed: each is refused with a coded error or read as what it still says, soon and without asking for
 * more memory than its bytes justify.
 */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EnhancerError } from '../../errors.ts';
import { type ByteSource, blobBytes } from './checkpoint.ts';
import { PickleWriter, stateDictPickle, torchFile } from './fixtures/torch-file.ts';
import { openCheckpoint } from './open-checkpoint.ts';

const CASES = 500;
const SECONDS = 5;
const MOST_BYTES = 600e6;
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));

type Random = (limit: number) => number;

/** A xorshift generator's whole numbers below a limit. */
function random(seed: number): Random {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const views = fixture('views.pt');
const bases: readonly Uint8Array[] = [views, views, fixture('unreadable.pt'), safetensors(), safetensors()];
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff];
const WORDS = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

type Damage = (bytes: Uint8Array, next: Random) => Uint8Array | Promise<Uint8Array>;
const damages: { readonly [name: string]: Damage } = {
  truncated: (bytes, next) => bytes.subarray(0, next(bytes.length)),
  'bits flipped': (bytes, next) => {
    for (let n = 1 + next(8); n > 0; n -= 1) bytes[next(bytes.length)]! ^= 1 << next(8);
    return bytes;
  },
  'bytes replaced': (bytes, next) => {
    for (let n = 1 + next(4); n > 0; n -= 1) bytes[next(bytes.length)] = EXTREMES[next(EXTREMES.length)]!;
    return bytes;
  },
  'numbers made absurd': (bytes, next) => {
    const value = WORDS[next(WORDS.length)]!;
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(next(bytes.length - 4), value, true);
    return bytes;
  },
  'directory damaged': (bytes, next) => {
    const start = Math.max(0, bytes.length - 1200);
    for (let n = 1 + next(3); n > 0; n -= 1) bytes[start + next(bytes.length - start)] = next(256);
    return bytes;
  },
  'header damaged': (bytes, next) => {
    for (let n = 1 + next(3); n > 0; n -= 1) bytes[next(Math.min(900, bytes.length))] = 32 + next(95);
    return bytes;
  },
  'a piece cut out': (bytes, next) => {
    const from = next(bytes.length);
    const to = Math.min(bytes.length, from + 1 + next(64));
    return new Uint8Array(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
  },
  'a piece twice': (bytes, next) => {
    const from = next(bytes.length);
    const to = Math.min(bytes.length, from + 1 + next(256));
    return new Uint8Array(Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]));
  },
  'a pickle that calls': (_, next) =>
    pickled((p) => {
      const [module, name] = CALLS[next(CALLS.length)]!;
      return fill(p.global(module, name).text('x'), 0x85, 1 + next(3)).op(0x52);
    }),
  'a pickle of opcodes at random': (_, next) => {
    const length = next(4000);
    return pickled((p) => p.op(...Array.from({ length }, () => next(256))));
  },
  'an absurd shape': async (_, next) => {
    const shape = Array.from({ length: 1 + next(5) }, () => ABSURD[next(ABSURD.length)]!);
    if (next(2) === 0) return safetensors(shape);
    return whole(torchFile(stateDictPickle(new Map([['a', shape]])), [new Uint8Array(next(64))]));
  },
  // Entries that say they are deflated, of sizes that no file has.
  'a zip bomb': async (_, next) => {
    const compressed = [/data\.pkl/, /data\/0/, /./][next(3)]!;
    const tensors = new Map([['a', [1 << next(31)]]]);
    const bytes = await whole(
      torchFile(stateDictPickle(tensors), [new Uint8Array(64)], { compressed, zip64: next(2) === 0 }),
    );
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 30 < bytes.length; at += 1) {
      const signature = view.getUint32(at, true);
      if (signature === 0x04034b50) view.setUint32(at + 22, WORDS[next(WORDS.length)]!, true);
      if (signature === 0x02014b50) view.setUint32(at + 24, WORDS[next(WORDS.length)]!, true);
    }
    return bytes;
  },
};
const CALLS = [
  ['os', 'system'],
  ['builtins', 'eval'],
  ['posix', 'popen'],
  ['torch', 'load'],
  ['torch._utils', '_rebuild_tensor_v2'],
  ['constructor', 'constructor'],
  ['__proto__', 'valueOf'],
] as const;
const ABSURD = [0, 1, 3, 65_536, 2 ** 31 - 1, 2 ** 32, 2 ** 52];

it(`survives ${CASES} damaged files`, async () => {
  const next = random(20_240_916);
  const names = Object.keys(damages);
  const outcomes = { refused: 0, read: 0 };
  const memory = { before: process.memoryUsage().rss, most: 0 };
  let longest = { seconds: 0, name: '' };
  for (let index = 0; index < CASES; index += 1) {
    const name = names[index % names.length]!;
    const bytes = await damages[name]!(bases[next(bases.length)]!.slice(), next);
    const started = performance.now();
    outcomes[await outcome(bytes, `${index}: ${name}`)] += 1;
    const seconds = (performance.now() - started) / 1000;
    if (seconds > longest.seconds) longest = { seconds, name };
    memory.most = Math.max(memory.most, process.memoryUsage().rss - memory.before);
  }
  const taken = `${(1000 * longest.seconds).toFixed(0)} ms (${longest.name}), ${(memory.most / 2 ** 20).toFixed(0)} MiB more`;
  console.log(`${CASES} files: ${outcomes.refused} refused, ${outcomes.read} read; at most ${taken}`);
  expect(memory.most).toBeLessThan(MOST_BYTES);
  // Both ends of the scale must be reached, else the damage is not what it claims to be.
  expect(outcomes.refused).toBeGreaterThan(CASES / 3);
  expect(outcomes.read).toBeGreaterThan(CASES / 10);
}, 60_000);

it.each<[string, () => Promise<Uint8Array>]>([
  ['random opcodes', () => pickled((p, next) => p.op(...Array.from({ length: 2000 }, () => next(256))))],
  ['lists in lists, deep', () => pickled((p) => fill(p, 0x5d, 100_000, 0x61))],
  ['tuples, deep', () => pickled((p) => fill(p.op(0x29), 0x85, 100_000))],
  ['a list in itself', () => pickled((p) => p.op(0x5d, 0x71, 0, 0x68, 0, 0x61))],
  ['a million dicts', () => pickled((p) => fill(p, 0x7d, 1_000_000))],
  ['a million marks', () => pickled((p) => fill(p, 0x28, 1_000_000))],
  [
    // 2^30 entries if anything walked it.
    'doubled again and again',
    () => pickled((p) => p.op(0x5d, ...Array.from({ length: 30 }, () => [0x32, 0x86]).flat())),
  ],
])('survives a pickle of %s', async (name, make) => {
  expect(await outcome(await make(), name)).toBe('refused');
});

async function pickled(write: (p: PickleWriter, next: Random) => PickleWriter): Promise<Uint8Array> {
  const pickle = write(new PickleWriter().op(0x80, 2), random(7)).op(0x2e).finish();
  return whole(torchFile(pickle, [new Uint8Array(16)]));
}

async function whole(file: Blob): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

/** An opcode many times, then another as often less one. */
function fill(p: PickleWriter, opcode: number, count: number, then?: number): PickleWriter {
  for (let i = 0; i < count; i += 1) p.op(opcode);
  if (then !== undefined) for (let i = 1; i < count; i += 1) p.op(then);
  return p;
}

/** Opens a file and reads all that it lists. Anything but an answer or a coded error fails the test. */
async function outcome(bytes: Uint8Array, name: string): Promise<'read' | 'refused'> {
  const started = performance.now();
  const result = await readAll(bytes, name);
  expect(performance.now() - started, name).toBeLessThan(1000 * SECONDS);
  return result;
}

async function readAll(bytes: Uint8Array, name: string): Promise<'read' | 'refused'> {
  try {
    const checkpoint = await openCheckpoint(bounded(bytes, name));
    for (const key of checkpoint.keys()) {
      const size = checkpoint.shape(key).reduce((total, length) => total * length, 1);
      if (checkpoint.type(key) === 'other') continue;
      const values = await checkpoint.read(key);
      expect(values.length, name).toBe(size);
      expect(values.length, name).toBeLessThanOrEqual(bytes.length);
    }
    return 'read';
  } catch (error) {
    if (error instanceof EnhancerError && error.code === 'CHECKPOINT_INVALID') return 'refused';
    throw new Error(`${name}: ${error}`, { cause: error });
  }
}

/** Refuses to be read outside itself, as a file would give less than was asked. */
function bounded(bytes: Uint8Array, name: string): ByteSource {
  const source = blobBytes(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  return {
    bytes: source.bytes,
    read: (start, end) => {
      expect(start >= 0 && start <= end && end <= source.bytes, `${name}: read ${start} to ${end}`).toBe(true);
      return source.read(start, end);
    },
  };
}

function safetensors(shape: readonly number[] = [4, 2]): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({
      __metadata__: { format: 'pt' },
      'out.0.weight': { dtype: 'F16', shape, data_offsets: [0, 16] },
      'out.0.bias': { dtype: 'F32', shape: [4], data_offsets: [16, 32] },
      'out.2.weight': { dtype: 'BF16', shape: [2, 2, 1], data_offsets: [32, 40] },
    }),
  );
  const file = new Uint8Array(8 + header.length + 40);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}
