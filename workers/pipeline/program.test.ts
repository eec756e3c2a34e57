/** How a model of the reference's kind is sampled as released (SPEC §2.2, §2.4), from a manifest and the settings that choosing it brings. */

import { describe, expect, test } from 'vitest';
import { hintNoise } from '../condition/hint.ts';
import type { Manifest } from '../models/manifest.ts';
import { DEFAULT_SETTINGS, PROMPTED_SETTINGS } from '../plan/settings.ts';
import { fedScale, predictionOf, solverProgram } from './program.ts';

const OFFICIAL = { prediction: 'velocity', config: {} } as Manifest;
const AS_RELEASED = { ...DEFAULT_SETTINGS, ...PROMPTED_SETTINGS };

describe('the official model', () => {
  test('is sampled by the fast plan: 14 evaluations from t = 899, to x0', () => {
    const { evaluations } = solverProgram(AS_RELEASED, OFFICIAL);
    const timesteps = [899, 799, 699, 599, 500, 454, 409, 363, 318, 272, 227, 181, 136, 90];
    expect(evaluations.map(({ timestep }) => timestep)).toEqual(timesteps);
    expect(evaluations.at(-1)!.update.x).toEqual({ x: 0, x0: 1, saved: 0, noise: 0 });
    expect(predictionOf(OFFICIAL).startTimestep).toBe(899);
  });

  test('by the normal plan where it is asked for: as many as steps', () => {
    const { evaluations } = solverProgram({ ...AS_RELEASED, stepPlan: 'normal', steps: 15 }, OFFICIAL);
    expect(evaluations).toHaveLength(15);
    expect(evaluations[0]!.timestep).toBe(899);
  });

  test('is guided by 7.5, its hint diffused to noise_aug − 1', () => {
    expect(AS_RELEASED.guidance).toBe(7.5);
    expect(hintNoise(AS_RELEASED.strength)).toEqual({ level: 201, timestep: 200, fedTimestep: 200 });
    expect(hintNoise(250 / 300).timestep).toBe(249);
  });

  test('is told 8 of any scale, or the real factor, whole, as in the paper', () => {
    for (const scale of [1, 2.5, 8]) expect(fedScale({ ...AS_RELEASED, scale }, OFFICIAL)).toBe(8);
    expect(fedScale({ ...AS_RELEASED, scale: 4, scaleCondition: 'factor' }, OFFICIAL)).toBe(4);
    expect(fedScale({ ...AS_RELEASED, scale: 2.7, scaleCondition: 'factor' }, OFFICIAL)).toBe(2);
  });
});

test('nano is told eight times the scale', () => {
  expect(fedScale({ ...DEFAULT_SETTINGS, scale: 3 }, { prediction: 'residual' } as Manifest)).toBe(24);
});
