/** The trainer's own formulas (training/diffusion.py, latents.py), run in PyTorch with a formula for a network, against ours. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { augmentHint, hintNoise, SCALE_CONDITION } from '../condition/hint.ts';
import { Upsampler } from '../condition/upsample.ts';
import { largestDifference } from './fixtures/analytic.ts';
import { residualPrediction } from './prediction.ts';
import { noiseLevel } from './schedule.ts';
import { createProgram } from './solvers.ts';
import { runWavefront } from './wavefront.ts';

interface Fixture {
  channels: number;
  height: number;
  width: number;
  keys: number[];
  frames: number;
  source: number[];
  mismatch: number[];
  hintNoise: number[];
  picture: number[];
  upsampled: number[];
  runs: {
    strength: number;
    scale: number;
    evaluations: number;
    noise: number[];
    samples: number[][];
    hint: number[];
    hintTimestep: number;
    timesteps: number[];
    scaleFed: number;
    final: number[];
  }[];
}

const fixture = JSON.parse(readFileSync(new URL('./fixtures/training.json', import.meta.url)).toString()) as Fixture;
const PREDICTION = residualPrediction({
  latentVariance: [40, 6, 1.2],
  residualSpreadScales: [1, 2, 4],
  residualSpread: [
    [0.4, 0.6, 0.9],
    [0.8, 0.9, 1],
    [1.2, 1.1, 1],
  ],
  insertedSpread: [3, 2, 1],
});

describe('the trainer’s sampler', () => {
  const { channels, height, width, keys, frames } = fixture;
  const size = channels * height * width;
  const frameOf = (values: number[], f: number) => Float32Array.from(values.slice(f * size, (f + 1) * size));

  test.each(fixture.runs)('strength $strength, scale $scale, $evaluations evaluations', async (run) => {
    const { timestep, fedTimestep } = hintNoise(run.strength);
    expect(fedTimestep).toBe(run.hintTimestep);
    expect(SCALE_CONDITION * run.scale).toBeCloseTo(run.scaleFed, 4);
    const hintLevel = timestep === null ? { alpha: 1, sigma: 0 } : noiseLevel(timestep);
    const program = createProgram({ solver: 'ddim', steps: run.evaluations, startTimestep: PREDICTION.startTimestep });
    expect(program.evaluations.map((e) => e.timestep)).toEqual(run.timesteps);
    const hints = Array.from({ length: frames }, (_, f) => {
      const inserted = !keys.includes(f);
      const latents = frameOf(fixture.source, f);
      const hint = augmentHint(latents, frameOf(fixture.hintNoise, f), hintLevel);
      const mismatch = inserted
        ? Float32Array.from(fixture.mismatch.slice(f * height * width, (f + 1) * height * width))
        : null;
      return { hint, latents, mismatch, fraction: (f % keys[1]!) / keys[1]! };
    });
    const window = PREDICTION.prepare({ frames: hints, hintLevel, scale: run.scale, channels });
    const worst = { hint: 0, sample: 0, final: 0 };
    await runWavefront<null>({
      windows: [{ index: 0, shot: 0, startFrame: 0, endFrame: frames, overlapFrames: 0 }],
      program,
      frameSize: size,
      open: () => null,
      startFrame: (frame, _w, _c, out) => window.start(frame, program, frameOf(run.noise, frame), out),
      predictX0: async (_w, _c, xs, evaluation) =>
        xs.map((x, f) => {
          const [sample, hint] = [new Float32Array(size), new Float32Array(size)];
          window.networkInput(f, x, evaluation, sample);
          window.hintInput(f, hint);
          worst.sample = Math.max(worst.sample, largestDifference(sample, frameOf(run.samples[evaluation.index]!, f)));
          worst.hint = Math.max(worst.hint, largestDifference(hint, frameOf(run.hint, f)));
          const output = sample.map((value, i) => Math.tanh(0.5 * value + 0.1 * hint[i]!));
          window.toX0(f, x, output, evaluation, output);
          return output;
        }),
      noise: () => {},
      onFinal: (segment) => {
        segment.frames.forEach((x, f) => {
          worst.final = Math.max(worst.final, largestDifference(x, frameOf(run.final, f)));
        });
      },
    });
    expect(worst.hint).toBeLessThan(1e-5);
    expect(worst.sample).toBeLessThan(1e-4);
    expect(worst.final).toBeLessThan(1e-4);
    if (process.env.MEASURE) console.log(worst);
  });

  test('upsampling', () => {
    const out = new Upsampler(7, 5, 17, 11).fromPlanar(Float32Array.from(fixture.picture));
    expect(largestDifference(out, Float32Array.from(fixture.upsampled))).toBeLessThan(1e-5);
  });
});
