import { describe, expect, test } from 'vitest';
import { rgbaToPlanar, Upsampler } from './upsample.ts';

function picture(width: number, height: number, value: (x: number, y: number, c: number) => number): Float32Array {
  const out: Float32Array = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[(c * height + y) * width + x] = value(x, y, c);
  }
  return out;
}

describe('bicubic upsampling', () => {
  test('the same size is the same picture, to the bit', () => {
    const rgba = Uint8ClampedArray.from({ length: 4 * 5 * 3 }, (_, i) => (i * 37) % 256);
    const planar = new Upsampler(5, 3, 5, 3).fromRgba(rgba);
    for (let i = 0; i < 15; i++) {
      for (let c = 0; c < 3; c++) expect(Math.round((planar[c * 15 + i]! + 1) * 127.5)).toBe(rgba[4 * i + c]);
    }
    expect(planar).toEqual(rgbaToPlanar(rgba, 5, 3));
  });

  test('Keys’ weights at factor 2 in one dimension, edges clamped', () => {
    const source = picture(4, 1, (x) => [0, 0.5, -0.5, 0.25][x]!);
    const out = new Upsampler(4, 1, 8, 1).fromPlanar(source);
    // Positions −0.25 and 0.25 from a pixel: weights of taps at distances 1.25, 0.25, 0.75, 1.75.
    const w = [-0.0703125, 0.8671875, 0.2265625, -0.0234375];
    const at = (i: number) => [0, 0.5, -0.5, 0.25][Math.min(3, Math.max(0, i))]!;
    const right = (i: number) => w[0]! * at(i - 1) + w[1]! * at(i) + w[2]! * at(i + 1) + w[3]! * at(i + 2);
    const left = (i: number) => w[0]! * at(i + 1) + w[1]! * at(i) + w[2]! * at(i - 1) + w[3]! * at(i - 2);
    for (let i = 0; i < 4; i++) {
      expect(out[2 * i]).toBeCloseTo(left(i), 6);
      expect(out[2 * i + 1]).toBeCloseTo(right(i), 6);
    }
  });

  test('reproduces quadratics inside, constants everywhere, at any factor and on both axes', () => {
    const [w, h] = [12, 9];
    const f = (x: number, y: number, c: number) => 0.01 * x * x - 0.05 * y + 0.003 * y * y + 0.1 * c - 0.4;
    for (const [width, height] of [
      [24, 18],
      [31, 22],
      [96, 72],
      [12, 40],
    ] as const) {
      const out = new Upsampler(w, h, width, height).fromPlanar(picture(w, h, f));
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const sx = ((x + 0.5) * w) / width - 0.5;
            const sy = ((y + 0.5) * h) / height - 0.5;
            if (sx < 1 || sy < 1 || sx > w - 3 || sy > h - 3) continue;
            expect(Math.abs(out[(c * height + y) * width + x]! - f(sx, sy, c))).toBeLessThan(1e-5);
          }
        }
      }
      const flat = new Upsampler(w, h, width, height).fromPlanar(picture(w, h, () => 0.37));
      for (const value of flat) expect(value).toBeCloseTo(0.37, 6);
    }
  });

  test('overshoot is clamped to −1…1, and one upsampler serves many frames', () => {
    const step = picture(8, 8, (x) => (x < 4 ? -1 : 1));
    const upsampler = new Upsampler(8, 8, 32, 32);
    const first = upsampler.fromPlanar(step);
    expect(Math.max(...first)).toBe(1);
    expect(Math.min(...first)).toBe(-1);
    upsampler.fromPlanar(picture(8, 8, (x, y) => Math.sin(x * y)));
    expect(upsampler.fromPlanar(step)).toEqual(first);
  });

  test.runIf(process.env.MEASURE)('speed', () => {
    const rgba = new Uint8ClampedArray(4 * 640 * 360).fill(90);
    const upsampler = new Upsampler(640, 360, 1280, 720);
    const out = upsampler.fromRgba(rgba);
    const start = performance.now();
    for (let i = 0; i < 10; i++) upsampler.fromRgba(rgba, out);
    console.log(`640×360 to 1280×720: ${((performance.now() - start) / 10).toFixed(1)} ms`);
  });
});
