import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseVectors } from '../denoise/fixtures/safetensors.ts';
import { augmentHint, hintNoise, keyFrameMask } from './hint.ts';
import { scaleLatents, unscaleLatents } from './latent-scaling.ts';
import { padReflect, reflect } from './padding.ts';
import { sinusoid } from './sinusoid.ts';

describe('sinusoids', () => {
  const vectors = parseVectors(readFileSync(new URL('./fixtures/sinusoidal.safetensors', import.meta.url)));
  test.each([32, 320])('of width %i are the reference’s', (dim) => {
    const expected = vectors.get(`sin_emb_${dim}`)!.data;
    vectors.get('t')!.data.forEach((t, row) => {
      sinusoid(t, dim).forEach((value, i) => {
        // The reference's float32 angle, off by up to 3e-5 at t = 999.
        expect(Math.abs(value - expected[row * dim + i]!)).toBeLessThan(1e-4);
      });
    });
  });
});

describe('padding', () => {
  test('mirrors without repeating the edge', () => {
    const source = Float32Array.from([1, 2, 3, 4, 5, 6]);
    const padded = padReflect(source, 1, 3, 2, 5, 4);
    expect([...padded]).toEqual([1, 2, 3, 2, 1, 4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4]);
  });

  test('mirrors again and again where the picture is smaller than the padding', () => {
    expect([...padReflect(Float32Array.from([1, 2]), 1, 2, 1, 7, 2)]).toEqual([
      1, 2, 1, 2, 1, 2, 1, 1, 2, 1, 2, 1, 2, 1,
    ]);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((i) => reflect(i, 4))).toEqual([0, 1, 2, 3, 2, 1, 0, 1]);
    expect(reflect(9, 1)).toBe(0);
  });

  test('keeps planes apart, and the picture in its corner', () => {
    const source = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => i);
    const padded = padReflect(source, 2, 3, 4, 8, 8);
    for (let p = 0; p < 2; p++) {
      for (let y = 0; y < 8; y++) {
        for (let x = 0; x < 8; x++) {
          expect(padded[(p * 8 + y) * 8 + x]).toBe(source[(p * 4 + reflect(y, 4)) * 3 + reflect(x, 3)]);
        }
      }
    }
  });
});

describe('hints', () => {
  test('strength is the paper’s noise augmentation, none at 0', () => {
    expect(hintNoise(0)).toEqual({ level: 0, timestep: null, fedTimestep: 0 });
    expect(hintNoise(0.001).timestep).toBe(null);
    expect(hintNoise(0.002)).toEqual({ level: 1, timestep: 0, fedTimestep: 0 });
    expect(hintNoise(0.2).timestep).toBe(59);
    expect(hintNoise(1).timestep).toBe(299);
    expect(() => hintNoise(1.1)).toThrow(RangeError);
    expect(() => hintNoise(Number.NaN)).toThrow(RangeError);
  });

  test('augmentation mixes latents and noise', () => {
    const out = augmentHint(Float32Array.of(1, 2), Float32Array.of(10, 20), { alpha: 0.6, sigma: 0.8 });
    expect(out[0]).toBeCloseTo(8.6, 5);
    expect(out[1]).toBeCloseTo(17.2, 5);
  });

  test('every factor-th frame is a key frame, counted from the clip’s first', () => {
    expect([...keyFrameMask(0, 5, 4)]).toEqual([1, 0, 0, 0, 1]);
    expect([...keyFrameMask(6, 11, 3)]).toEqual([1, 0, 0, 1, 0]);
    expect([...keyFrameMask(3, 6, 1)]).toEqual([1, 1, 1]);
  });
});

test('latent scaling and its inverse, frame after frame', () => {
  const scaling = { shift: [10, -2], scale: [0.5, 4] };
  const raw = Float32Array.from({ length: 2 * 2 * 3 }, (_, i) => Math.sin(i) * 5 + (i % 6 < 3 ? 10 : -2));
  const z = raw.slice();
  scaleLatents(z, 2, 3, scaling);
  expect(z[0]).toBeCloseTo((raw[0]! - 10) * 0.5, 5);
  expect(z[9]).toBeCloseTo((raw[9]! + 2) * 4, 5);
  unscaleLatents(z, 2, 3, scaling);
  z.forEach((value, i) => {
    expect(value).toBeCloseTo(raw[i]!, 4);
  });
});
