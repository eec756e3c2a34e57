/**
 * The frame rate of a list of timestamps: constant where a regular grid explains every one of them, else variable.
 *
 * Pure. Containers round timestamps to their ticks (WebM to a millisecond), so 29.97 arrives as 33, 33, 34 …: a grid counts as
 * explaining them when none is off by more than a tick.
 */

import type { Rational } from './clip-info.ts';

/** What cameras, editors and screens write; tried before anything that is merely computed. */
const STANDARD_RATES: readonly Rational[] = [
  [24000, 1001],
  [24, 1],
  [25, 1],
  [30000, 1001],
  [30, 1],
  [48000, 1001],
  [48, 1],
  [50, 1],
  [60000, 1001],
  [60, 1],
  [15000, 1001],
  [15, 1],
  [12, 1],
  [10, 1],
  [12.5, 1],
  [20, 1],
  [72, 1],
  [90, 1],
  [100, 1],
  [120000, 1001],
  [120, 1],
  [144, 1],
  [240000, 1001],
  [240, 1],
].map(([numerator, denominator]) => reduce(numerator! * 2, denominator! * 2));

export interface FrameRate {
  readonly rate: Rational;
  readonly variable: boolean;
}

/**
 * @param timestampsUs sorted presentation times, fractional where the container's ticks are no whole microseconds.
 * @param lastDurationUs duration of the last frame.
 * @param tickUs the container's time unit, the rounding that timestamps may carry.
 */
export function frameRateOf(timestampsUs: readonly number[], lastDurationUs: number, tickUs: number): FrameRate {
  const count = timestampsUs.length;
  const spanUs = timestampsUs[count - 1]! - timestampsUs[0]!;
  if (count === 1 || spanUs <= 0) return { rate: rateOfInterval(lastDurationUs), variable: false };

  const intervalUs = spanUs / (count - 1);
  const toleranceUs = tickUs * 1.01 + 0.5;
  let best: Rational | null = null;
  let bestErrorUs = Number.POSITIVE_INFINITY;
  for (const rate of [...STANDARD_RATES, exactRate(timestampsUs, tickUs), rateOfInterval(intervalUs)]) {
    const errorUs = rate === null ? Number.POSITIVE_INFINITY : gridError(rate, timestampsUs, toleranceUs);
    if (errorUs < bestErrorUs * 0.99) {
      best = rate;
      bestErrorUs = errorUs;
    }
  }
  return best === null ? { rate: rateOfInterval(intervalUs), variable: true } : { rate: best, variable: false };
}

/** Mean distance from a regular grid, its offset fitted; infinite when one timestamp is off by more than the tolerance. */
function gridError(rate: Rational, timestampsUs: readonly number[], toleranceUs: number): number {
  const intervalUs = (1e6 * rate.denominator) / rate.numerator;
  const first = timestampsUs[0]!;
  let sum = 0;
  for (let i = 0; i < timestampsUs.length; i++) {
    const error = Math.abs(timestampsUs[i]! - first - i * intervalUs);
    if (error > toleranceUs) return Number.POSITIVE_INFINITY;
    sum += error;
  }
  return sum / timestampsUs.length + 1e-3;
}

/** The rate as the container's own ticks state it, when the first interval is a whole number of them. */
function exactRate(timestampsUs: readonly number[], tickUs: number): Rational | null {
  const ticksPerSecond = Math.round(1e6 / tickUs);
  const ticks = Math.round((timestampsUs[1]! - timestampsUs[0]!) / tickUs);
  return ticks > 0 && ticksPerSecond > 0 ? reduce(ticksPerSecond, ticks) : null;
}

function rateOfInterval(intervalUs: number): Rational {
  const interval = intervalUs > 0 ? intervalUs : 40_000;
  const standard = STANDARD_RATES.find(
    ({ numerator, denominator }) => Math.abs(interval - (1e6 * denominator) / numerator) < 0.5,
  );
  return standard ?? reduce(1_000_000, Math.max(1, Math.round(interval)));
}

export function reduce(numerator: number, denominator: number): Rational {
  let a = numerator;
  let b = denominator;
  while (b !== 0) [a, b] = [b, a % b];
  return { numerator: numerator / a, denominator: denominator / a };
}
