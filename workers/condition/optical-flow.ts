/**
 * Dense optical flow between two pictures by inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
 * 2016), without its variational refinement: small overlapping patches slide to where they match, coarse to fine, and every
 * pixel takes the mean of its patches' answers, the better matches counting more.
 *
 * The trainer uses OpenCV's implementation of the same (`training/motion.py`). About 20 ms for 320×256 on one core,
 * in proportion to the pixels; holds both pyramids and sums, under 45 bytes a pixel. Finds motion of up to about a quarter of the picture;
 * what is covered in one of the two gets a guess. Runs anywhere.
 */

import { bilinear, bilinearPair, type Luma, pair } from './sampling.ts';

const PATCH = 8;
const HALF_PATCH = PATCH / 2;
const STRIDE = 4;
const DESCENTS = 16;
/** A level's picture is continued so far beyond its edges: patches may lie half outside. */
const MARGIN = 16;
/** Halvings. The full resolution is left out: half of it finds the same motion at a quarter of the cost (docs/nano.md). */
const FINEST_LEVEL = 1;
/** Below this the answer of a patch without texture would be noise. */
const LEAST_DETERMINANT = 0.1;

/**
 * Where each pixel of `from` lies in `to`, relative to its own place: [2 · height · width], x and y of each pixel in turn, in pixels.
 *
 * Pictures smaller than a patch stand still.
 * @param finestLevel halvings of the pictures that the search ends at.
 * @throws RangeError when the sizes differ.
 */
export function opticalFlow(from: Luma, to: Luma, finestLevel = FINEST_LEVEL): Float32Array {
  if (from.width !== to.width || from.height !== to.height) throw new RangeError('pictures of different sizes');
  if (Math.min(from.width, from.height) < PATCH) return new Float32Array(2 * from.data.length);
  const levels = levelCount(from.width, from.height);
  const finest = Math.min(finestLevel, levels - 1);
  const [before, after] = [pyramid(from, levels), pyramid(to, levels)];
  let flow: Float32Array | null = null;
  let last: Luma | null = null;
  for (let level = levels - 1; level >= finest; level -= 1) {
    const picture = before[level]!;
    const start: Float32Array =
      flow && last ? resizedFlow(flow, last, picture) : new Float32Array(2 * picture.data.length);
    flow = searched(picture, after[level]!, start);
    last = picture;
  }
  return resizedFlow(flow!, last!, from);
}

/** Halvings until the largest motion to be found, a quarter of the width, is within a patch; the smallest still holds a patch. */
function levelCount(width: number, height: number): number {
  const reach = Math.floor(Math.log2(Math.max(width, height) / (4 * PATCH)) + 0.5);
  const room = Math.floor(Math.log2(Math.min(width, height) / PATCH));
  return Math.max(0, Math.min(reach, room)) + 1;
}

function pyramid(picture: Luma, levels: number): Luma[] {
  const out = [picture];
  while (out.length < levels) out.push(halved(out[out.length - 1]!));
  return out;
}

/** Means of 2×2; an odd last row or column is left out. */
export function halved({ width, height, data }: Luma): Luma {
  const [halfWidth, halfHeight] = [width >> 1, height >> 1];
  const out = new Float32Array(halfWidth * halfHeight);
  for (let y = 0; y < halfHeight; y += 1) {
    for (let x = 0; x < halfWidth; x += 1) {
      const at = 2 * y * width + 2 * x;
      out[y * halfWidth + x] = (data[at]! + data[at + 1]! + data[at + width]! + data[at + width + 1]!) / 4;
    }
  }
  return { width: halfWidth, height: halfHeight, data: out };
}

/** A flow for another size of the same picture: fetched bilinearly, its vectors scaled along. */
function resizedFlow(flow: Float32Array, from: Luma, to: Luma): Float32Array {
  if (from.width === to.width && from.height === to.height) return flow;
  const [scaleX, scaleY] = [to.width / from.width, to.height / from.height];
  const out = new Float32Array(2 * to.width * to.height);
  for (let y = 0; y < to.height; y += 1) {
    for (let x = 0; x < to.width; x += 1) {
      bilinearPair(flow, from.width, from.height, (x + 0.5) / scaleX - 0.5, (y + 0.5) / scaleY - 0.5);
      out[2 * (y * to.width + x)] = pair[0]! * scaleX;
      out[2 * (y * to.width + x) + 1] = pair[1]! * scaleY;
    }
  }
  return out;
}

/** One level: patches searched from where `start` puts them, and their answers spread over the pixels. */
function searched(from: Luma, to: Luma, start: Float32Array): Float32Array {
  const { width, height } = from;
  const target = extended(to);
  const search = new PatchSearch(from, target);
  const columns = 1 + Math.floor((width - PATCH) / STRIDE);
  const rows = 1 + Math.floor((height - PATCH) / STRIDE);
  const found = new Float32Array(2 * columns * rows);
  // Forth, with what the neighbours left and above found as further places to begin; then back, with those right and below.
  for (const back of [false, true]) {
    for (let step = 0; step < columns * rows; step += 1) {
      const at = back ? columns * rows - 1 - step : step;
      const [column, row] = [at % columns, Math.floor(at / columns)];
      const centre = 2 * ((row * STRIDE + HALF_PATCH) * width + column * STRIDE + HALF_PATCH);
      search.take(column * STRIDE, row * STRIDE);
      if (back) search.propose(found[2 * at]!, found[2 * at + 1]!);
      else search.propose(start[centre]!, start[centre + 1]!);
      const beside = back ? at + 1 : at - 1;
      const across = back ? at + columns : at - columns;
      if (back ? column + 1 < columns : column > 0) search.propose(found[2 * beside]!, found[2 * beside + 1]!);
      if (back ? row + 1 < rows : row > 0) search.propose(found[2 * across]!, found[2 * across + 1]!);
      search.descend();
      found[2 * at] = search.u;
      found[2 * at + 1] = search.v;
    }
  }
  return spread(from, target, found, columns, rows);
}

/** A picture with its edges continued by `MARGIN` on all sides. */
function extended({ width, height, data }: Luma): Luma {
  const outWidth = width + 2 * MARGIN;
  const outHeight = height + 2 * MARGIN;
  const out = new Float32Array(outWidth * outHeight);
  for (let y = 0; y < outHeight; y += 1) {
    const row = Math.min(Math.max(y - MARGIN, 0), height - 1) * width;
    for (let x = 0; x < outWidth; x += 1) {
      out[y * outWidth + x] = data[row + Math.min(Math.max(x - MARGIN, 0), width - 1)]!;
    }
  }
  return { width: outWidth, height: outHeight, data: out };
}

/** Finds one patch at a time. Means are taken out, so that a change of brightness is no motion. */
class PatchSearch {
  u = 0;
  v = 0;
  readonly #from: Luma;
  readonly #target: Luma;
  readonly #template = new Float32Array(PATCH * PATCH);
  readonly #gradientX = new Float32Array(PATCH * PATCH);
  readonly #gradientY = new Float32Array(PATCH * PATCH);
  readonly #difference = new Float32Array(PATCH * PATCH);
  #x = 0;
  #y = 0;
  #error = 0;
  /** Where `#difference` is from, and its mean. */
  #comparedU = Number.NaN;
  #comparedV = Number.NaN;
  #mean = 0;
  #xx = 0;
  #xy = 0;
  #yy = 0;

  constructor(from: Luma, target: Luma) {
    this.#from = from;
    this.#target = target;
  }

  /** The patch whose first pixel is (x, y); forgets what was proposed. */
  take(x: number, y: number): void {
    const { width, height, data } = this.#from;
    const [template, gradientX, gradientY] = [this.#template, this.#gradientX, this.#gradientY];
    this.#x = x;
    this.#y = y;
    this.#error = Number.POSITIVE_INFINITY;
    let xx = 0;
    let xy = 0;
    let yy = 0;
    let sumX = 0;
    let sumY = 0;
    for (let j = 0, i = 0; j < PATCH; j += 1) {
      const row = (y + j) * width;
      const above = (y + j > 0 ? y + j - 1 : 0) * width;
      const below = (y + j + 1 < height ? y + j + 1 : height - 1) * width;
      for (let k = 0; k < PATCH; k += 1, i += 1) {
        const column = x + k;
        template[i] = data[row + column]!;
        const right = data[row + (column + 1 < width ? column + 1 : column)]!;
        const gx = (right - data[row + (column > 0 ? column - 1 : 0)]!) / 2;
        const gy = (data[below + column]! - data[above + column]!) / 2;
        gradientX[i] = gx;
        gradientY[i] = gy;
        xx += gx * gx;
        xy += gx * gy;
        yy += gy * gy;
        sumX += gx;
        sumY += gy;
      }
    }
    const count = PATCH * PATCH;
    this.#xx = xx - (sumX * sumX) / count;
    this.#xy = xy - (sumX * sumY) / count;
    this.#yy = yy - (sumY * sumY) / count;
  }

  /** Begins from (u, v) if the patch matches better there than at what was proposed before. */
  propose(u: number, v: number): void {
    if (this.#error !== Number.POSITIVE_INFINITY && u === this.u && v === this.v) return;
    const error = this.#compare(u, v);
    if (error >= this.#error) return;
    this.#error = error;
    this.u = u;
    this.v = v;
  }

  /** Gauss–Newton steps from the best proposal while they help; a patch that runs away stays where it began. */
  descend(): void {
    const [xx, xy, yy] = [this.#xx, this.#xy, this.#yy];
    const determinant = xx * yy - xy * xy;
    if (determinant < LEAST_DETERMINANT) return;
    const [startU, startV, startError] = [this.u, this.v, this.#error];
    const [difference, gradientX, gradientY] = [this.#difference, this.#gradientX, this.#gradientY];
    let { u, v } = this;
    // Where the last proposal was the best, its differences are there already.
    let best = u === this.#comparedU && v === this.#comparedV ? startError : this.#compare(u, v);
    for (let step = 0; step < DESCENTS; step += 1) {
      const mean = this.#mean;
      let bx = 0;
      let by = 0;
      for (let i = 0; i < PATCH * PATCH; i += 1) {
        const d = Math.fround(difference[i]! - mean);
        bx += gradientX[i]! * d;
        by += gradientY[i]! * d;
      }
      u -= (yy * bx - xy * by) / determinant;
      v -= (xx * by - xy * bx) / determinant;
      const error = this.#compare(u, v);
      if (error >= best) break;
      best = error;
      this.u = u;
      this.v = v;
    }
    this.#error = best;
    if ((this.u - startU) ** 2 + (this.v - startV) ** 2 > PATCH * PATCH) {
      this.u = startU;
      this.v = startV;
      this.#error = startError;
    }
  }

  /** Fills the difference of the target, moved back by (u, v), from the template, and its mean; gives its sum of squares about the mean. */
  #compare(u: number, v: number): number {
    const { width, height, data } = this.#target;
    const [template, difference] = [this.#template, this.#difference];
    this.#comparedU = u;
    this.#comparedV = v;
    const left = Math.min(Math.max(this.#x + MARGIN + u, 0), width - PATCH - 1.001);
    const top = Math.min(Math.max(this.#y + MARGIN + v, 0), height - PATCH - 1.001);
    const x0 = left | 0;
    const y0 = top | 0;
    const fx = left - x0;
    const fy = top - y0;
    const a = (1 - fx) * (1 - fy);
    const b = fx * (1 - fy);
    const c = (1 - fx) * fy;
    const d = fx * fy;
    let sum = 0;
    let squares = 0;
    for (let j = 0, i = 0; j < PATCH; j += 1) {
      let at = (y0 + j) * width + x0;
      let above = data[at]!;
      let below = data[at + width]!;
      for (let k = 0; k < PATCH; k += 1, i += 1) {
        at += 1;
        const aboveRight = data[at]!;
        const belowRight = data[at + width]!;
        const value = a * above + b * aboveRight + c * below + d * belowRight;
        above = aboveRight;
        below = belowRight;
        const apart = value - template[i]!;
        difference[i] = apart;
        sum += apart;
        squares += apart * apart;
      }
    }
    const mean = sum / (PATCH * PATCH);
    this.#mean = mean;
    return squares - sum * mean;
  }
}

/** Every pixel's mean over the patches that hold it, weighted by 1/max(1, |difference there|); pixels beyond the last patches are theirs. */
function spread(from: Luma, target: Luma, found: Float32Array, columns: number, rows: number): Float32Array {
  const { width, height, data } = from;
  const sums = new Float64Array(3 * width * height);
  for (let row = 0; row < rows; row += 1) {
    const endY = row === rows - 1 ? height : row * STRIDE + PATCH;
    for (let column = 0; column < columns; column += 1) {
      const u = found[2 * (row * columns + column)]!;
      const v = found[2 * (row * columns + column) + 1]!;
      const endX = column === columns - 1 ? width : column * STRIDE + PATCH;
      for (let y = row * STRIDE; y < endY; y += 1) {
        for (let x = column * STRIDE; x < endX; x += 1) {
          const at = y * width + x;
          const difference = Math.abs(bilinear(target, x + MARGIN + u, y + MARGIN + v) - data[at]!);
          const weight = difference > 1 ? 1 / difference : 1;
          sums[3 * at] = sums[3 * at]! + weight * u;
          sums[3 * at + 1] = sums[3 * at + 1]! + weight * v;
          sums[3 * at + 2] = sums[3 * at + 2]! + weight;
        }
      }
    }
  }
  const out = new Float32Array(2 * width * height);
  for (let i = 0, j = 0; i < out.length; i += 2, j += 3) {
    out[i] = sums[j]! / sums[j + 2]!;
    out[i + 1] = sums[j + 1]! / sums[j + 2]!;
  }
  return out;
}
