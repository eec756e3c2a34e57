/**
 * The colour fix `wavelet`: a result's low frequencies are replaced by those of the upsampled source, so that colour and
 * exposure stay the clip's own and only detail is the model's.
 *
 * result + low(source − result): one low-pass, of the difference. The usual five à-trous levels of [1 2 1]/4 blur with a standard
 * deviation of 13 pixels; the same is had, 4 times faster, from means over 8×8 blocks, two levels on them, and linear
 * interpolation back (variances add up: 5.25 + 160 + 10.7 = 176 against 170.5). About 4 ns a value; measured in docs/diffusion.md.
 */

const BLOCK = 8;

/** Corrects `result` in place; both [3, height, width] of the same size. */
export function fixColour(result: Float32Array, source: Float32Array, width: number, height: number): void {
  const columns = Math.ceil(width / BLOCK);
  const rows = Math.ceil(height / BLOCK);
  const low = new Float32Array(columns * rows);
  const spare = new Float32Array(columns * rows);
  for (let p = 0; p < 3; p++) {
    const base = p * width * height;
    blockMeans(result, source, base, width, height, columns, rows, low);
    for (const reach of [1, 2]) {
      smoothRows(low, spare, columns, rows, reach);
      smoothColumns(spare, low, columns, rows, reach);
    }
    addInterpolated(result, base, width, height, low, columns, rows);
  }
}

/** Means of source − result over blocks; those at the right and bottom edge may be smaller. */
function blockMeans(
  result: Float32Array,
  source: Float32Array,
  base: number,
  width: number,
  height: number,
  columns: number,
  rows: number,
  out: Float32Array,
): void {
  out.fill(0);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / BLOCK) * columns;
    let at = base + y * width;
    for (let column = 0; column < columns; column++) {
      const end = Math.min(base + y * width + (column + 1) * BLOCK, base + (y + 1) * width);
      let sum = 0;
      for (; at < end; at++) sum += source[at]! - result[at]!;
      out[row + column] = out[row + column]! + sum;
    }
  }
  for (let row = 0; row < rows; row++) {
    const blockHeight = Math.min(BLOCK, height - row * BLOCK);
    for (let column = 0; column < columns; column++) {
      const pixels = blockHeight * Math.min(BLOCK, width - column * BLOCK);
      out[row * columns + column] = out[row * columns + column]! / pixels;
    }
  }
}

/** [1 2 1]/4 at distance `reach` along rows, edges repeated. */
function smoothRows(from: Float32Array, to: Float32Array, columns: number, rows: number, reach: number): void {
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let x = 0; x < columns; x++) {
      const before = from[start + Math.max(0, x - reach)]!;
      const after = from[start + Math.min(columns - 1, x + reach)]!;
      to[start + x] = 0.5 * from[start + x]! + 0.25 * (before + after);
    }
  }
}

function smoothColumns(from: Float32Array, to: Float32Array, columns: number, rows: number, reach: number): void {
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const before = Math.max(0, row - reach) * columns;
    const after = Math.min(rows - 1, row + reach) * columns;
    for (let x = 0; x < columns; x++) {
      to[start + x] = 0.5 * from[start + x]! + 0.25 * (from[before + x]! + from[after + x]!);
    }
  }
}

/** Adds the block grid, interpolated linearly between block centres, to a plane. */
function addInterpolated(
  result: Float32Array,
  base: number,
  width: number,
  height: number,
  low: Float32Array,
  columns: number,
  rows: number,
): void {
  const line = new Float32Array(columns);
  for (let y = 0; y < height; y++) {
    const position = Math.min(rows - 1, Math.max(0, (y + 0.5) / BLOCK - 0.5));
    const above = Math.floor(position);
    const below = Math.min(rows - 1, above + 1);
    const w = position - above;
    for (let c = 0; c < columns; c++) {
      line[c] = (1 - w) * low[above * columns + c]! + w * low[below * columns + c]!;
    }
    let at = base + y * width;
    for (let x = 0; x < width; x++, at++) {
      const across = Math.max(0, (x + 0.5) / BLOCK - 0.5);
      const left = Math.min(columns - 1, across | 0);
      const right = left + 1 < columns ? left + 1 : left;
      const a = line[left]!;
      result[at] = result[at]! + a + (across - left) * (line[right]! - a);
    }
  }
}
