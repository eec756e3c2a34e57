/** Where a clip's picture goes between its black borders, once both are enlarged. Pure. */

import type { Area } from '../media/borders.ts';
import { outputSide } from './output.ts';

export interface Placement {
  /** Of the whole output, borders and all. */
  readonly width: number;
  readonly height: number;
  /** Where the enlarged active area begins; even. */
  readonly x: number;
  readonly y: number;
}

/** @param clip the clip's size with its borders. The active area itself comes out at `outputSide` of its own sides. */
export function borderPlacement(
  clip: { readonly width: number; readonly height: number },
  area: Area,
  scale: number,
): Placement {
  const width = outputSide(clip.width, scale);
  const height = outputSide(clip.height, scale);
  const start = (from: number, inner: number, outer: number) =>
    Math.min(2 * Math.round((from * scale) / 2), outer - outputSide(inner, scale));
  return { width, height, x: start(area.x, area.width, width), y: start(area.y, area.height, height) };
}
