/**
 * A clip without its black borders, and its pictures with them again.
 *
 * Runs where the clip does; a copy of the active area a frame, a copy of it again a picture.
 */

import type { Area } from './borders.ts';
import type { Clip } from './clip.ts';
import { crop, type RgbaPicture } from './rgba.ts';

/** The clip as if it had only ever been its active area. Closing it closes the clip. */
export function activeClip(clip: Clip, { x, y, width, height }: Area): Clip {
  return {
    ...clip,
    info: { ...clip.info, width, height, activeArea: null },
    async *frames(range) {
      for await (const frame of clip.frames(range)) yield { ...frame, ...crop(frame, x, y, width, height) };
    },
  };
}

/** A picture of `width` × `height` that is black but for `inner` at (x, y), inside which it must lie. */
export function onBlack(inner: RgbaPicture, x: number, y: number, width: number, height: number): RgbaPicture {
  const rgba = new Uint8ClampedArray(width * height * 4);
  // Opaque black in one stroke: red first on every machine that runs this.
  new Uint32Array(rgba.buffer).fill(0xff000000);
  for (let row = 0; row < inner.height; row++) {
    const from = row * inner.width * 4;
    rgba.set(inner.rgba.subarray(from, from + inner.width * 4), ((y + row) * width + x) * 4);
  }
  return { width, height, rgba };
}
