/** The last steps of a frame after the decoder: colours fixed, cropped, as bytes. About 17 ms at 1280×720, on whatever thread. Pure. */

import { fixColour } from './colour-fix.ts';
import { toRgba } from './picture.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Finish {
  /** [3, H, W] in −1…1 of the padded size; changed in place. */
  readonly decoded: Float32Array;
  /** The same of the source, whose colours it gets; null: its own are kept. */
  readonly source: Float32Array | null;
  readonly padded: Size;
  /** Of the picture without its padding. */
  readonly worked: Size;
}

/** RGBA of the worked size. */
export function finished({ decoded, source, padded, worked }: Finish): Uint8ClampedArray<ArrayBuffer> {
  if (source) fixColour(decoded, source, padded.width, padded.height);
  return toRgba(decoded, padded.width, padded.height, worked.width, worked.height);
}
