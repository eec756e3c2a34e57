import { describe, expect, it } from 'vitest';
import type { JobProgress } from '../../workers/protocol.ts';
import { type Estimate, estimateDrift, estimateError, NO_ESTIMATE, noteProgress } from './estimate.ts';

const progress = (fraction: number, secondsElapsed: number, secondsLeft: number | null) =>
  ({ fraction, secondsElapsed, secondsLeft }) as JobProgress;

/** A job of 100 s whose first estimates are off and settle. */
function told(steps: number, until = 1): Estimate {
  let estimate: Estimate = { ...NO_ESTIMATE, firstSeconds: 80 };
  for (let step = 1; step <= steps * until; step += 1) {
    const fraction = step / steps;
    const total = 100 + 40 * (1 - fraction) ** 3 * (step % 2 === 0 ? 1 : -1);
    estimate = noteProgress(estimate, progress(fraction, 100 * fraction, total - 100 * fraction));
  }
  return estimate;
}

describe('estimate', () => {
  it('says nothing before there is something to say', () => {
    const estimate = noteProgress(NO_ESTIMATE, progress(0.1, 1, null));
    expect(estimateError(estimate)).toBeNull();
    expect(estimateDrift(estimate)).toBeNull();
  });

  it('its error shrinks as the job goes on, and ends at nothing', () => {
    const errors = [0.2, 0.4, 0.6, 0.8, 1].map((until) => estimateError(told(50, until))!);
    for (const [index, error] of errors.entries()) if (index > 0) expect(error).toBeLessThan(errors[index - 1]!);
    expect(errors[0]).toBeGreaterThan(10);
    expect(errors.at(-1)).toBeCloseTo(0, 9);
  });

  it('the error holds what is said next', () => {
    const estimate = told(50, 0.5);
    const last = estimate.projections.at(-1)!;
    expect(Math.abs(last.totalSeconds - 100)).toBeLessThanOrEqual(estimateError(estimate)!);
  });

  it('tells how far off the first estimate was', () => {
    expect(estimateDrift(told(50))).toBeCloseTo(0.25, 2);
  });

  it('stays small however often it is told', () => {
    expect(told(5000).projections.length).toBeLessThanOrEqual(64);
  });
});
