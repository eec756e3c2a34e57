/**
 * Pictures as RGBA bytes, row-major, 4 bytes a pixel: turn, flip, crop, stretch.
 *
 * Pure; each makes one new picture of its output's size, at about 1 ns a byte.
 */

import type { PictureGeometry } from './demuxed.ts';

export interface RgbaPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

type Orientation = Pick<PictureGeometry, 'mirrored' | 'rotationDegrees'>;

/** Flips left to right first if `mirrored`, then turns clockwise. Returns the picture itself where there is nothing to do. */
export function orient(picture: RgbaPicture, { mirrored, rotationDegrees }: Orientation): RgbaPicture {
  if (!mirrored && rotationDegrees === 0) return picture;
  const { width, height } = picture;
  const sideways = rotationDegrees % 180 !== 0;
  const outWidth = sideways ? height : width;
  const outHeight = sideways ? width : height;
  // Source index of output pixel (x, y): origin + x·stepX + y·stepY.
  const [originX, originY, xToX, xToY, yToX, yToY] = {
    0: [0, 0, 1, 0, 0, 1],
    90: [0, height - 1, 0, -1, 1, 0],
    180: [width - 1, height - 1, -1, 0, 0, -1],
    270: [width - 1, 0, 0, 1, -1, 0],
  }[rotationDegrees] as [number, number, number, number, number, number];
  const mirror = mirrored ? -1 : 1;
  const origin = (mirrored ? width - 1 - originX : originX) + originY * width;
  const stepX = mirror * xToX + xToY * width;
  const stepY = mirror * yToX + yToY * width;

  const source = new Uint32Array(picture.rgba.buffer, picture.rgba.byteOffset, width * height);
  const out = new Uint32Array(outWidth * outHeight);
  for (let y = 0, at = 0; y < outHeight; y++) {
    let from = origin + y * stepY;
    for (let x = 0; x < outWidth; x++, at++, from += stepX) out[at] = source[from]!;
  }
  return { width: outWidth, height: outHeight, rgba: new Uint8ClampedArray(out.buffer) };
}

/** The part of a picture at (x, y); it must lie inside. */
export function crop(picture: RgbaPicture, x: number, y: number, width: number, height: number): RgbaPicture {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * 4;
    rgba.set(picture.rgba.subarray(from, from + width * 4), row * width * 4);
  }
  return { width, height, rgba };
}

/** Resamples to another size with a triangle filter, widened when it shrinks: for pixels that are not square. */
export function stretch(picture: RgbaPicture, width: number, height: number): RgbaPicture {
  if (width === picture.width && height === picture.height) return picture;
  const horizontal = triangleTaps(picture.width, width);
  const vertical = triangleTaps(picture.height, height);
  const rows = new Float32Array(width * picture.height * 4);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = horizontal[x]!;
      const to = (y * width + x) * 4;
      for (let k = 0; k < weights.length; k++) {
        const from = (y * picture.width + first + k) * 4;
        for (let c = 0; c < 4; c++) rows[to + c]! += weights[k]! * picture.rgba[from + c]!;
      }
    }
  }
  const rgba = new Uint8ClampedArray(width * height * 4);
  const line = new Float32Array(width * 4);
  for (let y = 0; y < height; y++) {
    const { first, weights } = vertical[y]!;
    line.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const from = (first + k) * width * 4;
      for (let i = 0; i < line.length; i++) line[i]! += weights[k]! * rows[from + i]!;
    }
    rgba.set(line, y * width * 4);
  }
  return { width, height, rgba };
}

interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function triangleTaps(from: number, to: number): Taps[] {
  const step = from / to;
  const radius = Math.max(1, step);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * step - 0.5;
    const first = Math.max(0, Math.ceil(centre - radius));
    const last = Math.min(from - 1, Math.floor(centre + radius));
    const weights: number[] = [];
    for (let k = first; k <= last; k++) weights.push(Math.max(0, 1 - Math.abs(k - centre) / radius));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
