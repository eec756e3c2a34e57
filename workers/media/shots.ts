/**
 * Finds cuts, a frame at a time: where one picture follows another that it doesn't continue.
 *
 * Pure; about 1 ms a frame at worst, memory of nine thumbnails whatever the clip's length, and a delay of four frames. A cut is a
 * change that movement can't explain, far above the changes around it, after which the old picture doesn't come back: fast
 * movement, flashes up to three frames long, fades and dissolves are none. What it can't see: a cut to nearly the same picture
 * (a jump cut of a talking head), shots shorter than four frames between two that look alike. Figures: docs/media.md.
 */

import { CELLS, type Thumbnail } from './thumbnail.ts';

/** Below this a change is none, whatever its surroundings. */
const LEAST_CHANGE = 0.55;
/** How far a cut stands out of the changes around it. */
const PROMINENCE = 2.2;
/** Frames looked at on either side. */
const REACH = 4;
/** Where the old picture is back within reach, to less than this part of the change, it was a flash. */
const RETURN = 0.5;

export class ShotDetector {
  /** The last frames, up to 2·REACH + 1, and the change that led to each. */
  readonly #frames: Thumbnail[] = [];
  readonly #changes: number[] = [];
  #count = 0;

  /** The first frame of a new shot, once it is sure, up to four frames late; null mostly. */
  add(frame: Thumbnail): number | null {
    const previous = this.#frames.at(-1);
    this.#frames.push(frame);
    this.#changes.push(previous ? change(previous, frame) : 0);
    this.#count++;
    if (this.#frames.length > 2 * REACH + 1) {
      this.#frames.shift();
      this.#changes.shift();
    }
    // The frame that has REACH - 1 frames after it.
    return this.#decide(this.#frames.length - REACH);
  }

  /** The cuts among the last frames. The detector has seen its last frame then. */
  finish(): number[] {
    const cuts: number[] = [];
    for (let i = Math.max(1, this.#frames.length - REACH + 1); i < this.#frames.length; i++) {
      const cut = this.#decide(i);
      if (cut !== null) cuts.push(cut);
    }
    return cuts;
  }

  #decide(at: number): number | null {
    if (at < 1) return null;
    const size = this.#changes[at]!;
    if (size < LEAST_CHANGE || size < PROMINENCE * this.#surroundings(at)) return null;
    if (changeButForExposure(this.#frames[at - 1]!, this.#frames[at]!) < LEAST_CHANGE) return null;
    for (let before = Math.max(0, at - REACH); before < at; before++) {
      for (let after = at; after < Math.min(this.#frames.length, at + REACH); after++) {
        if (after - before === 1) continue;
        if (change(this.#frames[before]!, this.#frames[after]!) < RETURN * size) return null;
      }
    }
    return this.#count - this.#frames.length + at;
  }

  /** The second largest of the other changes within reach: the largest may be another cut. */
  #surroundings(at: number): number {
    const from = Math.max(1, at - REACH);
    const others = this.#changes.slice(from, at + REACH + 1);
    others.splice(at - from, 1);
    return others.sort((a, b) => b - a)[1] ?? 0;
  }
}

/** Blocks of 8 × 8 cells, looked for up to 5 cells (a sixth of the picture) away. */
const BLOCK = 8;
const SEARCH = 5;
/** Movement has its price, so that flat blocks stay where they are. */
const STEP_COST = 0.05;
/** Contrast, of 255, below which differences count less. */
const CONTRAST_FLOOR = 4;
/** A mean shift in colour, of 255 in all channels together, that counts as one. */
const COLOUR_UNIT = 40;

/** Exposure steps that a camera may take between two frames; a picture after black is a new one. */
const MOST_GAIN = 2;

/** The change that is left once the exposures are made the same. */
function changeButForExposure(before: Thumbnail, after: Thumbnail): number {
  const gain = mean(after.luma) / Math.max(1, mean(before.luma));
  if (gain > MOST_GAIN || gain < 1 / MOST_GAIN) return change(before, after);
  // The brighter is darkened: no level is clipped then.
  return gain > 1 ? change(before, exposed(after, 1 / gain)) : change(exposed(before, gain), after);
}

function exposed({ luma, cb, cr }: Thumbnail, gain: number): Thumbnail {
  return {
    luma: luma.map((level) => level * gain + 0.5),
    cb: cb.map((level) => 128.5 + (level - 128) * gain),
    cr: cr.map((level) => 128.5 + (level - 128) * gain),
  };
}

function mean(plane: Uint8Array): number {
  return plane.reduce((sum, level) => sum + level, 0) / plane.length;
}

/**
 * How little of `after` can be explained by `before`: 0 for the same picture, 0.05–0.4 for ordinary movement, over 1 for unrelated
 * pictures. Blocks of the second are looked for in the first, brightness aside; what is left is measured against their
 * contrast. To that the shift in mean colour is added.
 */
export function change(before: Thumbnail, after: Thumbnail): number {
  const beforeMeans = blockMeans(before.luma);
  let residual = 0;
  let contrast = 0;
  let colour = 0;
  for (let y = 0; y < CELLS; y += BLOCK) {
    for (let x = 0; x < CELLS; x += BLOCK) {
      const at = y * CELLS + x;
      const level = blockMean(after.luma, at);
      const levelBefore = beforeMeans[at]!;
      residual += bestMatch(before, beforeMeans, after, level, x, y);
      contrast +=
        (blockContrast(before.luma, at, levelBefore) + blockContrast(after.luma, at, level)) / 2 + CONTRAST_FLOOR;
      colour +=
        Math.abs(level - levelBefore) +
        Math.abs(blockMean(after.cb, at) - blockMean(before.cb, at)) +
        Math.abs(blockMean(after.cr, at) - blockMean(before.cr, at));
    }
  }
  return residual / contrast + colour / ((CELLS / BLOCK) ** 2 * COLOUR_UNIT);
}

/** The least mean absolute difference of the block at (x, y) to one near it. */
function bestMatch(
  before: Thumbnail,
  beforeMeans: Float32Array,
  after: Thumbnail,
  level: number,
  x: number,
  y: number,
): number {
  const at = y * CELLS + x;
  let best = Number.POSITIVE_INFINITY;
  for (const [dx, dy] of SPIRAL) {
    if (x + dx < 0 || y + dy < 0 || x + dx + BLOCK > CELLS || y + dy + BLOCK > CELLS) continue;
    const price = STEP_COST * (Math.abs(dx) + Math.abs(dy));
    // The spiral only gets dearer.
    if (price >= best) break;
    const from = at + dy * CELLS + dx;
    const most = (best - price) * BLOCK * BLOCK;
    const offset = level - beforeMeans[from]!;
    let sum = 0;
    for (let row = 0; row < BLOCK && sum < most; row++) {
      for (let a = at + row * CELLS, b = from + row * CELLS, end = a + BLOCK; a < end; a++, b++) {
        const chroma = Math.abs(after.cb[a]! - before.cb[b]!) + Math.abs(after.cr[a]! - before.cr[b]!);
        sum += Math.abs(after.luma[a]! - before.luma[b]! - offset) + chroma / 2;
      }
    }
    if (sum < most) best = sum / (BLOCK * BLOCK) + price;
  }
  return best;
}

/** Steps away from a block's place, nearest first. */
const SPIRAL = Array.from({ length: (2 * SEARCH + 1) ** 2 }, (_, i): readonly [number, number] => [
  (i % (2 * SEARCH + 1)) - SEARCH,
  Math.floor(i / (2 * SEARCH + 1)) - SEARCH,
]).sort(([ax, ay], [bx, by]) => Math.abs(ax) + Math.abs(ay) - Math.abs(bx) - Math.abs(by));

/** Mean of the block that begins at each cell where one fits. */
function blockMeans(plane: Uint8Array): Float32Array {
  const means = new Float32Array(CELLS * CELLS);
  const strips = new Uint16Array(CELLS * CELLS);
  for (let y = 0; y < CELLS; y++) {
    for (let x = 0; x + BLOCK <= CELLS; x++) {
      let sum = 0;
      for (let i = 0; i < BLOCK; i++) sum += plane[y * CELLS + x + i]!;
      strips[y * CELLS + x] = sum;
    }
  }
  for (let y = 0; y + BLOCK <= CELLS; y++) {
    for (let x = 0; x + BLOCK <= CELLS; x++) {
      let sum = 0;
      for (let i = 0; i < BLOCK; i++) sum += strips[(y + i) * CELLS + x]!;
      means[y * CELLS + x] = sum / (BLOCK * BLOCK);
    }
  }
  return means;
}

function blockMean(plane: Uint8Array, at: number): number {
  let sum = 0;
  for (let row = 0; row < BLOCK; row++) {
    for (let i = at + row * CELLS; i < at + row * CELLS + BLOCK; i++) sum += plane[i]!;
  }
  return sum / (BLOCK * BLOCK);
}

function blockContrast(plane: Uint8Array, at: number, mean: number): number {
  let sum = 0;
  for (let row = 0; row < BLOCK; row++) {
    for (let i = at + row * CELLS; i < at + row * CELLS + BLOCK; i++) sum += Math.abs(plane[i]! - mean);
  }
  return sum / (BLOCK * BLOCK);
}
