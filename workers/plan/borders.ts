/** Where a clip's picture goes between its black borders, once both are enlarged. Pure. */

import type { Area } from '../media/borders.ts';
import type { ActivePart, JobPlan } from './job-plan.ts';
import { outputSide } from './output.ts';

/** @param clip the clip's size with its borders. */
export function activePart(
  clip: { readonly width: number; readonly height: number },
  source: Area,
  scale: number,
): ActivePart {
  const width = outputSide(source.width, scale);
  const height = outputSide(source.height, scale);
  const start = (from: number, inner: number, outer: number) =>
    Math.min(2 * Math.round((from * scale) / 2), outer - inner);
  const x = start(source.x, width, outputSide(clip.width, scale));
  const y = start(source.y, height, outputSide(clip.height, scale));
  return { source, output: { x, y, width, height } };
}

/** Size of the pictures that are made: the output's, without its borders. */
export function workedSize({ output, active }: Pick<JobPlan, 'output' | 'active'>): {
  readonly width: number;
  readonly height: number;
} {
  return active?.output ?? output;
}
