import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Storage, type Weight, type WeightRequest } from '../onnx/graph.ts';
import { encodedBytes, encodeWeight, quantise } from './encode.ts';

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

describe('layout', () => {
  it('transposes, takes parts, and knows its bytes beforehand', () => {
    const request = { shape: [4, 2], layout: 'transposed', part: { index: 1, count: 2 } } as const;
    for (const storage of ['float32', 'float16', 'int8'] as const) {
      const weight = weightFor(request, storage);
      const encoded = encodeWeight(weight, Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
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
  ] as const)('refuses %s of %d', (storage, value, message) => {
    const weight = weightFor({ shape: [1], layout: 'as-is' }, storage);
    expect(() => encodeWeight(weight, Float32Array.of(value))).toThrow(message);
  });
});
