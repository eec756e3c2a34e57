import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Window } from '../plan/job-plan.ts';
import { evaluationCount, solverSteps } from '../plan/recipe.ts';
import { analyticVelocity, analyticX0, DATA_VARIANCE, framesOf, largestDifference } from './fixtures/analytic.ts';
import { parseVectors } from './fixtures/safetensors.ts';
import { guide } from './guidance.ts';
import { levelOfEdmSigma, noiseLevel } from './schedule.ts';
import { applyUpdate, createProgram, type Solver } from './solvers.ts';
import { networkTimestep, type StepMode, stepTimesteps } from './timesteps.ts';
import { runWavefront } from './wavefront.ts';

interface Case {
  F: number;
  mask: number[];
  mode: StepMode;
  steps: number;
  total_noise_levels: number;
  solver: string;
  chunks: [number, number][] | null;
  guide_scale: number;
  guide_rescale: number;
  extra: { eta?: number };
  n_calls: number;
  net_log: [number, number, number][];
}

const fixture = (name: string) => readFileSync(new URL(`./fixtures/sampler/${name}`, import.meta.url));
const cases = JSON.parse(fixture('index.json').toString()) as Record<string, Case>;
const TOLERANCE = 1e-4;

describe('the reference’s sampler', () => {
  test.each(Object.keys(cases))('%s', async (name) => {
    const run = cases[name]!;
    const vectors = parseVectors(fixture(`${name}.safetensors`));
    const frames = (key: string) => {
      const vector = vectors.get(key)!;
      return framesOf(vector.data as Float32Array, vector.dims);
    };
    const two = (n: number) => String(n).padStart(2, '0');
    const program = createProgram({
      solver: run.solver === 'heun' ? 'heun' : 'dpmpp-2m-sde',
      steps: run.steps,
      mode: run.mode,
      startTimestep: run.total_noise_levels - 1,
      ...run.extra,
    });
    expect(program.evaluations).toHaveLength(run.n_calls);
    const timesteps = [...run.net_log.map(([t]) => t)].filter((t, i, all) => t !== all[i - 1]);
    expect(program.evaluations.map((e) => e.timestep).filter((t, i, all) => t !== all[i - 1])).toEqual(timesteps);

    const m = frames('M');
    const start = frames('x_start');
    const final = frames('final');
    const noises = program.evaluations.map((_, i) =>
      vectors.has(`noise.${two(i)}`) ? frames(`noise.${two(i)}`) : null,
    );
    const inputs = program.evaluations.map((_, i) => frames(`net_in.${two(i)}`));
    const predictions = program.evaluations.map((_, i) => frames(`x0.${two(i)}`));
    const windows: Window[] = (run.chunks ?? [[0, run.F]]).map(([startFrame, endFrame], index, all) => ({
      index,
      shot: 0,
      startFrame,
      endFrame,
      overlapFrames: index === 0 ? 0 : all[index - 1]![1] - startFrame,
    }));
    const worst = { input: 0, x0: 0, final: 0 };
    await runWavefront<null>({
      windows,
      program,
      frameSize: m[0]!.length,
      open: () => null,
      startFrame: (frame, _window, _condition, out) => {
        for (let i = 0; i < out.length; i++) out[i] = program.startScale * start[frame]![i]!;
      },
      predictX0: async (window, _condition, xs, evaluation) => {
        const velocities = (y: number) =>
          xs.map((x, j) => {
            const frame = window.startFrame + j;
            return analyticVelocity(x, m[frame]!, y * (1 + 0.05 * run.mask[frame]!), evaluation.network);
          });
        const v = velocities(1);
        if (run.guide_scale !== 1) guide(v, velocities(-0.5), run.guide_scale, run.guide_rescale);
        const { alpha, sigma } = evaluation.network;
        return xs.map((x, j) => {
          const frame = window.startFrame + j;
          worst.input = Math.max(worst.input, largestDifference(x, inputs[evaluation.index]![frame]!));
          const x0 = v[j]!.map((value, i) => alpha * x[i]! - sigma * value);
          if (run.chunks === null) {
            worst.x0 = Math.max(worst.x0, largestDifference(x0, predictions[evaluation.index]![frame]!));
          }
          return x0;
        });
      },
      noise: (evaluation, frame, out) => out.set(noises[evaluation]![frame]!),
      onFinal: ({ startFrame, frames: done }) => {
        done.forEach((x, j) => {
          worst.final = Math.max(worst.final, largestDifference(x, final[startFrame + j]!));
        });
      },
    });
    expect(worst.input).toBeLessThan(TOLERANCE);
    expect(worst.x0).toBeLessThan(TOLERANCE);
    expect(worst.final).toBeLessThan(TOLERANCE);
    if (process.env.MEASURE) console.log(name, worst);
  });
});

/** Runs a program on one value with the exact posterior mean at the state's own level. */
function solve(solver: Solver, steps: number, start: number, mean: number, startTimestep = 899): number {
  const program = createProgram({ solver, steps, startTimestep, eta: 0 });
  const x = new Float32Array([start]);
  const x0 = new Float32Array(1);
  const saved = new Float32Array(1);
  for (const { update, state } of program.evaluations) {
    x0[0] = analyticX0(x[0]!, mean, state);
    applyUpdate(update, x, x0, saved, null);
  }
  return x[0]!;
}

/** The probability-flow ODE's own solution for Gaussian data: (x − αμ)/√(α²v + σ²) never changes. */
function exactFlow(start: number, mean: number, startTimestep: number): number {
  const [t] = stepTimesteps({ mode: 'normal', steps: 1, startTimestep, dropLast: true });
  const { alpha, sigma } = noiseLevel(t!);
  const score = (start - alpha * mean) / Math.sqrt(alpha * alpha * DATA_VARIANCE + sigma * sigma);
  return mean + Math.sqrt(DATA_VARIANCE) * score;
}

describe('DDIM', () => {
  test('is x’ = α’x0 + σ’ε with ε = (x − αx0)/σ at every step of the normal plan', () => {
    const steps = 15;
    const timesteps = stepTimesteps({ mode: 'normal', steps, dropLast: true });
    const program = createProgram({ solver: 'ddim', steps });
    expect(program.evaluations.map((e) => e.timestep)).toEqual(timesteps.map(networkTimestep));
    for (const [start, mean] of [
      [1.3, 0.4],
      [-2.1, 0.9],
      [0.2, -1.5],
    ] as const) {
      let expected = start;
      const x = new Float32Array([start]);
      const x0 = new Float32Array(1);
      program.evaluations.forEach(({ network, state, update }, i) => {
        const d = analyticX0(expected, mean, network);
        const next = program.evaluations[i + 1]?.state ?? levelOfEdmSigma(0);
        expected = next.alpha * d + next.sigma * ((expected - state.alpha * d) / state.sigma);
        x0[0] = analyticX0(x[0]!, mean, network);
        applyUpdate(update, x, x0, null, null);
        expect(Math.abs(x[0]! - expected)).toBeLessThan(1e-5);
      });
    }
  });

  test.each([899, 999, 300])('goes to the exact solution of the flow as steps grow, from t = %i', (startTimestep) => {
    const error = (solver: Solver, steps: number) =>
      Math.abs(solve(solver, steps, 1.3, 0.4, startTimestep) - exactFlow(1.3, 0.4, startTimestep));
    expect(error('ddim', 400)).toBeLessThan(6e-3);
    expect(error('ddim', 400)).toBeLessThan(0.6 * error('ddim', 200));
    expect(error('heun', 200)).toBeLessThan(2e-4);
    expect(error('ddim', 50)).toBeLessThan(error('ddim', 10));
    expect(error('heun', 50)).toBeLessThan(error('ddim', 50));
    expect(error('dpmpp-2m-sde', 50)).toBeLessThan(error('ddim', 50));
  });
});

describe('programs', () => {
  test('count their evaluations, start where told, end at x0', () => {
    for (const solver of ['ddim', 'dpmpp-2m-sde', 'heun'] as const) {
      for (const steps of [1, 2, 3, 4, 14]) {
        for (const startTimestep of [899, 999, 120]) {
          const { evaluations } = createProgram({ solver, steps, startTimestep });
          expect(evaluations).toHaveLength(evaluationCount(solver, steps, startTimestep));
          expect(solverSteps(solver, evaluations.length, startTimestep)).toBe(steps);
          expect(evaluations[0]!.timestep).toBe(startTimestep);
          expect(evaluations.at(-1)!.update.x).toEqual({ x: 0, x0: 1, saved: 0, noise: 0 });
          for (const { update } of evaluations) {
            for (const c of [...Object.values(update.x), ...Object.values(update.saved ?? {})]) {
              expect(Number.isFinite(c)).toBe(true);
            }
          }
        }
      }
    }
  });

  test('the state keeps unit variance on unit-variance Gaussian data, noise and all', () => {
    const { evaluations } = createProgram({ solver: 'dpmpp-2m-sde', steps: 30 });
    const count = 20000;
    const gaussian = (seed: number) => {
      let s = seed;
      const uniform = () => {
        s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
        return (s + 0.5) / 2 ** 32;
      };
      return Float32Array.from(
        { length: count },
        () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
      );
    };
    const x = gaussian(1);
    const saved = new Float32Array(count);
    for (const { update, state, index } of evaluations.slice(0, -1)) {
      const x0 = x.map((value) => state.alpha * value);
      applyUpdate(update, x, x0, saved, gaussian(index + 2));
    }
    const variance = x.reduce((sum, value) => sum + value * value, 0) / count;
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });

  test('missing noise or saved arrays are refused, not ignored', () => {
    const { evaluations } = createProgram({ solver: 'dpmpp-2m-sde', steps: 3 });
    const x = new Float32Array(2);
    expect(() => applyUpdate(evaluations[0]!.update, x, x, x.slice(), null)).toThrow(RangeError);
    expect(() => applyUpdate(evaluations[0]!.update, x, x, null, x)).toThrow(RangeError);
    expect(() => applyUpdate(evaluations[1]!.update, x, x, null, x)).toThrow(RangeError);
  });
});
