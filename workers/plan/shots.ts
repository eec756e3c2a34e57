/** From cuts in the source to shots of the output: no window crosses a cut, so nothing is interpolated across one. Pure. */

import type { JobPlan, Shot } from './job-plan.ts';
import { type FrameSpan, outputFrameCount } from './output.ts';

/**
 * @param cuts source frames that begin a new shot, in any order; those outside the span are none of its business.
 * @returns shots that cover the output in order, each starting on a key frame. The frames inserted between a shot's last key
 * frame and the cut stay with that shot.
 */
export function shotsFromCuts(cuts: readonly number[], { sourceStart, sourceEnd, frameRateFactor }: FrameSpan): Shot[] {
  const frameCount = outputFrameCount(sourceEnd - sourceStart, frameRateFactor);
  if (frameCount === 0) return [];
  const inside = new Set(cuts.filter((cut) => cut > sourceStart && cut < sourceEnd));
  const starts = [sourceStart, ...[...inside].sort((a, b) => a - b)].map(
    (source) => (source - sourceStart) * frameRateFactor,
  );
  return starts.map((startFrame, i) => ({ startFrame, endFrame: starts[i + 1] ?? frameCount }));
}

/** The key frame after an inserted frame, of the same shot; null where a cut or the end comes first: nothing to blend with. */
export function nextKeyFrame({ shots, frameRateFactor }: JobPlan, frame: number): number | null {
  const next = (Math.floor(frame / frameRateFactor) + 1) * frameRateFactor;
  const shot = shots.find(({ startFrame, endFrame }) => frame >= startFrame && frame < endFrame);
  return shot && next < shot.endFrame ? next : null;
}
