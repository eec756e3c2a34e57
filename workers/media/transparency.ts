/**
 * Transparent pictures over black, as an MP4 can't be transparent. Pure; a few nanoseconds a pixel.
 */

import type { ClipNotice } from './clip-info.ts';
import type { Plane } from './yuv.ts';

export const ALPHA_COMPOSITED: ClipNotice = {
  code: 'ALPHA_COMPOSITED',
  message: 'The clip is partly transparent. An MP4 can’t be, so the result is on black.',
};
/** Where the alpha stream has gaps, or can't be decoded. */
export const ALPHA_IGNORED: ClipNotice = {
  code: 'ALPHA_IGNORED',
  message: 'The clip is partly transparent, in a way that can’t be read here; the result is opaque.',
};

/**
 * Straight alpha over black. Coverage is an alpha plane, or the picture's own fourth channel.
 * @param opaque the level that covers all.
 */
export function composeOnBlack(rgba: Uint8ClampedArray, width: number, alpha: Plane | null, opaque: number): void {
  for (let at = 0, pixel = 0; at < rgba.length; at += 4, pixel++) {
    const level = alpha ? alpha.samples[Math.floor(pixel / width) * alpha.stride + (pixel % width)]! : rgba[at + 3]!;
    const part = level / opaque;
    rgba[at] = rgba[at]! * part;
    rgba[at + 1] = rgba[at + 1]! * part;
    rgba[at + 2] = rgba[at + 2]! * part;
    rgba[at + 3] = 255;
  }
}

/** @param coverage a grey picture of the same size: white covers. @returns a picture of its own. */
export function coveredBy(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  coverage: Uint8ClampedArray,
): Uint8ClampedArray<ArrayBuffer> {
  const covered = rgba.slice();
  for (let at = 0; at < covered.length; at += 4) covered[at + 3] = coverage[at]!;
  composeOnBlack(covered, 0, null, 255);
  return covered;
}
