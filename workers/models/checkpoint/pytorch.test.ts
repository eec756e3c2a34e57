/** PyTorch's own files, and files that PyTorch would never write (fixtures/make_checkpoints.py, fixtures/torch-file.ts). */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blobBytes } from './checkpoint.ts';
import { PickleWriter, stateDictPickle, torchFile, zipFile } from './fixtures/torch-file.ts';
import { openCheckpoint } from './open-checkpoint.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const open = (bytes: Uint8Array | Blob) =>
  openCheckpoint(blobBytes(bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>])));
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'CHECKPOINT_INVALID', message: expect.stringMatching(message) });
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('files that PyTorch wrote', () => {
  const expected = JSON.parse(fixture('views.json').toString()) as {
    [key: string]: { shape: number[]; values: number[] };
  };

  it.each(Object.keys(expected))('gives the values of a tensor that is %s', async (key) => {
    const checkpoint = await open(fixture('views.pt'));
    expect(checkpoint.keys()).toEqual(Object.keys(expected));
    expect(checkpoint.shape(key)).toEqual(expected[key]!.shape);
    expect([...(await checkpoint.read(key))]).toEqual(expected[key]!.values.map(Math.fround));
  });

  it.each(Object.keys(expected).filter((key) => expected[key]!.shape[0]! % 2 === 0))(
    'gives half of a tensor that is %s',
    async (key) => {
      const checkpoint = await open(fixture('views.pt'));
      const values = expected[key]!.values.map(Math.fround);
      const half = async (index: number) => [...(await checkpoint.read(key, { index, count: 2 }))];
      expect(await half(0)).toEqual(values.slice(0, values.length / 2));
      expect(await half(1)).toEqual(values.slice(values.length / 2));
    },
  );

  it('knows their types', async () => {
    const checkpoint = await open(fixture('views.pt'));
    for (const type of ['float32', 'float16', 'bfloat16', 'float64'] as const) {
      expect(checkpoint.type(type)).toBe(type);
    }
    expect(checkpoint.type('parameter')).toBe('float32');
  });

  it('finds the state dict among numbers, texts and options', async () => {
    const checkpoint = await open(fixture('tiny-net.pt'));
    expect(checkpoint.has('VideoControlNet.input_hint_block.weight')).toBe(true);
    expect(checkpoint.has('step')).toBe(false);
    expect(checkpoint.type('out.2.weight')).toBe('float16');
  });

  it.each([
    ['integers', /integers is of type int64/],
    ['float8', /float8 is of type float8_e4m3fn/],
    ['unsigned', /unsigned is of type uint16/],
    ['expanded', /expanded is an expanded/],
    ['nothing', /no tensor nothing/],
  ])('refuses %s as a weight', async (key, message) => {
    const checkpoint = await open(fixture('unreadable.pt'));
    await expect(checkpoint.read('float32')).resolves.toHaveLength(12);
    await expect((async () => checkpoint.read(key))()).rejects.toEqual(invalid(message));
  });

  it.each<[string, RegExp, RegExp]>([
    ['legacy.pt', /before version 1\.6/, /torch\.save\(torch\.load/],
    ['hostile.pt', /asks for (posix|os)\.system.*nothing of it was run/, /save its state dict/],
    ['script.pt', /TorchScript/, /state_dict\(\)/],
  ])('refuses %s and says what to do', async (name, message, hint) => {
    await expect(open(fixture(name))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('reads no more than it is asked for', async () => {
    const bytes = fixture('tiny-net.pt');
    const source = blobBytes(new Blob([bytes]));
    let total = 0;
    const counted = {
      bytes: source.bytes,
      read: (start: number, end: number) => {
        total += end - start;
        return source.read(start, end);
      },
    };
    const checkpoint = await openCheckpoint(counted);
    total = 0;
    const values = await checkpoint.read('input_blocks.0.0.weight');
    expect(total).toBe(2 * values.length + 30);
  });
});

describe('archives', () => {
  const shapes = new Map([
    ['a', [2]],
    ['b', [1, 3]],
  ]);
  const storages = [floats(1, -2), floats(3, 4, 5)];

  it('reads zip64', async () => {
    const checkpoint = await open(torchFile(stateDictPickle(shapes), storages, { zip64: true }));
    expect([...(await checkpoint.read('b'))]).toEqual([3, 4, 5]);
  });

  it('reads an entry beyond 4 GB without what lies before it', async () => {
    const small = new Uint8Array(await torchFile(stateDictPickle(shapes), storages, { zip64: true }).arrayBuffer());
    const shift = 5 * 2 ** 30;
    const directory = new DataView(small.buffer);
    // Moves the whole archive behind a hole: every offset grows by it.
    for (let at = 0; at + 4 <= small.length; at += 1) {
      const signature = directory.getUint32(at, true);
      const field = signature === 0x02014b50 ? extraOffset(directory, at) : signature === 0x06064b50 ? at + 48 : -1;
      const locator = signature === 0x07064b50 ? at + 8 : field;
      if (locator >= 0) directory.setBigUint64(locator, directory.getBigUint64(locator, true) + BigInt(shift), true);
    }
    const head = small.slice(0, 512);
    const source = {
      bytes: shift + small.length,
      read: async (start: number, end: number) => {
        const bytes = new Uint8Array(end - start);
        const from = Math.max(start, shift);
        bytes.set(start === 0 ? head : small.slice(from - shift, end - shift), start === 0 ? 0 : from - start);
        return bytes;
      },
    };
    const checkpoint = await openCheckpoint(source);
    expect([...(await checkpoint.read('a'))]).toEqual([1, -2]);
  });

  it('reads big-endian data', async () => {
    const swap = (bytes: Uint8Array) => bytes.slice().reverse();
    const entries = new Map([
      ['x/data.pkl', stateDictPickle(new Map([['a', [1]]]))],
      ['x/byteorder', new TextEncoder().encode('big')],
      ['x/data/0', swap(floats(-7))],
    ]);
    const checkpoint = await open(zipFile(entries));
    expect([...(await checkpoint.read('a'))]).toEqual([-7]);
  });

  it.each<[string, Blob, RegExp]>([
    [
      'a compressed list',
      torchFile(stateDictPickle(shapes), storages, { compressed: /pkl/ }),
      /data\.pkl is compressed/,
    ],
    ['missing data', torchFile(stateDictPickle(shapes), storages.slice(1)), /data of b is missing/],
    ['data too short', torchFile(stateDictPickle(shapes), [floats(1), floats(3, 4, 5)]), /a has 4 bytes instead of 8/],
    ['another archive', zipFile(new Map([['readme.txt', floats(1)]])), /zip archive, but no PyTorch/],
    ['no archive at all', new Blob(['version https://git-lfs.github.com/spec/v1']), /Git LFS/],
    ['a web page', new Blob(['<!DOCTYPE html><html>']), /web page/],
    ['a plain pickle', new Blob([Uint8Array.of(0x80, 4, 0x4e, 0x2e)]), /Python pickle/],
    ['nothing', new Blob([]), /empty/],
    ['text', new Blob(['hello, world']), /neither/],
  ])('refuses %s', async (_, blob, message) => {
    await expect(open(blob)).rejects.toEqual(invalid(message));
  });

  it('refuses compressed data when it is read', async () => {
    const checkpoint = await open(torchFile(stateDictPickle(shapes), storages, { compressed: /data\/1/ }));
    await expect(checkpoint.read('a')).resolves.toHaveLength(2);
    await expect(checkpoint.read('b')).rejects.toEqual(invalid(/data\/1 is compressed/));
  });

  it('says that a file is cut off', async () => {
    const bytes = fixture('tiny-net.pt');
    await expect(open(bytes.subarray(0, bytes.length / 2))).rejects.toEqual(invalid(/cut off/));
  });

  it('is coded when the file disappears while it is read', async () => {
    const gone = { bytes: 100, read: () => Promise.reject(new Error('NotReadableError')) };
    await expect(openCheckpoint(gone)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID', hint: /again/ });
  });
});

describe('pickles', () => {
  const make = (write: (p: PickleWriter) => PickleWriter) =>
    open(torchFile(write(new PickleWriter().op(0x80, 2)).op(0x2e).finish(), [floats(1, 2, 3, 4)]));
  const storage = (p: PickleWriter, items = 4) =>
    p.op(0x28).text('storage').global('torch', 'FloatStorage').text('0').text('cpu').integer(items).op(0x74, 0x51);
  const tensor = (p: PickleWriter, shape: number[], strides: number[], offset = 0) =>
    storage(p.op(0x7d).text('a').global('torch._utils', '_rebuild_tensor_v2').op(0x28))
      .integer(offset)
      .integers(shape)
      .integers(strides)
      .op(0x74, 0x52, 0x73);

  it('reads a view by its offset', async () => {
    const checkpoint = await make((p) => tensor(p, [2], [1], 1));
    expect([...(await checkpoint.read('a'))]).toEqual([2, 3]);
  });

  it.each<[string, (p: PickleWriter) => PickleWriter, RegExp]>([
    ['a call of os.system', (p) => p.global('os', 'system').text('x').op(0x85, 0x52), /asks for os\.system/],
    [
      'builtins.eval',
      (p) => p.op(0x8c, 8, ...Buffer.from('builtins'), 0x8c, 4, ...Buffer.from('eval'), 0x93),
      /builtins\.eval/,
    ],
    ['a constructor of JavaScript', (p) => p.global('constructor', 'constructor'), /asks for constructor\.constructor/],
    ['NEWOBJ', (p) => p.op(0x29, 0x81), /opcode 0x81/],
    ['INST', (p) => p.op(0x28, 0x69), /opcode 0x69 \(i\)/],
    ['EXT1', (p) => p.op(0x82, 1), /opcode 0x82/],
    ['an attribute of a storage', (p) => storage(p).op(0x7d, 0x62), /attributes/],
    ['a call of a type', (p) => p.global('torch', 'FloatStorage').op(0x29, 0x52), /asks for torch\.FloatStorage/],
    ['a call of text', (p) => p.text('x').op(0x29, 0x52), /a call has no name/],
    ['an empty stack', (p) => p.op(0x85), /stack is empty/],
    ['an unknown memo', (p) => p.op(0x68, 9), /does not have/],
    ['text beyond its end', (p) => p.op(0x58).uint32(0xffffffff), /ends too early/],
    ['a name that never ends', (p) => p.op(0x63, ...Buffer.alloc(300, 'a')), /name does not end/],
    ['a list instead of a dict', (p) => p.op(0x5d), /no dict of tensors/],
    ['a view beyond its storage', (p) => tensor(p, [5], [1]), /lies beyond its storage/],
    ['a shape beyond counting', (p) => tensor(p, [2 ** 52, 2 ** 52], [1, 1]), /lies beyond its storage/],
    ['strides beyond counting', (p) => tensor(p, [2, 2], [2 ** 52, 2 ** 53 - 1]), /lies beyond its storage/],
    ['a negative size', (p) => tensor(p, [-1], [1]), /not described/],
    ['fewer strides than sizes', (p) => tensor(p, [1, 2], [1]), /not described/],
    ['a rank beyond reason', (p) => tensor(p, Array(40).fill(1), Array(40).fill(1)), /not described/],
    ['one storage in two sizes', (p) => storage(storage(p, 3)), /in two ways/],
  ])('refuses %s', async (_, write, message) => {
    await expect(make(write)).rejects.toEqual(invalid(message));
  });

  it('refuses more operations than any list of tensors has', async () => {
    const bytes = new Uint8Array(4_000_000).map((_, i) => (i % 2 === 0 ? 0x4e : 0x30));
    await expect(open(torchFile(bytes, []))).rejects.toEqual(invalid(/operations/));
  });
});

/** Where a directory entry's zip64 extra field has the entry's offset. */
function extraOffset(directory: DataView, at: number): number {
  return at + 46 + directory.getUint16(at + 28, true) + 4 + 16;
}
