/**
 * Dense optical flow between two pictures by inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
 * 2016), without its variational refinement: small overlapping patches slide to where they match, coarse to fine, and every
 * pixel takes the mean of its patches' answers, the better matches counting more.
 *
 * The trainer uses OpenCV's implementation of the same (`training/motion.py`). About 0.1 s for 320×256 on one core of a laptop,
 * in proportion to the pixels; holds both pyramids, under 20 bytes a pixel. Finds motion of up to about a quarter of the picture;
 * what is covered in one of the two gets a guess. Runs anywhere.
 */

import { bilinear, bilinearPair, type Luma, pair } from './sampling.ts';

const PATCH = 8;
const HALF_PATCH = PATCH / 2;
const STRIDE = 4;
const DESCENTS = 16;
/** A level's picture is continued so far beyond its edges: patches may lie half outside. */
const MARGIN = 16;
/** The full resolution is left out: half of it finds the same motion at a quarter of the cost (docs/nano.md). */
const FINEST_LEVEL = 1;
/** Below this the answer of a patch without texture would be noise. */
const LEAST_DETERMINANT = 0.1;

/**
 * Where each pixel of `from` lies in `to`, relative to its own place: [2 · height · width], x and y of each pixel in turn, in pixels.
 *
 * Pictures smaller than a patch stand still. @throws RangeError when the sizes differ.
 */
export function opticalFlow(from: Luma, to: Luma): Float32Array {
  if (from.width !== to.width || from.height !== to.height) throw new RangeError('pictures of different sizes');
  if (Math.min(from.width, from.height) < PATCH) return new Float32Array(2 * from.data.length);
  const levels = levelCount(from.width, from.height);
  const finest = Math.min(FINEST_LEVEL, levels - 1);
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
    this.#x = x;
    this.#y = y;
    this.#error = Number.POSITIVE_INFINITY;
    let [xx, xy, yy, sumX, sumY] = [0, 0, 0, 0, 0];
    for (let j = 0, i = 0; j < PATCH; j += 1) {
      const row = (y + j) * width;
      const above = Math.max(y + j - 1, 0) * width;
      const below = Math.min(y + j + 1, height - 1) * width;
      for (let k = 0; k < PATCH; k += 1, i += 1) {
        const column = x + k;
        this.#template[i] = data[row + column]!;
        const gx = (data[row + Math.min(column + 1, width - 1)]! - data[row + Math.max(column - 1, 0)]!) / 2;
        const gy = (data[below + column]! - data[above + column]!) / 2;
        this.#gradientX[i] = gx;
        this.#gradientY[i] = gy;
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
    const determinant = this.#xx * this.#yy - this.#xy * this.#xy;
    if (determinant < LEAST_DETERMINANT) return;
    const [startU, startV, startError] = [this.u, this.v, this.#error];
    let { u, v } = this;
    let best = this.#compare(u, v);
    for (let step = 0; step < DESCENTS; step += 1) {
      let [bx, by] = [0, 0];
      for (let i = 0; i < PATCH * PATCH; i += 1) {
        const d = this.#difference[i]!;
        bx += this.#gradientX[i]! * d;
        by += this.#gradientY[i]! * d;
      }
      u -= (this.#yy * bx - this.#xy * by) / determinant;
      v -= (this.#xx * by - this.#xy * bx) / determinant;
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

  /** Fills the difference of the target, moved back by (u, v), from the template, its mean taken out; gives its sum of squares. */
  #compare(u: number, v: number): number {
    const { width, height, data } = this.#target;
    const left = Math.min(Math.max(this.#x + MARGIN + u, 0), width - PATCH - 1.001);
    const top = Math.min(Math.max(this.#y + MARGIN + v, 0), height - PATCH - 1.001);
    const [x0, y0] = [Math.floor(left), Math.floor(top)];
    const [fx, fy] = [left - x0, top - y0];
    const a = (1 - fx) * (1 - fy);
    const b = fx * (1 - fy);
    const c = (1 - fx) * fy;
    const d = fx * fy;
    let sum = 0;
    let squares = 0;
    for (let j = 0, i = 0; j < PATCH; j += 1) {
      let at = (y0 + j) * width + x0;
      for (let k = 0; k < PATCH; k += 1, i += 1, at += 1) {
        const value = a * data[at]! + b * data[at + 1]! + c * data[at + width]! + d * data[at + width + 1]!;
        const difference = value - this.#template[i]!;
        this.#difference[i] = difference;
        sum += difference;
        squares += difference * difference;
      }
    }
    const mean = sum / (PATCH * PATCH);
    for (let i = 0; i < PATCH * PATCH; i += 1) this.#difference[i] = this.#difference[i]! - mean;
    return squares - sum * mean;
  }
}

/** Every pixel's mean over the patches that hold it, weighted by 1/max(1, |difference there|). */
function spread(from: Luma, target: Luma, found: Float32Array, columns: number, rows: number): Float32Array {
  const { width, height, data } = from;
  const out = new Float32Array(2 * width * height);
  for (let y = 0; y < height; y += 1) {
    const firstRow = Math.min(Math.max(0, Math.ceil((y - PATCH + 1) / STRIDE)), rows - 1);
    const lastRow = Math.max(firstRow, Math.min(rows - 1, Math.floor(y / STRIDE)));
    for (let x = 0; x < width; x += 1) {
      const firstColumn = Math.min(Math.max(0, Math.ceil((x - PATCH + 1) / STRIDE)), columns - 1);
      const lastColumn = Math.max(firstColumn, Math.min(columns - 1, Math.floor(x / STRIDE)));
      let [sumU, sumV, total] = [0, 0, 0];
      for (let row = firstRow; row <= lastRow; row += 1) {
        for (let column = firstColumn; column <= lastColumn; column += 1) {
          const at = 2 * (row * columns + column);
          const [u, v] = [found[at]!, found[at + 1]!];
          const difference = Math.abs(bilinear(target, x + MARGIN + u, y + MARGIN + v) - data[y * width + x]!);
          const weight = 1 / Math.max(1, difference);
          sumU += weight * u;
          sumV += weight * v;
          total += weight;
        }
      }
      out[2 * (y * width + x)] = sumU / total;
      out[2 * (y * width + x) + 1] = sumV / total;
    }
  }
  return out;
}
