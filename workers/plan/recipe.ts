/** Settings made sense of: what is out of range, and how many times the network runs. Pure. */

import type { Refusal } from './job-plan.ts';
import type { Settings, SolverName, StepPlan } from './settings.ts';

export const MAX_STEPS = 200;

/** Solver steps of the reference's fast plan (SPEC §2.2). */
export const FAST_STEPS = 14;

/** The timestep of pure noise: Heun's first step from there is an Euler step. */
const PURE_NOISE = 999;

/** Evaluations that so many solver steps take: Heun evaluates twice a step but for the last, and for one from pure noise. */
export function evaluationCount(solver: SolverName, steps: number, startTimestep: number): number {
  if (solver !== 'heun' || steps === 1) return steps;
  return 2 * steps - (startTimestep === PURE_NOISE ? 2 : 1);
}

/** The most solver steps that take no more than the evaluations asked for, at least one; the fast plan has its own. */
export function solverSteps(
  solver: SolverName,
  evaluations: number,
  startTimestep: number,
  stepPlan: StepPlan = 'normal',
): number {
  if (stepPlan === 'fast') return FAST_STEPS;
  if (solver !== 'heun') return evaluations;
  let steps = 1;
  while (evaluationCount(solver, steps + 1, startTimestep) <= evaluations) steps++;
  return steps;
}

/** What is wrong with the settings, in words; empty where nothing is. */
export function checkSettings(settings: Settings): Refusal[] {
  const { scale, frameRateFactor, strength, steps, guidance, seed, range } = settings;
  const refusals: Refusal[] = [];
  const refuse = (message: string, hint: string): void => {
    refusals.push({ code: 'SETTINGS_INVALID', message, hint });
  };
  if (!(scale >= 1 && scale <= 8)) refuse(`A scale of ${scale} is not possible.`, 'Choose a scale from 1 to 8.');
  if (!(Number.isInteger(frameRateFactor) && frameRateFactor >= 1 && frameRateFactor <= 8)) {
    refuse(`A frame rate factor of ${frameRateFactor} is not possible.`, 'Choose a whole number from 1 to 8.');
  }
  if (!(strength >= 0 && strength <= 1)) refuse(`A strength of ${strength} is not possible.`, 'Choose 0 to 1.');
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= MAX_STEPS)) {
    refuse(`${steps} steps are not possible.`, `Choose a whole number from 1 to ${MAX_STEPS}.`);
  }
  if (!(guidance >= 0 && guidance <= 100)) refuse(`A guidance of ${guidance} is not possible.`, 'Choose 0 to 100.');
  if (!(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff)) {
    refuse(`A seed of ${seed} is not possible.`, 'Choose a whole number from 0 to 4294967295.');
  }
  if (range !== null && !(range.startUs >= 0 && range.endUs > range.startUs)) {
    refuse('The chosen part of the clip is empty.', 'Choose a start before the end, or the whole clip.');
  }
  return refusals;
}
