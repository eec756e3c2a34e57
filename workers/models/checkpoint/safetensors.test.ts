import { describe, expect, it } from 'vitest';
import { blobBytes } from './checkpoint.ts';
import { requireTensors } from './fit.ts';
import { fromBfloat, fromHalf, toHalf } from './half.ts';
import { openSafetensors } from './safetensors.ts';

type Header = { [key: string]: { dtype: string; shape: unknown; data_offsets: unknown } };

function file(header: Header | string, data: Uint8Array = new Uint8Array(0)): Blob {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return new Blob([length, json, data as Uint8Array<ArrayBuffer>]);
}

const open = (blob: Blob) => openSafetensors(blobBytes(blob));
const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'CHECKPOINT_INVALID', message: expect.stringMatching(message) });

describe('a whole file', () => {
  it('gives keys, shapes, types and values', async () => {
    const half = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0);
    const checkpoint = await open(
      file(
        {
          a: { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] },
          b: { dtype: 'F16', shape: [2], data_offsets: [8, 12] },
        },
        Uint8Array.of(...bytes(0.1, -7), ...half),
      ),
    );
    expect(checkpoint.keys()).toEqual(['a', 'b']);
    expect(checkpoint.shape('a')).toEqual([2, 1]);
    expect(checkpoint.type('b')).toBe('float16');
    expect([...(await checkpoint.read('a'))]).toEqual([Math.fround(0.1), -7]);
    expect([...(await checkpoint.read('b'))]).toEqual([1, -2]);
  });

  it('reads no more than it is asked for', async () => {
    const blob = file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, bytes(3));
    const read: number[] = [];
    const source = blobBytes(blob);
    await openSafetensors({
      bytes: source.bytes,
      read: (start, end) => {
        read.push(end);
        return source.read(start, end);
      },
    });
    expect(Math.max(...read)).toBe(blob.size - 4);
  });
});

describe('damaged files', () => {
  const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  it.each<[string, Blob, RegExp]>([
    ['nothing', new Blob([]), /empty/],
    ['a header longer than the file', new Blob([Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 123, 125)]), /cut off/],
    ['an absurd header length', new Blob([new Uint8Array(16).fill(255)]), /cut off/],
    ['no JSON', file('{"a":'), /cannot be read/],
    ['JSON of something else', file('[1]'), /not a list of tensors/],
    ['an unknown type', file({ a: { ...one, dtype: 'toString' } }, bytes(1)), /unknown type/],
    ['a negative size', file({ a: { ...one, shape: [-1] } }, bytes(1)), /damaged at a/],
    ['sizes beyond counting', file({ a: { ...one, shape: [2 ** 52, 2 ** 52] } }, bytes(1)), /shape/],
    ['a shape that is not its bytes', file({ a: { ...one, shape: [2] } }, bytes(1)), /shape \[2\] but 4 bytes/],
    ['data beyond the end', file({ a: one }, new Uint8Array(3)), /cut off/],
    ['tensors that overlap', file({ a: one, b: { ...one, data_offsets: [2, 6] } }, bytes(1, 2)), /a and b overlap/],
    ['a null entry', file('{"a":null}'), /unknown type/],
  ])('refuses %s', async (_, blob, message) => {
    await expect(open(blob)).rejects.toEqual(invalid(message));
  });

  it('refuses integers as weights when they are read', async () => {
    const checkpoint = await open(file({ a: { ...one, dtype: 'I32' } }, bytes(1)));
    await expect(checkpoint.read('a')).rejects.toEqual(invalid(/type I32/));
  });
});

describe('a checkpoint against a config', () => {
  const weight = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const expected = new Map([['out.0.weight', [1]]]);

  it('passes with strange keys outside the network', async () => {
    const checkpoint = await open(
      file({ 'out.0.weight': weight, 'optimiser.step': { ...weight, data_offsets: [4, 8] } }, bytes(1, 2)),
    );
    expect(() => requireTensors(checkpoint, expected)).not.toThrow();
  });

  it('names what is missing, misshapen and left over', async () => {
    const checkpoint = await open(file({ 'out.1.weight': weight }, bytes(1)));
    expect(() => requireTensors(checkpoint, expected)).toThrow(
      /1 of 1 tensors are missing \(out\.0\.weight\).*no place in it \(out\.1\.weight\)/,
    );
    const other = new Map([['out.1.weight', [1, 1]]]);
    expect(() => requireTensors(checkpoint, other)).toThrow(/out\.1\.weight is \[1\] instead of \[1,1\]/);
  });
});

describe('half precision', () => {
  it('survives there and back, every number of it', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    expect(toHalf(fromHalf(all))).toEqual(all);
  });

  it('rounds to nearest, ties to even', () => {
    const halves = toHalf(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65519, 65520, -1e9));
    expect([...fromHalf(halves)]).toEqual([1, 1 + 2 ** -9, 0, 2 ** -23, 65504, Infinity, -Infinity]);
  });

  it('reads bfloat16', () => {
    expect([...fromBfloat(Uint16Array.of(0x3f80, 0xc000, 0x4049))]).toEqual([1, -2, 3.140625]);
  });
});
