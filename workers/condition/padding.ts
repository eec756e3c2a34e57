/** Reflect padding to the size that the model works at: right and bottom, so that the picture's corner stays at 0, 0. */

/**
 * [planes, height, width] → [planes, paddedHeight, paddedWidth], mirrored about the last row and column (which are not
 * repeated), as often as it takes where the padding is larger than the picture.
 */
export function padReflect(
  source: Float32Array,
  planes: number,
  width: number,
  height: number,
  paddedWidth: number,
  paddedHeight: number,
  out: Float32Array = new Float32Array(planes * paddedWidth * paddedHeight),
): Float32Array {
  const columns = Int32Array.from({ length: paddedWidth - width }, (_, i) => reflect(width + i, width));
  for (let p = 0; p < planes; p++) {
    const to = p * paddedHeight * paddedWidth;
    for (let y = 0; y < height; y++) {
      const from = (p * height + y) * width;
      const row = to + y * paddedWidth;
      out.set(source.subarray(from, from + width), row);
      for (let i = 0; i < columns.length; i++) out[row + width + i] = source[from + columns[i]!]!;
    }
    for (let y = height; y < paddedHeight; y++) {
      const from = to + reflect(y, height) * paddedWidth;
      out.copyWithin(to + y * paddedWidth, from, from + paddedWidth);
    }
  }
  return out;
}

/** Index that position i ≥ 0 mirrors to in 0…size−1. */
export function reflect(i: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const j = i % period;
  return j < size ? j : period - j;
}
