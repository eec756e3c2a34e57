/** Everything together as the pipeline runs it: a plan's windows and tiles, hints, noise, prediction, solver, wavefront. */

import { describe, expect, test } from 'vitest';
import { augmentHint, hintNoise } from '../condition/hint.ts';
import { clipOf, deviceOf, NANO, settingsOf } from '../plan/fixtures/plan-inputs.ts';
import type { JobPlan, Window } from '../plan/job-plan.ts';
import { planJob } from '../plan/plan-job.ts';
import { accumulateTile, extractTile } from './blend.ts';
import { largestDifference } from './fixtures/analytic.ts';
import { fillNoise, HINT_STREAM, START_STREAM } from './noise.ts';
import { type Prediction, residualPrediction, velocityPrediction, type WindowPrediction } from './prediction.ts';
import { noiseLevel } from './schedule.ts';
import { createProgram, type Solver } from './solvers.ts';
import { runWavefront } from './wavefront.ts';

const CHANNELS = 2;
const MODEL = { ...NANO, latentChannels: CHANNELS, windowFrames: 10 };
const RESIDUAL = residualPrediction({
  latentVariance: [9, 2],
  residualSpreadScales: [1, 4],
  residualSpread: [
    [0.5, 0.8],
    [1.2, 1.1],
  ],
  insertedSpread: [2, 1],
});

function planOf(memoryBudgetBytes: number | null): JobPlan {
  const settings = settingsOf({ scale: 2, frameRateFactor: 3 });
  return planJob(clipOf(128, 96, 10), settings, deviceOf(), MODEL, { memoryBudgetBytes });
}

/** Denoises a clip whose latents are waves, with a network that looks at single values. */
async function enhance(plan: JobPlan, prediction: Prediction, solver: Solver, strength: number) {
  const { latentWidth: width, latentHeight: height } = plan;
  const size = CHANNELS * width * height;
  const whole = { channels: CHANNELS, x: 0, y: 0, width, height, seed: 5 };
  const { timestep } = hintNoise(strength);
  const hintLevel = timestep === null ? { alpha: 1, sigma: 0 } : noiseLevel(timestep);
  const program = createProgram({ solver, steps: 3, startTimestep: prediction.startTimestep });
  const latentsOf = (frame: number) => Float32Array.from({ length: size }, (_, i) => 3 * Math.sin(0.1 * i + frame));
  const mismatchOf = (frame: number) =>
    Float32Array.from({ length: width * height }, (_, i) => 0.1 * Math.sin(0.3 * i + frame) ** 2);
  const frames: Float32Array[] = [];
  const scratch = new Float32Array(size);
  await runWavefront<WindowPrediction>({
    windows: plan.windows,
    program,
    frameSize: size,
    open: ({ startFrame, endFrame }: Window) => {
      const indices = Array.from({ length: endFrame - startFrame }, (_, j) => startFrame + j);
      const frames = indices.map((f) => {
        const latents = latentsOf(f);
        const fraction = (f % plan.frameRateFactor) / plan.frameRateFactor;
        fillNoise({ ...whole, stream: HINT_STREAM, frame: f }, scratch);
        const hint = augmentHint(latents, scratch, hintLevel);
        if (fraction === 0) return { hint, latents, mismatch: null, fraction };
        const velocity = prediction.kind === 'velocity';
        return { hint: velocity ? null : hint, latents, mismatch: mismatchOf(f), fraction };
      });
      return prediction.prepare({ frames, hintLevel, scale: 2, channels: CHANNELS });
    },
    startFrame: (frame, window, prepared, out) => {
      fillNoise({ ...whole, stream: START_STREAM, frame }, scratch);
      prepared.start(frame - window.startFrame, program, scratch, out);
    },
    predictX0: async (_window, prepared, xs, evaluation) =>
      xs.map((x, j) => {
        const input = new Float32Array(size);
        const hint = new Float32Array(size);
        prepared.networkInput(j, x, evaluation, input);
        prepared.hintInput(j, hint);
        const output = new Float32Array(size);
        for (const tile of plan.tiles) {
          const count = CHANNELS * tile.latentWidth * tile.latentHeight;
          const [sample, control] = [new Float32Array(count), new Float32Array(count)];
          extractTile(input, CHANNELS, width, height, tile, sample);
          extractTile(hint, CHANNELS, width, height, tile, control);
          const answer = sample.map((value, i) => Math.tanh(0.5 * value + 0.1 * control[i]!));
          accumulateTile(output, CHANNELS, width, height, tile, answer);
        }
        prepared.toX0(j, x, output, evaluation, output);
        return output;
      }),
    noise: (evaluation, frame, out) => fillNoise({ ...whole, stream: evaluation, frame }, out),
    onFinal: ({ frames: done }) => {
      frames.push(...done);
    },
  });
  return frames;
}

describe('a layout does not change a result that its network does not see', () => {
  test.each([
    ['residual', 'ddim', 0],
    ['residual', 'dpmpp-2m-sde', 0.4],
    ['residual', 'heun', 1],
    ['velocity', 'ddim', 0.4],
    ['velocity', 'dpmpp-2m-sde', 0.4],
  ] as const)('%s, %s, strength %f', async (kind, solver, strength) => {
    const one = planOf(null);
    const budgets = [40, 30, 20, 15, 10, 5].map((megabytes) => MODEL.weightBytes + megabytes * 1e6);
    const many = budgets.map(planOf).find(({ windows, tiles }) => windows.length >= 3 && tiles.length >= 4)!;
    expect([one.windows.length > 1, one.tiles.length]).toEqual([true, 1]);
    expect(many.windows.length).toBeGreaterThanOrEqual(one.windows.length);
    const single = { ...one, windows: [{ index: 0, shot: 0, startFrame: 0, endFrame: 28, overlapFrames: 0 }] };
    const prediction = kind === 'residual' ? RESIDUAL : velocityPrediction();
    const expected = await enhance(single, prediction, solver, strength);
    for (const plan of [one, many]) {
      const frames = await enhance(plan, prediction, solver, strength);
      expect(frames).toHaveLength(28);
      frames.forEach((x, f) => {
        expect(largestDifference(x, expected[f]!)).toBeLessThan(1e-5);
      });
    }
  });
});
