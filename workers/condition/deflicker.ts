/**
 * Takes flicker of brightness and colour out of a clip before anything is made of it: what video generators and lamps leave behind.
 *
 * Between neighbouring frames, along the motion, what is left of a difference is a change of light; kept coarse (blocks of 4 pixels of a picture
 * of at most {@link LONGEST_SIDE}, smoothed), since flicker is. A frame is moved to the mean of itself and its up to four neighbours of the same shot, as far as
 * their light is known: a steady change (a fade) stays as it is, a sudden large one (a flash) too, since differences over {@link MOST_CHANGE} don't count.
 * Costs a flow a frame (3 ms at 320×180 and above on one core) and a pass over its pixels. Runs anywhere; `training/deflicker.py` does the same on
 * pictures of twice the size, whose flow, too, is searched for at half of it: the same but for 0.03 grey levels (docs/performance.md).
 */

import { opticalFlow } from './optical-flow.ts';
import type { Luma } from './sampling.ts';

/** Neighbours to either side that a frame is averaged with. */
export const DEFLICKER_REACH = 2;
const LONGEST_SIDE = 192;
const BLOCK = 4;
/** Grey levels: what differs by more is another thing, not another light. */
const MOST_CHANGE = 40;
/** Of a block's pixels, this many are assumed to be alike: with few to go by, nothing changes. */
const DOUBT = 0.3;
/** Blocks: the smoothing's deviation, and where it ends. */
const SMOOTHING = 1;
const SMOOTHING_REACH = 3;

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

/** By how many grey levels light changes from one frame to the next: [rows · columns · 3]. */
export interface LightChange {
  readonly columns: number;
  readonly rows: number;
  /** Blocks across the picture, the last one perhaps cut. */
  readonly spanX: number;
  readonly spanY: number;
  readonly data: Float32Array;
}

/** A frame as {@link lightChange} looks at it: red, green, blue and luma, small. */
export type SmallFrame = readonly [red: Luma, green: Luma, blue: Luma, luma: Luma];

export function smallFrame({ width, height, rgba }: Picture): SmallFrame {
  let shrink = 2;
  while (Math.max(width, height) / shrink > LONGEST_SIDE) shrink *= 2;
  const [smallWidth, smallHeight] = [Math.max(1, Math.floor(width / shrink)), Math.max(1, Math.floor(height / shrink))];
  const size = smallWidth * smallHeight;
  const planes = [0, 1, 2].map(() => new Float32Array(size)) as [Float32Array, Float32Array, Float32Array];
  const sums = new Float64Array(3);
  const area = shrink * shrink;
  for (let y = 0, i = 0; y < smallHeight; y += 1) {
    for (let x = 0; x < smallWidth; x += 1, i += 1) {
      sums.fill(0);
      for (let dy = 0; dy < shrink; dy += 1) {
        let at = 4 * ((y * shrink + dy) * width + x * shrink);
        for (let dx = 0; dx < shrink; dx += 1, at += 4) {
          for (let c = 0; c < 3; c += 1) sums[c]! += rgba[at + c]!;
        }
      }
      for (let c = 0; c < 3; c += 1) planes[c]![i] = sums[c]! / area;
    }
  }
  const [red, green, blue] = planes;
  const luma = red.map((r, i) => 0.299 * r + 0.587 * green[i]! + 0.114 * blue[i]!);
  const plane = (data: Float32Array): Luma => ({ width: smallWidth, height: smallHeight, data });
  return [plane(red), plane(green), plane(blue), plane(luma)];
}

/** From a frame to the next of the same shot, at the places of the first. @throws RangeError when the sizes differ. */
export function lightChange(before: SmallFrame, after: SmallFrame): LightChange {
  const { width, height } = before[3];
  const flow = opticalFlow(before[3], after[3], 0);
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const sums = new Float32Array(3 * columns * rows);
  const counts = new Float32Array(columns * rows);
  const [red, green, blue] = [0, 1, 2].map((c) => [before[c]!.data, after[c]!.data] as const) as [Pair, Pair, Pair];
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const [atX, atY] = [x + flow[2 * i]!, y + flow[2 * i + 1]!];
      if (atX < 0 || atY < 0 || atX > width - 1 || atY > height - 1) continue;
      const [x0, y0] = [atX | 0, atY | 0];
      const from = y0 * width + x0;
      const right = x0 + 1 < width ? 1 : 0;
      const down = y0 + 1 < height ? width : 0;
      const r = fetched(red[1], from, right, down, atX - x0, atY - y0) - red[0][i]!;
      const g = fetched(green[1], from, right, down, atX - x0, atY - y0) - green[0][i]!;
      const b = fetched(blue[1], from, right, down, atX - x0, atY - y0) - blue[0][i]!;
      if (Math.max(Math.abs(r), Math.abs(g), Math.abs(b)) >= MOST_CHANGE) continue;
      const block = ((y / BLOCK) | 0) * columns + ((x / BLOCK) | 0);
      counts[block]! += 1;
      sums[3 * block]! += r;
      sums[3 * block + 1]! += g;
      sums[3 * block + 2]! += b;
    }
  }
  const count = smoothed(counts, 1, columns, rows);
  const data = smoothed(sums, 3, columns, rows).map(
    (sum, i) => sum / (count[Math.floor(i / 3)]! + DOUBT * BLOCK * BLOCK),
  );
  return { columns, rows, spanX: width / BLOCK, spanY: height / BLOCK, data };
}

/** Of the frame before and of the one after. */
type Pair = readonly [Float32Array, Float32Array];

/** Bilinear, as `sampling.ts` has it, at a place worked out once for all colours. */
function fetched(data: Float32Array, at: number, right: number, down: number, fx: number, fy: number): number {
  const top = data[at]! + (data[at + right]! - data[at]!) * fx;
  const bottom = data[at + down]! + (data[at + down + right]! - data[at + down]!) * fx;
  return top + (bottom - top) * fy;
}

/** Gaussian, edges mirrored, [height · width · channels]. */
function smoothed(values: Float32Array, channels: number, width: number, height: number): Float32Array {
  const rowwise = smoothedAlong(values, channels, width, height, 1, width);
  return smoothedAlong(rowwise, channels, height, width, width, 1);
}

const TAPS = 2 * SMOOTHING_REACH + 1;
const KERNEL = Float64Array.from({ length: TAPS }, (_, i) =>
  Math.exp(-((i - SMOOTHING_REACH) ** 2) / (2 * SMOOTHING ** 2)),
);
const KERNEL_SUM = KERNEL.reduce((sum, value) => sum + value, 0);

/** Along lines of `size` values `step` apart, `lines` of them `lineStep` apart. */
function smoothedAlong(
  from: Float32Array,
  channels: number,
  size: number,
  lines: number,
  step: number,
  lineStep: number,
): Float32Array {
  const out = new Float32Array(from.length);
  const tap = new Int32Array(TAPS * size);
  for (let i = 0; i < tap.length; i += 1) {
    const at = Math.floor(i / TAPS) + (i % TAPS) - SMOOTHING_REACH;
    const turn = ((at % (2 * size)) + 2 * size) % (2 * size);
    tap[i] = channels * step * (turn < size ? turn : 2 * size - 1 - turn);
  }
  for (let line = 0; line < lines; line += 1) {
    const start = channels * line * lineStep;
    for (let at = 0; at < size; at += 1) {
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let k = 0; k < TAPS; k += 1) sum += KERNEL[k]! * from[start + tap[TAPS * at + k]! + c]!;
        out[start + channels * step * at + c] = sum / KERNEL_SUM;
      }
    }
  }
  return out;
}

/**
 * A frame's pixels in the mean light of its neighbourhood.
 *
 * @param before changes between the frames before it, the nearest last; at most {@link DEFLICKER_REACH}. The last leads to this frame.
 * @param after changes between it and those after it, the nearest first.
 */
export function inMeanLight(
  { width, height, rgba }: Picture,
  before: readonly LightChange[],
  after: readonly LightChange[],
): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(rgba);
  const any = before.at(-1) ?? after[0];
  if (!any) return out;
  const share = 1 / (before.length + after.length + 1);
  const correction = new Float32Array(any.data.length);
  // The change to a neighbour's neighbour passes the neighbour's: the nearest counts as often as there are frames beyond it.
  for (const [i, { data }] of after.entries()) add(correction, data, (after.length - i) * share);
  for (const [i, { data }] of before.entries()) add(correction, data, -(i + 1) * share);
  const { columns, rows, spanX, spanY } = any;
  const [stepX, stepY] = [spanX / width, spanY / height];
  const [left, offset] = [new Int32Array(width), new Float32Array(width)];
  for (let x = 0; x < width; x += 1) {
    const at = Math.min(Math.max((x + 0.5) * stepX - 0.5, 0), columns - 1);
    left[x] = Math.min(Math.floor(at), Math.max(0, columns - 2));
    offset[x] = at - left[x]!;
  }
  const line = new Float32Array(3 * columns);
  const next = columns > 1 ? 3 : 0;
  for (let y = 0, i = 0; y < height; y += 1) {
    const at = Math.min(Math.max((y + 0.5) * stepY - 0.5, 0), rows - 1);
    const row = Math.min(Math.floor(at), Math.max(0, rows - 2));
    const below = rows > 1 ? 3 * columns : 0;
    for (let k = 0; k < line.length; k += 1) {
      const top = correction[3 * columns * row + k]!;
      line[k] = top + (correction[3 * columns * row + below + k]! - top) * (at - row);
    }
    for (let x = 0; x < width; x += 1, i += 4) {
      const k = 3 * left[x]!;
      for (let c = 0; c < 3; c += 1) {
        const from = line[k + c]!;
        // The clamped array rounds.
        out[i + c] = rgba[i + c]! + from + (line[k + next + c]! - from) * offset[x]!;
      }
    }
  }
  return out;
}

function add(to: Float32Array, values: Float32Array, weight: number): void {
  for (let i = 0; i < to.length; i += 1) to[i]! += weight * values[i]!;
}

/** A frame by its number in the clip. */
interface NumberedPicture extends Picture {
  readonly index: number;
}

/** Frames in mean light one after the other: keeps the changes of the last few, so that each is found once. */
export class MeanLight {
  readonly #changes = new Map<number, LightChange>();
  #small: { readonly index: number; readonly frame: SmallFrame } | null = null;

  /** @param neighbourhood frames of one shot, one after the other, up to {@link DEFLICKER_REACH} to either side of the one at `at`. */
  of(neighbourhood: readonly NumberedPicture[], at: number): Uint8ClampedArray<ArrayBuffer> {
    const changes = neighbourhood.slice(1).map((to, i) => this.#change(neighbourhood[i]!, to));
    return inMeanLight(neighbourhood[at]!, changes.slice(0, at), changes.slice(at));
  }

  #change(from: NumberedPicture, to: NumberedPicture): LightChange {
    const known = this.#changes.get(from.index);
    if (known) return known;
    const before = this.#small?.index === from.index ? this.#small.frame : smallFrame(from);
    const after = smallFrame(to);
    this.#small = { index: to.index, frame: after };
    const change = lightChange(before, after);
    this.#changes.set(from.index, change);
    if (this.#changes.size > 2 * DEFLICKER_REACH) this.#changes.delete(this.#changes.keys().next().value!);
    return change;
  }
}
