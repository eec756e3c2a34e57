/** Pictures and fields of vectors between their pixels: bilinear, edges held. Some 10 ns a value; keeps nothing; runs anywhere. */

/** One brightness a pixel, 0…255, row-major. */
export interface Luma {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The value at (x, y) of a picture, its edges held. */
export function bilinear({ width, height, data }: Luma, x: number, y: number): number {
  const u = Math.min(Math.max(x, 0), width - 1);
  const v = Math.min(Math.max(y, 0), height - 1);
  // Whole numbers as such: an index made of doubles costs more than the fetch.
  const x0 = u | 0;
  const y0 = v | 0;
  const at = y0 * width + x0;
  const right = x0 + 1 < width ? 1 : 0;
  const down = y0 + 1 < height ? width : 0;
  const top = data[at]! + (data[at + right]! - data[at]!) * (u - x0);
  const bottom = data[at + down]! + (data[at + down + right]! - data[at + down]!) * (u - x0);
  return top + (bottom - top) * (v - y0);
}

/** What `bilinearPair` found: an array of its own for every pixel would cost more than the fetch. */
export const pair = new Float32Array(2);

/** The vector at (x, y) of a field of pairs, its edges held, into `pair`. */
export function bilinearPair(data: Float32Array, width: number, height: number, x: number, y: number): void {
  const u = Math.min(Math.max(x, 0), width - 1);
  const v = Math.min(Math.max(y, 0), height - 1);
  const x0 = u | 0;
  const y0 = v | 0;
  const fx = u - x0;
  const fy = v - y0;
  const at = 2 * (y0 * width + x0);
  const right = at + (x0 + 1 < width ? 2 : 0);
  const below = at + (y0 + 1 < height ? 2 * width : 0);
  const across = below + right - at;
  let top = data[at]! + (data[right]! - data[at]!) * fx;
  let bottom = data[below]! + (data[across]! - data[below]!) * fx;
  pair[0] = top + (bottom - top) * fy;
  top = data[at + 1]! + (data[right + 1]! - data[at + 1]!) * fx;
  bottom = data[below + 1]! + (data[across + 1]! - data[below + 1]!) * fx;
  pair[1] = top + (bottom - top) * fy;
}
