/**
 * Step plans (SPEC §2.2): at which real-valued timesteps the network is evaluated. The last entry is followed by k = 0.
 */

import { LAST_TIMESTEP } from './schedule.ts';

/** `fast`: the reference's default, 4 coarse steps down to 500, 10 finer ones below. `normal`: evenly spaced, "trailing". */
export type StepMode = 'fast' | 'normal';

/** Where the reference starts: `total_noise_levels` 900. */
export const DEFAULT_START_TIMESTEP = 899;
export const FAST_STEPS = 14;

const FAST_COARSE_STEPS = 4;
const FAST_KNEE = 500;
const FAST_FINE_STEPS = FAST_STEPS - FAST_COARSE_STEPS;

export interface StepPlanOptions {
  readonly mode: StepMode;
  /** Solver steps; `fast` has its own, and ignores this. */
  readonly steps: number;
  readonly startTimestep?: number;
  /** The reference drops the last sigma before 0 for its SDE solver, and not for Heun. */
  readonly dropLast: boolean;
}

/**
 * Real-valued timesteps, falling, one a solver step; a step to k = 0 follows the last.
 * @throws RangeError for fewer than one step, a start outside 1…999, or `fast` from below its knee at 500.
 */
export function stepTimesteps(options: StepPlanOptions): number[] {
  const start = options.startTimestep ?? DEFAULT_START_TIMESTEP;
  if (!(start >= 1 && start <= LAST_TIMESTEP)) throw new RangeError(`start timestep ${start} is outside 1…999`);
  if (options.mode === 'normal') return trailing(start, options.steps, options.dropLast);
  if (start <= FAST_KNEE) throw new RangeError(`the fast plan starts above timestep ${FAST_KNEE}, not at ${start}`);
  const stride = (start - (FAST_KNEE - 1)) / FAST_COARSE_STEPS;
  const coarse = Array.from({ length: FAST_COARSE_STEPS }, (_, j) => start - j * stride);
  return [...coarse, ...trailing(FAST_KNEE, FAST_FINE_STEPS, options.dropLast)];
}

function trailing(start: number, steps: number, dropLast: boolean): number[] {
  if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`${steps} is not a number of steps`);
  const divisions = dropLast ? steps + 1 : steps;
  // With more steps than timesteps the reference's stride would overshoot 0.
  const stride = Math.min((start + 1) / divisions, start / Math.max(1, steps - 1));
  return Array.from({ length: steps }, (_, j) => Math.max(0, start - j * stride));
}

/** What the network is given: the nearest whole timestep, ties to even, as the reference rounds. */
export function networkTimestep(timestep: number): number {
  const below = Math.floor(timestep);
  const fraction = timestep - below;
  if (fraction > 0.5 || (fraction === 0.5 && below % 2 === 1)) return below + 1;
  return below;
}
