/**
 * How long a job will take in all, as its progress tells it again and again: what was said first, what is said now, and how much what is
 * said has moved of late. Bounded: thinned as it grows.
 */

import type { JobProgress } from '../../workers/protocol.ts';

interface Projection {
  readonly fraction: number;
  readonly totalSeconds: number;
}

export interface Estimate {
  /** Of the plan that was run. */
  readonly firstSeconds: number | null;
  readonly projections: readonly Projection[];
}

export const NO_ESTIMATE: Estimate = { firstSeconds: null, projections: [] };

const MAX_PROJECTIONS = 64;
/** No estimate is better than this part of what is left. */
const LEAST_ERROR = 0.03;

export function noteProgress(estimate: Estimate, { fraction, secondsElapsed, secondsLeft }: JobProgress): Estimate {
  if (secondsLeft === null) return estimate;
  const projection = { fraction, totalSeconds: secondsElapsed + secondsLeft };
  const grown = [...estimate.projections, projection];
  const thinned = grown.length <= MAX_PROJECTIONS ? grown : grown.filter((_, index) => index % 2 === grown.length % 2);
  return { ...estimate, projections: thinned };
}

/** Seconds that what is said now may be off by, either way: as far as it has moved in the second half of the way so far. */
export function estimateError({ projections }: Estimate): number | null {
  const last = projections.at(-1);
  if (!last || projections.length < 3) return null;
  const recent = projections.filter(({ fraction }) => fraction >= last.fraction / 2);
  const moved = Math.max(...recent.map(({ totalSeconds }) => Math.abs(totalSeconds - last.totalSeconds)));
  const left = last.totalSeconds * (1 - last.fraction);
  // What is left can't be off by more than itself.
  return Math.min(left, Math.max(moved, LEAST_ERROR * left));
}

/** What is said now against what was said before the start: 0.2 is a fifth longer. */
export function estimateDrift({ firstSeconds, projections }: Estimate): number | null {
  const last = projections.at(-1);
  if (!last || firstSeconds === null || firstSeconds <= 0) return null;
  return last.totalSeconds / firstSeconds - 1;
}
