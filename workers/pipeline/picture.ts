/** Pictures for the screen: shrunk by whole factors, by averaging, so that events stay small whatever the output's size. */

import type { Picture } from '../protocol.ts';

export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray | Uint8Array;
}

/** A copy no wider than `maxWidth`, averaged over whole blocks of pixels; a plain copy where it is narrow enough. */
export function shrunk(image: RgbaImage, maxWidth: number): Picture {
  const block = Math.max(1, Math.ceil(image.width / maxWidth));
  const width = Math.max(1, Math.floor(image.width / block));
  const height = Math.max(1, Math.floor(image.height / block));
  const rgba = new Uint8ClampedArray(width * height * 4);
  if (block === 1) {
    rgba.set(image.rgba.subarray(0, rgba.length));
    return { width, height, rgba };
  }
  const stride = image.width * 4;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let dy = 0; dy < block; dy += 1) {
        let at = (y * block + dy) * stride + x * block * 4;
        for (let dx = 0; dx < block; dx += 1, at += 4) {
          red += image.rgba[at]!;
          green += image.rgba[at + 1]!;
          blue += image.rgba[at + 2]!;
        }
      }
      const to = (y * width + x) * 4;
      const count = block * block;
      rgba[to] = red / count;
      rgba[to + 1] = green / count;
      rgba[to + 2] = blue / count;
      rgba[to + 3] = 255;
    }
  }
  return { width, height, rgba };
}
