import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rgbaToPlanar, Upsampler } from '../condition/upsample.ts';
import { accumulateTile, extractTile } from '../denoise/blend.ts';
import { framesOf, largestDifference } from '../denoise/fixtures/analytic.ts';
import { parseVectors } from '../denoise/fixtures/safetensors.ts';
import type { Tile } from '../plan/job-plan.ts';
import { fixColour } from './colour-fix.ts';
import { pixelTile, referenceTileWeights, WindowBlender } from './decode-blend.ts';
import { crop, toRgba } from './picture.ts';

/** The usual wavelet low-pass: five à-trous levels of [1 2 1]/4, edges repeated. */
function aTrous(plane: Float32Array, width: number, height: number): Float32Array {
  let values = plane;
  for (let level = 0; level < 5; level++) {
    const reach = 2 ** level;
    const at = (x: number, y: number, from: Float32Array) =>
      from[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!;
    const rows = values.map((v, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return 0.5 * v + 0.25 * (at(x - reach, y, values) + at(x + reach, y, values));
    });
    values = rows.map((v, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return 0.5 * v + 0.25 * (at(x, y - reach, rows) + at(x, y + reach, rows));
    });
  }
  return values;
}

function planes(width: number, height: number, value: (x: number, y: number, c: number) => number): Float32Array {
  return Float32Array.from({ length: 3 * width * height }, (_, i) => {
    const p = i % (width * height);
    return value(p % width, Math.floor(p / width), Math.floor(i / (width * height)));
  });
}

describe('pictures', () => {
  test('bytes to planes and back are the same bytes, padding dropped', () => {
    const [width, height, paddedWidth, paddedHeight] = [7, 5, 8, 12];
    const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : (i * 61) % 256));
    const planar = rgbaToPlanar(rgba, width, height);
    const padded = new Float32Array(3 * paddedWidth * paddedHeight).fill(9);
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        const row = planar.subarray((c * height + y) * width, (c * height + y + 1) * width);
        padded.set(row, (c * paddedHeight + y) * paddedWidth);
      }
    }
    expect(toRgba(padded, paddedWidth, paddedHeight, width, height)).toEqual(rgba);
    expect(crop(padded, 3, paddedWidth, paddedHeight, width, height)).toEqual(planar);
  });

  test('values are rounded and limited, not truncated', () => {
    const planar = Float32Array.of(99.6 / 127.5 - 1, 99.4 / 127.5 - 1, -1.5, 1.5, 0, 1);
    expect([...toRgba(planar, 2, 1, 2, 1)]).toEqual([100, 0, 128, 255, 99, 255, 255, 255]);
  });
});

describe('the colour fix', () => {
  const [width, height] = [120, 88];
  const source = planes(width, height, (x, y, c) => 0.4 * Math.sin(x / 25 + c) + 0.2 * Math.cos(y / 18));

  test('takes away a cast and a slow drift, and leaves detail alone', () => {
    const detail = (x: number, y: number) => 0.1 * (((x >> 1) + (y >> 1)) % 2 === 0 ? 1 : -1);
    const clean = planes(width, height, (x, y, c) => source[(c * height + y) * width + x]! + detail(x, y));
    const tinted = planes(width, height, (x, y, c) => {
      const drift = 0.15 - 0.1 * c + 0.001 * x - 0.0008 * y;
      return clean[(c * height + y) * width + x]! + drift;
    });
    const before = largestDifference(tinted, clean);
    fixColour(tinted, source, width, height);
    expect(before).toBeGreaterThan(0.2);
    let inside = 0;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const i = (c * height + y) * width + x;
          const edge = Math.min(x, y, width - 1 - x, height - 1 - y) < 24;
          if (!edge) inside = Math.max(inside, Math.abs(tinted[i]! - clean[i]!));
        }
      }
    }
    expect(inside).toBeLessThan(0.005);
    expect(largestDifference(tinted, clean)).toBeLessThan(0.03);
  });

  test('is, closely, five à-trous levels', () => {
    const result = planes(width, height, (x, y, c) => 0.5 * Math.sin(x * 0.11 + y * 0.07 + c) * Math.cos(y * 0.05));
    const fixed = result.slice();
    fixColour(fixed, source, width, height);
    for (let c = 0; c < 3; c++) {
      const range = [c * width * height, (c + 1) * width * height] as const;
      const difference = source.slice(...range).map((v, i) => v - result[range[0] + i]!);
      const expected = aTrous(difference, width, height).map((v, i) => v + result[range[0] + i]!);
      let squares = 0;
      let size = 0;
      fixed.slice(...range).forEach((v, i) => {
        squares += (v - expected[i]!) ** 2;
        size += difference[i]! ** 2;
      });
      expect(Math.sqrt(squares / size)).toBeLessThan(0.05);
    }
  });

  test('a result that is the source stays as it is, at any size', () => {
    for (const [w, h] of [
      [1, 1],
      [2, 9],
      [8, 8],
      [17, 33],
    ] as const) {
      const same = planes(w, h, (x, y) => Math.sin(x + y));
      const fixed = same.slice();
      fixColour(fixed, same, w, h);
      expect(fixed).toEqual(same);
      const shifted = same.map((v) => v + 0.25);
      fixColour(shifted, same, w, h);
      expect(largestDifference(shifted, same)).toBeLessThan(1e-6);
    }
  });

  test.runIf(process.env.MEASURE)('speed', () => {
    const [w, h] = [1280, 720];
    const a = new Float32Array(3 * w * h).fill(0.1);
    const b = new Float32Array(3 * w * h).fill(0.2);
    const rgba = new Uint8ClampedArray(4 * w * h);
    const time = (name: string, work: () => void) => {
      work();
      const start = performance.now();
      for (let i = 0; i < 10; i++) work();
      console.log(`${name}: ${((performance.now() - start) / 10).toFixed(1)} ms at 1280×720`);
    };
    time('colour fix', () => fixColour(a, b, w, h));
    time('to bytes', () => toRgba(a, w, h, w, h, rgba));
    const upsampler = new Upsampler(640, 360, w, h);
    time('upsample ×2', () => upsampler.fromPlanar(a.subarray(0, 3 * 640 * 360), b));
  });
});

describe('windows of frames', () => {
  const vectors = parseVectors(readFileSync(new URL('./fixtures/blend.safetensors', import.meta.url)));
  const frames = (name: string) => framesOf(vectors.get(name)!.data as Float32Array, vectors.get(name)!.dims);

  test('cross-fade as the reference’s, each frame given out once and in order', () => {
    const blender = new WindowBlender();
    const [a, b, expected] = [frames('a'), frames('b'), frames('blend2')];
    const first = blender.push(0, a);
    expect(first).toEqual([]);
    const second = blender.push(3, b);
    expect(second).toEqual(a.slice(0, 3));
    const rest = blender.flush();
    expect(rest).toHaveLength(5);
    rest.forEach((frame, j) => {
      expect(largestDifference(frame, expected[j]!)).toBeLessThan(1e-6);
    });
    expect(blender.flush()).toEqual([]);
  });

  test('windows that do not meet are refused', () => {
    const blender = new WindowBlender();
    blender.push(4, frames('a'));
    expect(() => blender.push(10, frames('b'))).toThrow(RangeError);
    expect(() => blender.push(3, frames('b'))).toThrow(RangeError);
  });
});

describe('tiles', () => {
  test('the reference’s Gaussian weights', () => {
    const vectors = parseVectors(readFileSync(new URL('./fixtures/blend.safetensors', import.meta.url)));
    const down = referenceTileWeights(576, 'down');
    const across = referenceTileWeights(1024, 'across');
    const column = vectors.get('gauss_h576_col512')!.data;
    const row = vectors.get('gauss_w1024_row288')!.data;
    const small = vectors.get('gauss_w12_h8')!.data;
    expect(
      largestDifference(
        down.map((v) => v * across[512]!),
        column,
      ),
    ).toBeLessThan(1e-9);
    expect(
      largestDifference(
        across.map((v) => v * down[288]!),
        row,
      ),
    ).toBeLessThan(1e-9);
    const [across12, down8] = [referenceTileWeights(12, 'across'), referenceTileWeights(8, 'down')];
    const product = Float64Array.from({ length: 96 }, (_, i) => down8[Math.floor(i / 12)]! * across12[i % 12]!);
    expect(largestDifference(product, small)).toBeLessThan(1e-9);
  });

  test('tiles decoded apart blend into the whole picture', () => {
    const [latentWidth, latentHeight, factor] = [14, 6, 4];
    const [width, height] = [latentWidth * factor, latentHeight * factor];
    const whole = planes(width, height, (x, y, c) => Math.sin(x * 0.3 + y + c));
    const out = new Float32Array(whole.length);
    const tile = (latentX: number, overlapLeft: number, overlapRight: number): Tile => ({
      latentX,
      latentY: 0,
      latentWidth: 8,
      latentHeight,
      overlapLeft,
      overlapRight,
      overlapTop: 0,
      overlapBottom: 0,
    });
    for (const latent of [tile(0, 0, 2), tile(6, 2, 0)]) {
      const pixels = pixelTile(latent, factor);
      const piece = new Float32Array(3 * pixels.latentWidth * pixels.latentHeight);
      extractTile(whole, 3, width, height, pixels, piece);
      accumulateTile(out, 3, width, height, pixels, piece);
    }
    expect(largestDifference(out, whole)).toBeLessThan(1e-6);
  });
});
