import { describe, expect, test } from 'vitest';
import { GamutMapper, type WideGamut } from './gamut.ts';

function mapped(gamut: WideGamut, ...signal: number[]): number[] {
  const into = new Uint8ClampedArray(4);
  new GamutMapper(gamut).row(Float32Array.from(signal), into, 0);
  return [...into.subarray(0, 3)];
}

describe('wide gamuts', () => {
  test.each(['bt2020', 'p3'] as const)('%s: greys stay, to the level', (gamut) => {
    for (let level = 0; level <= 255; level++) {
      for (const value of mapped(gamut, level / 255, level / 255, level / 255)) {
        expect(Math.abs(value - level)).toBeLessThanOrEqual(level < 8 ? 1 : 0.5);
      }
    }
  });

  // What ffmpeg's zscale makes of BT.709's colours in each.
  test.each([
    ['bt2020', [0.8235, 0.3285, 0.1803], [255, 0, 0]],
    ['bt2020', [0.6295, 0.9657, 0.3633], [0, 255, 0]],
    ['bt2020', [0.6616, 0.376, 0.2152], [200, 80, 40]],
    ['p3', [0.9217, 0.2419, 0.1835], [255, 0, 0]],
    ['p3', [0.4867, 0.9861, 0.3349], [0, 255, 0]],
    ['p3', [0.73, 0.3461, 0.2137], [200, 80, 40]],
  ] as const)('%s: %j is BT.709’s %j', (gamut, signal, expected) => {
    mapped(gamut, ...signal).forEach((value, i) => {
      // A signal's fourth digit is eight levels of black.
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(expected[i] === 0 ? 8 : 1);
    });
  });

  test('what BT.709 can’t show is clipped to what it can', () => {
    expect(mapped('bt2020', 0, 1, 0)).toEqual([0, 255, 0]);
    expect(mapped('p3', 1.2, -0.1, 0.5)[0]).toBe(255);
  });
});
