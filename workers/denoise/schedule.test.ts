import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { f32, parseVectors } from './fixtures/safetensors.ts';
import { edmSigma, levelOfEdmSigma, noiseLevel, SCHEDULE, timestepOf } from './schedule.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const vectors = parseVectors(fixture('schedule.safetensors'));

describe('schedule', () => {
  test('σ in float64 is the reference’s', () => {
    const expected = vectors.get('sigmas_f64')!.data;
    let worst = 0;
    for (let t = 0; t < 1000; t++) worst = Math.max(worst, Math.abs(SCHEDULE.sigmaExact[t]! - expected[t]!));
    expect(worst).toBeLessThan(1e-6);
  });

  test('σ, α and ln k in float32 are the reference’s', () => {
    const sigma = f32(vectors, 'sigmas_f32');
    const alpha = f32(vectors, 'alphas_f32');
    const logK = f32(vectors, 'log_edm_sigma_f32');
    const worst = { sigma: 0, alpha: 0, logK: 0 };
    for (let t = 0; t < 999; t++) {
      worst.sigma = Math.max(worst.sigma, Math.abs(SCHEDULE.sigma[t]! - sigma[t]!));
      worst.alpha = Math.max(worst.alpha, Math.abs(SCHEDULE.alpha[t]! - alpha[t]!));
      if (t <= 950) worst.logK = Math.max(worst.logK, Math.abs(SCHEDULE.logK[t]! - logK[t]!));
    }
    expect(worst.sigma).toBeLessThan(5e-7);
    expect(worst.alpha).toBeLessThan(5e-5);
    expect(worst.logK).toBeLessThan(1.5e-4);
    expect(SCHEDULE.sigma[999]).toBe(1);
    expect(SCHEDULE.alpha[999]).toBe(0);
    expect(SCHEDULE.logK[999]).toBe(Number.POSITIVE_INFINITY);
  });

  test('t to k and back', () => {
    const table = JSON.parse(fixture('t_sigma.json').toString()) as {
      t: number[];
      sigma: (number | 'inf')[];
      t_back: number[];
    };
    table.t.forEach((t, i) => {
      const expected = table.sigma[i] === 'inf' ? Number.POSITIVE_INFINITY : Number(table.sigma[i]);
      const k = edmSigma(t);
      if (Number.isFinite(expected)) expect(Math.abs(k / expected - 1)).toBeLessThan(t > 990 ? 1e-6 : 1e-4);
      else expect(k).toBe(expected);
      expect(Math.abs(timestepOf(k) - table.t_back[i]!)).toBeLessThan(1e-3);
    });
  });

  test('every level lies on the unit circle and noise grows with t', () => {
    for (let t = 0; t < 1000; t++) {
      const { alpha, sigma } = noiseLevel(t);
      expect(Math.abs(alpha * alpha + sigma * sigma - 1)).toBeLessThan(1e-6);
      if (t > 0) expect(sigma).toBeGreaterThan(noiseLevel(t - 1).sigma);
    }
    expect(levelOfEdmSigma(Number.POSITIVE_INFINITY)).toEqual({ alpha: 0, sigma: 1 });
    expect(() => noiseLevel(1000)).toThrow(RangeError);
    expect(() => edmSigma(-0.5)).toThrow(RangeError);
  });
});
