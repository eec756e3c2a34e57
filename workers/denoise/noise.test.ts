import { describe, expect, test } from 'vitest';
import { fillNoise, HINT_STREAM, type NoiseRegion, START_STREAM } from './noise.ts';

const BASE: NoiseRegion = { seed: 666, stream: 0, frame: 0, channels: 24, x: 0, y: 0, width: 64, height: 48 };

function noise(changes: Partial<NoiseRegion> = {}): Float32Array {
  const region = { ...BASE, ...changes };
  const out = new Float32Array(region.channels * region.width * region.height);
  fillNoise(region, out);
  return out;
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>, shift = 0): number {
  let sum = 0;
  const count = Math.min(a.length, b.length) - shift;
  for (let i = 0; i < count; i++) sum += a[i + shift]! * b[i]!;
  return sum / count;
}

describe('noise', () => {
  test('known values, so that no change goes unseen', () => {
    const out = noise({ channels: 5, width: 2, height: 1, x: 3, y: 7, frame: 11, stream: 2 });
    expect([...out].map((v) => Number(v.toFixed(5)))).toMatchInlineSnapshot(`
      [
        -2.2989,
        -0.05782,
        -1.80599,
        -0.55058,
        -1.96806,
        -0.19104,
        1.13938,
        -0.75545,
        2.54984,
        2.41053,
      ]
    `);
  });

  test('is unit Gaussian: moments and tails', () => {
    const all = Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7].flatMap((frame) => [...noise({ frame })]));
    const moment = (p: number) => all.reduce((sum, v) => sum + v ** p, 0) / all.length;
    const error = 5 / Math.sqrt(all.length);
    expect(Math.abs(moment(1))).toBeLessThan(error);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(error * Math.sqrt(2));
    expect(Math.abs(moment(3))).toBeLessThan(error * Math.sqrt(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(error * Math.sqrt(96));
    const beyond = (limit: number) => all.reduce((n, v) => n + (Math.abs(v) > limit ? 1 : 0), 0) / all.length;
    expect(Math.abs(beyond(1) - 0.3173)).toBeLessThan(error * 0.5);
    expect(Math.abs(beyond(3) - 0.0027)).toBeLessThan(error * 0.06);
    expect(all.reduce((m, v) => Math.max(m, Math.abs(v)), 0)).toBeLessThan(5.9);
  });

  test('neighbours in every key are uncorrelated, also by magnitude', () => {
    const count = BASE.channels * BASE.width * BASE.height;
    const limit = 5 / Math.sqrt(count);
    const base = noise();
    const others: Record<string, Float32Array> = {
      seed: noise({ seed: 667 }),
      seedBit: noise({ seed: (666 ^ 0x80000000) >>> 0 }),
      rowBit: noise({ y: 0x4000 }),
      columnBit: noise({ x: 0x4000 }),
      frameBit: noise({ frame: 0x100000 }),
      stream: noise({ stream: 1 }),
      start: noise({ stream: START_STREAM }),
      hint: noise({ stream: HINT_STREAM }),
      frame: noise({ frame: 1 }),
      x: noise({ x: 1 }),
      y: noise({ y: 1 }),
      swapped: noise({ x: 1, y: 0, frame: 1 }),
      seedFrame: noise({ seed: 665, frame: 1 }),
    };
    const squares = (a: Float32Array) => a.map((v) => v * v - 1);
    for (const [key, other] of Object.entries(others)) {
      expect(Math.abs(correlation(base, other)), key).toBeLessThan(limit);
      expect(Math.abs(correlation(squares(base), squares(other))), key).toBeLessThan(2 * limit);
    }
    const plane = BASE.width * BASE.height;
    for (const shift of [1, 2, BASE.width, plane, 2 * plane, 3 * plane, 4 * plane]) {
      expect(Math.abs(correlation(base, base, shift)), `shift ${shift}`).toBeLessThan(1.5 * limit);
    }
  });

  test('is the same for any layout of regions, and at an offset', () => {
    const whole = noise({ channels: 6 });
    for (const [x, y, width, height] of [
      [0, 0, 20, 48],
      [17, 5, 31, 30],
      [63, 47, 1, 1],
    ] as const) {
      const part = new Float32Array(7 + 6 * width * height);
      fillNoise({ ...BASE, channels: 6, x, y, width, height }, part, 7);
      for (let c = 0; c < 6; c++) {
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const expected = whole[(c * BASE.height + y + row) * BASE.width + x + column];
            expect(part[7 + (c * height + row) * width + column]).toBe(expected);
          }
        }
      }
    }
    expect(noise({ channels: 3 })).toEqual(whole.slice(0, 3 * BASE.width * BASE.height));
  });

  test('asks the platform for no function that it may round its own way', () => {
    const before = noise({ channels: 4 });
    const names = ['log', 'cos', 'sin', 'exp', 'pow', 'log2', 'tan'] as const;
    const originals = Object.fromEntries(names.map((name) => [name, Math[name]]));
    try {
      for (const name of names) Object.assign(Math, { [name]: () => Number.NaN });
      expect(noise({ channels: 4 })).toEqual(before);
    } finally {
      Object.assign(Math, originals);
    }
  });

  test('pairs are a Rayleigh radius at a uniform angle', () => {
    const out = noise({ channels: 2, width: 256, height: 256 });
    const plane = 256 * 256;
    const octants = new Float64Array(8);
    const tail = new Float64Array(3);
    for (let i = 0; i < plane; i++) {
      const [a, b] = [out[i]!, out[plane + i]!];
      const octant = Math.floor(((Math.atan2(b, a) + Math.PI) / (2 * Math.PI)) * 8) % 8;
      octants[octant] = octants[octant]! + 1 / plane;
      const probability = Math.exp(-(a * a + b * b) / 2);
      [0.5, 0.1, 0.01].forEach((limit, k) => {
        if (probability < limit) tail[k] = tail[k]! + 1 / plane;
      });
    }
    for (const share of octants) expect(Math.abs(share - 1 / 8)).toBeLessThan(0.007);
    expect(Math.abs(tail[0]! - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(tail[1]! - 0.1)).toBeLessThan(0.006);
    expect(Math.abs(tail[2]! - 0.01)).toBeLessThan(0.002);
  });

  test.runIf(process.env.MEASURE)('speed', () => {
    const start = performance.now();
    for (let frame = 0; frame < 50; frame++) noise({ frame, channels: 24 });
    const values = 50 * 24 * 64 * 48;
    console.log(`${(((performance.now() - start) * 1e6) / values).toFixed(1)} ns a value`);
  });
});
