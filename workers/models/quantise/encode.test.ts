import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { fromHalf } from '../checkpoint/half.ts';
import { GraphBuilder, type Storage, type Weight, type WeightRequest, type WeightRole } from '../onnx/graph.ts';
import { encodedBytes, encodeWeight, quantise } from './encode.ts';
import { sensitiveKeys } from './sensitive.ts';
import { storagePolicy } from './storage.ts';

function weightFor(request: Omit<WeightRequest, 'key' | 'role'>, storage: Storage): Weight {
  const g = new GraphBuilder('test', () => storage);
  g.weight({ key: 'w', role: 'linear', ...request });
  return g.finish().weights[0]!;
}

const float = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];

describe('int8', () => {
  const values = Float32Array.of(1, -2, 0.5, 0, 0, 0, 10, 20, 30);

  it('is within half a step of every value, per channel along either axis, and never clips', () => {
    for (const axis of [0, 1]) {
      const { integers, scales } = quantise(values, [3, 3], axis);
      for (const [i, value] of values.entries()) {
        const scale = scales[axis === 0 ? Math.floor(i / 3) : i % 3]!;
        expect(Math.abs(integers[i]! * scale - value)).toBeLessThanOrEqual(scale / 2 + 1e-6);
      }
      expect(Math.max(...integers)).toBe(127);
    }
  });

  it('keeps a channel of zeros zero', () => {
    const { integers, scales } = quantise(values, [3, 3], 0);
    expect([...integers.slice(3, 6)]).toEqual([0, 0, 0]);
    expect(scales[1]).toBe(1);
  });

  it('scales a transposed linear by its outputs', () => {
    const weight = weightFor({ shape: [2, 3], layout: 'transposed' }, 'int8');
    const [integers, scales] = encodeWeight(weight, Float32Array.of(1, 2, 127, -254, 0, 2));
    expect([...new Int8Array(integers!.bytes.slice().buffer)]).toEqual([1, -127, 2, 0, 127, 1]);
    expect(float(scales!.bytes)).toEqual([1, 2]);
  });
});

describe('int4', () => {
  /** What the graph makes of a weight [outputs, inputs]: the specification of DequantizeLinear, in blocks along the inputs. */
  function restored(values: Float32Array, outputs: number, inputs: number): Float32Array {
    const weight = weightFor({ shape: [outputs, inputs], layout: 'transposed' }, 'int4');
    const encoded = encodeWeight(weight, values);
    expect(encoded.map(({ name, bytes }) => ({ name, bytes: bytes.length }))).toEqual(encodedBytes(weight));
    const [nibbles, scaleBytes] = encoded.map(({ bytes }) => bytes);
    const scales = fromHalf(new Uint16Array(scaleBytes!.slice().buffer));
    return values.map((_, i) => {
      const [output, input] = [Math.floor(i / inputs), i % inputs];
      const index = input * outputs + output;
      const nibble = (nibbles![index >> 1]! >> (4 * (index & 1))) & 15;
      return (nibble < 8 ? nibble : nibble - 16) * scales[Math.floor(input / 32) * outputs + output]!;
    });
  }

  it('is closer to normally distributed weights than plain rounding by more than a decibel', () => {
    const values = Float32Array.from({ length: 96 * 160 }, (_, i) => {
      const uniform = (n: number) => ((Math.imul(n + 1, 0x9e3779b1) ^ (n * 0x85ebca6b)) >>> 0) / 2 ** 32;
      return 0.02 * Math.sqrt(-2 * Math.log(uniform(2 * i) + 1e-9)) * Math.cos(2 * Math.PI * uniform(2 * i + 1));
    });
    const plain = values.slice();
    for (let at = 0; at < plain.length; at += 32) {
      const block = plain.subarray(at, at + 32);
      const scale = Math.max(...block.map(Math.abs)) / 7;
      for (let i = 0; i < 32; i += 1) block[i] = Math.round(block[i]! / scale) * scale;
    }
    const decibels = (approximate: Float32Array) => {
      const power = (of: (i: number) => number) => values.reduce((sum, _, i) => sum + of(i) ** 2, 0);
      return 10 * Math.log10(power((i) => values[i]!) / power((i) => approximate[i]! - values[i]!));
    };
    const ours = decibels(restored(values, 96, 160));
    expect(ours).toBeGreaterThan(21.3);
    expect(ours - decibels(plain)).toBeGreaterThan(1);
  });

  it('keeps a multiple of a step exactly, either sign the larger', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => ((i % 16) - 8) * (i < 32 ? 0.25 : -0.5));
    expect([...restored(values, 2, 32)].map((value) => value + 0)).toEqual([...values].map((value) => value + 0));
  });

  it('keeps zeros, and what is too small for half precision, near zero', () => {
    expect(restored(new Float32Array(32), 1, 32).every((value) => value === 0)).toBe(true);
    expect(restored(new Float32Array(32).fill(1e-8), 1, 32).every((value) => Math.abs(value) <= 2e-8)).toBe(true);
  });

  it('is refused where inputs are no whole blocks', () => {
    expect(() => weightFor({ shape: [2, 48], layout: 'transposed' }, 'int4')).toThrow(RangeError);
    expect(() => weightFor({ shape: [32, 32, 1, 1], layout: 'as-is' }, 'int4')).toThrow(RangeError);
  });
});

describe('compact', () => {
  const storage = storagePolicy('compact', { type: () => 'float16' } as unknown as Checkpoint);
  const of = (role: WeightRole, shape: readonly number[], layout: 'as-is' | 'transposed' = 'transposed') =>
    storage({ key: 'w', role, shape, layout });

  it('takes int4 for linears of whole blocks below full resolution, int8 where that fails', () => {
    expect(of('linear', [640, 640])).toBe('int4');
    expect(of('linear', [640, 320, 1])).toBe('int4');
    expect(of('linear', [640, 40])).toBe('int8');
    expect(of('skip-convolution', [640, 320, 1, 1], 'as-is')).toBe('int8');
    expect(of('full-resolution', [320, 320])).toBe('int8');
    expect(of('convolution', [320, 320, 3, 3], 'as-is')).toBe('int8');
    expect(of('embedding', [1280, 320])).toBe('int8');
    expect(of('edge-convolution', [4, 320, 3, 3], 'as-is')).toBe('float16');
  });
});

describe('weights that int4 does not suit', () => {
  it('are found by their outliers and stay in int8', async () => {
    const values = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i * i));
    const spiked = values.map((value, i) => (i % 32 === 5 ? 6 : value));
    const checkpoint = {
      type: () => 'float16',
      read: async (key: string) => (key === 'even' ? values : spiked),
    } as unknown as Checkpoint;
    const request = { role: 'linear', shape: [64, 64], layout: 'transposed' } as const;
    const g = new GraphBuilder('test', storagePolicy('compact', checkpoint));
    for (const key of ['even', 'spiked']) g.weight({ ...request, key });
    g.weight({ ...request, key: 'spiked but int8', role: 'full-resolution' });
    const sensitive = await sensitiveKeys(checkpoint, g.finish().weights);
    expect([...sensitive]).toEqual(['spiked']);
    const storage = storagePolicy('compact', checkpoint, sensitive);
    expect(['even', 'spiked'].map((key) => storage({ ...request, key }))).toEqual(['int4', 'int8']);
  });
});

describe('layout', () => {
  it('transposes, takes parts, and knows its bytes beforehand', () => {
    const request = { shape: [4, 2], layout: 'transposed', part: { index: 1, count: 2 } } as const;
    for (const storage of ['float32', 'float16', 'int8'] as const) {
      const weight = weightFor(request, storage);
      const encoded = encodeWeight(weight, Float32Array.of(4, 5, 6, 7));
      expect(encoded.map(({ name, bytes }) => ({ name, bytes: bytes.length }))).toEqual(encodedBytes(weight));
      if (storage === 'float32') expect(float(encoded[0]!.bytes)).toEqual([4, 6, 5, 7]);
    }
  });
});

describe('values that cannot be stored', () => {
  it.each([
    ['float32', Number.NaN, /no numbers/],
    ['int8', Number.POSITIVE_INFINITY, /no numbers/],
    ['float16', 70000, /beyond half precision/],
    ['int4', 70000, /beyond half precision/],
  ] as const)('refuses %s of %d', (storage, value, message) => {
    const weight = weightFor({ shape: [1, 32], layout: 'transposed' }, storage);
    expect(() => encodeWeight(weight, new Float32Array(32).fill(value))).toThrow(message);
  });
});
