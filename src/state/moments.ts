/**
 * A few pairs of frames kept from a run, spread over it, so that before and after can be compared even where the
 * browser cannot play the source itself. Bounded: at most {@link MAX_MOMENTS} pairs, whatever the clip's length.
 */

import type { LatestFrame } from '../../workers/protocol.ts';

export const MAX_MOMENTS = 12;

export interface Moments {
  readonly frames: readonly LatestFrame[];
  /** Every how many arrivals one is kept; doubles each time the collection is thinned. */
  readonly stride: number;
  readonly arrivals: number;
}

export const NO_MOMENTS: Moments = { frames: [], stride: 1, arrivals: 0 };

export function keepMoment(moments: Moments, latest: LatestFrame): Moments {
  const { frames, stride, arrivals } = moments;
  if (arrivals % stride !== 0) return { frames, stride, arrivals: arrivals + 1 };
  const grown = [...frames, latest];
  if (grown.length <= MAX_MOMENTS) return { frames: grown, stride, arrivals: arrivals + 1 };
  return { frames: grown.filter((_, index) => index % 2 === 0), stride: stride * 2, arrivals: arrivals + 1 };
}
