import { describe, expect, test } from 'vitest';
import { largestDifference } from './fixtures/analytic.ts';
import { fillNoise } from './noise.ts';
import {
  keySpread,
  type ResidualSpreads,
  residualPrediction,
  velocityPrediction,
  type WindowHint,
} from './prediction.ts';
import { type NoiseLevel, noiseLevel } from './schedule.ts';
import { applyUpdate, createProgram } from './solvers.ts';

const CHANNELS = 3;
const PLANE = 5000;
const SIZE = CHANNELS * PLANE;
/** Of the inserted frames, everywhere. */
const MISMATCH = 0.04;

const SPREADS: ResidualSpreads = {
  latentVariance: [40, 6, 1.2],
  residualSpreadScales: [1, 2, 4],
  residualSpread: [
    [0.4, 0.6, 0.9],
    [0.8, 0.9, 1],
    [1.2, 1.1, 1],
  ],
  insertedSpread: [3, 2, 1],
};

function gaussian(seed: number, variances = [1, 1, 1]): Float32Array {
  const out = new Float32Array(SIZE);
  fillNoise({ seed, stream: 0, frame: 0, channels: CHANNELS, x: 0, y: 0, width: 100, height: 50 }, out);
  return out.map((v, i) => v * Math.sqrt(variances[Math.floor(i / PLANE)]!));
}

function variances(data: Float32Array): number[] {
  return [0, 1, 2].map((c) => data.subarray(c * PLANE, (c + 1) * PLANE).reduce((s, v) => s + v * v, 0) / PLANE);
}

/** Key frames 0 and 4 of five frames. */
function windowHint(hintLevel: NoiseLevel, scale = 2): { hint: WindowHint; latents: Float32Array[] } {
  const latents = [gaussian(1, [40, 6, 1.2]), gaussian(2, [40, 6, 1.2])];
  const noised = latents.map((z, k) => {
    const noise = gaussian(10 + k);
    return z.map((v, i) => hintLevel.alpha * v + hintLevel.sigma * noise[i]!);
  });
  const key = (k: number) => ({ hint: noised[k]!, latents: latents[k]!, mismatch: null, fraction: 0 });
  const between = (fraction: number) => ({
    hint: null,
    latents: latents[0]!.map((v, i) => (1 - fraction) * v + fraction * latents[1]![i]!),
    mismatch: new Float32Array(PLANE).fill(MISMATCH),
    fraction,
  });
  return {
    latents,
    hint: {
      frames: [key(0), between(0.25), between(0.5), between(0.75), key(1)],
      hintLevel,
      scale,
      channels: CHANNELS,
    },
  };
}

const CLEAN: NoiseLevel = { alpha: 1, sigma: 0 };

describe('residual prediction', () => {
  test('an untrained network (F = 0) returns the base at every solver and step count: the upsampled clip', () => {
    const { hint, latents } = windowHint(CLEAN);
    const window = residualPrediction(SPREADS).prepare(hint);
    for (const [frame, w] of [
      [0, 0],
      [1, 0.25],
      [3, 0.75],
      [4, 1],
    ] as const) {
      const base = latents[0]!.map((v, i) => (1 - w) * v + w * latents[1]![i]!);
      const program = createProgram({ solver: 'ddim', steps: 1, startTimestep: 999 });
      const x = new Float32Array(SIZE);
      window.start(frame, program, gaussian(5), x);
      const x0 = new Float32Array(SIZE);
      window.toX0(frame, x, new Float32Array(SIZE), program.evaluations[0]!, x0);
      expect(largestDifference(x0, base)).toBeLessThan(2e-5);
    }
  });

  test('feeds and asks for values of unit variance at every t; the true residual gives z back', () => {
    for (const strength of [0, 59, 299]) {
      const level = strength === 0 ? CLEAN : noiseLevel(strength);
      const { hint, latents } = windowHint(level);
      const window = residualPrediction(SPREADS).prepare(hint);
      const tau = keySpread(SPREADS, 2);
      // What the model assumes of a key frame: z is Gaussian about the source, with variance τ².
      const tau2 = Array.from(tau, (value) => value ** 2);
      const residual = gaussian(77, tau2);
      const z = latents[0]!.map((value, i) => value + residual[i]!);
      for (const t of [999, 899, 500, 90, 5]) {
        const program = createProgram({ solver: 'ddim', steps: 1, startTimestep: t });
        const evaluation = program.evaluations[0]!;
        const { alpha, sigma } = evaluation.state;
        const noise = gaussian(33);
        const x = z.map((value, i) => alpha * value + sigma * noise[i]!);
        const input = new Float32Array(SIZE);
        window.networkInput(0, x, evaluation, input);
        for (const variance of variances(input)) expect(Math.abs(variance - 1)).toBeLessThan(0.08);
        const f = residual.map((value, k) => value / Math.sqrt(tau2[Math.floor(k / PLANE)]!));
        window.toX0(0, x, f, evaluation, f);
        expect(largestDifference(f, z)).toBeLessThan(1e-4);
        const start = new Float32Array(SIZE);
        window.start(0, program, noise, start);
        const centred = new Float32Array(SIZE);
        window.networkInput(0, start, evaluation, centred);
        expect(largestDifference(centred, noise)).toBeLessThan(2e-3);
      }
    }
  });

  test('inserted frames spread most half-way; a frame without a hint shows zeros', () => {
    const { hint } = windowHint(noiseLevel(100));
    const window = residualPrediction(SPREADS).prepare(hint);
    const evaluation = createProgram({ solver: 'ddim', steps: 1, startTimestep: 999 }).evaluations[0]!;
    const spread = (frame: number) => {
      const x = gaussian(3);
      const zero = new Float32Array(SIZE);
      const one = new Float32Array(SIZE);
      window.toX0(frame, x, zero.slice(), evaluation, zero);
      window.toX0(frame, x, new Float32Array(SIZE).fill(1), evaluation, one);
      return one[0]! - zero[0]!;
    };
    expect(spread(0)).toBeCloseTo(0.8, 4);
    expect(spread(2)).toBeCloseTo(Math.sqrt(0.8 ** 2 + 3 ** 2 * Math.sqrt(MISMATCH + (2 / 127.5) ** 2)), 4);
    expect(spread(1)).toBeCloseTo(spread(3), 4);
    const out = new Float32Array(SIZE).fill(9);
    window.hintInput(2, out);
    expect(out.every((value) => value === 0)).toBe(true);
    window.hintInput(4, out);
    for (const variance of variances(out)) expect(Math.abs(variance - 1)).toBeLessThan(0.08);
  });

  test('τ_key follows the scale', () => {
    expect(residualPrediction(SPREADS).startTimestep).toBe(999);
    expect([...keySpread(SPREADS, 0.5)]).toEqual([...keySpread(SPREADS, 1)]);
    expect(keySpread(SPREADS, 1)[0]).toBeCloseTo(0.4, 10);
    expect(keySpread(SPREADS, 2)[0]).toBeCloseTo(0.8, 10);
    expect(keySpread(SPREADS, 2 ** 1.5)[0]).toBeCloseTo(Math.sqrt(0.8 * 1.2), 10);
    expect(keySpread(SPREADS, 8)[0]).toBeCloseTo(1.2, 10);
    const one = { ...SPREADS, residualSpreadScales: [2], residualSpread: [[1, 2, 3]] };
    for (const [c, tau] of keySpread(one, 5).entries()) expect(tau).toBeCloseTo(c + 1, 10);
  });
});

describe('velocity prediction', () => {
  test('starts from noised key frames, repeated, as the reference does', () => {
    const { hint, latents } = windowHint(noiseLevel(199));
    const window = velocityPrediction().prepare(hint);
    const program = createProgram({ solver: 'dpmpp-2m-sde', steps: 4 });
    const noise = gaussian(8);
    const { alpha, sigma } = noiseLevel(899);
    const x = new Float32Array(SIZE);
    for (const [frame, key] of [
      [0, 0],
      [3, 0],
      [4, 1],
    ] as const) {
      window.start(frame, program, noise, x);
      const expected = latents[key]!.map((z, i) => sigma * (alpha * z + sigma * noise[i]!));
      expect(largestDifference(x, expected)).toBeLessThan(1e-5);
    }
    const late = velocityPrediction().prepare({ ...hint, frames: [{ ...hint.frames[0]!, latents: null }] });
    expect(() => late.start(0, program, noise, x)).toThrow(RangeError);
  });

  test('x0 from the velocity of a known pair', () => {
    const { hint, latents } = windowHint(CLEAN);
    const window = velocityPrediction().prepare(hint);
    const evaluation = createProgram({ solver: 'ddim', steps: 1, startTimestep: 500 }).evaluations[0]!;
    const { alpha, sigma } = evaluation.network;
    const [z, noise] = [latents[0]!, gaussian(4)];
    const x = z.map((value, i) => alpha * value + sigma * noise[i]!);
    const v = z.map((value, i) => alpha * noise[i]! - sigma * value);
    const input = new Float32Array(SIZE);
    window.networkInput(0, x, evaluation, input);
    expect(input).toEqual(x);
    window.toX0(0, x, v, evaluation, v);
    expect(largestDifference(v, z)).toBeLessThan(2e-5);
  });
});

test('several steps of any solver on a perfect residual network end at z', () => {
  const { hint } = windowHint(CLEAN);
  const window = residualPrediction(SPREADS).prepare(hint);
  const z = hint.frames[0]!.hint!.map((h, i) => h + 0.5 * Math.sin(i));
  for (const solver of ['ddim', 'dpmpp-2m-sde', 'heun'] as const) {
    const program = createProgram({ solver, steps: 4 });
    const x = new Float32Array(SIZE);
    const saved = new Float32Array(SIZE);
    window.start(0, program, gaussian(6), x);
    for (const evaluation of program.evaluations) {
      const zero = new Float32Array(SIZE);
      const one = new Float32Array(SIZE);
      window.toX0(0, x, zero.slice(), evaluation, zero);
      window.toX0(0, x, new Float32Array(SIZE).fill(1), evaluation, one);
      const f = z.map((value, i) => (value - zero[i]!) / (one[i]! - zero[i]!));
      window.toX0(0, x, f, evaluation, f);
      applyUpdate(evaluation.update, x, f, saved, gaussian(evaluation.index + 40));
    }
    expect(largestDifference(x, z)).toBeLessThan(1e-4);
  }
});

test('the base is the source, without any of the hint’s noise, between key frames too', () => {
  const level = noiseLevel(199);
  const { hint, latents } = windowHint(level);
  const window = residualPrediction(SPREADS).prepare(hint);
  const { evaluations } = createProgram({ solver: 'ddim', steps: 1, startTimestep: 999 });
  for (const [frame, w] of [
    [0, 0],
    [2, 0.5],
    [4, 1],
  ] as const) {
    const x0 = new Float32Array(SIZE);
    window.toX0(frame, new Float32Array(SIZE), new Float32Array(SIZE), evaluations[0]!, x0);
    const expected = latents[0]!.map((v, i) => (1 - w) * v + w * latents[1]![i]!);
    expect(largestDifference(x0, expected)).toBeLessThan(2e-5);
  }
});
