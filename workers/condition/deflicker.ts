/**
 * Takes flicker of brightness and colour out of a clip before anything is made of it: what video generators and lamps leave behind.
 *
 * Between neighbouring frames, along the motion, what is left of a difference is a change of light; kept coarse (blocks of 8 pixels of a picture
 * of at most {@link LONGEST_SIDE}, smoothed), since flicker is. A frame is moved to the mean of itself and its up to four neighbours of the same shot, as far as
 * their light is known: a steady change (a fade) stays as it is, a sudden large one (a flash) too, since differences over {@link MOST_CHANGE} don't count.
 * Costs a flow a frame (20 ms at 320×180 and above on one core) and a pass over its pixels. Runs anywhere; `training/deflicker.py` does the same.
 */

import { opticalFlow } from './optical-flow.ts';
import { bilinear, type Luma } from './sampling.ts';

/** Neighbours to either side that a frame is averaged with. */
export const DEFLICKER_REACH = 2;
const LONGEST_SIDE = 384;
const BLOCK = 8;
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
  let shrink = 1;
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
  const flow = opticalFlow(before[3], after[3]);
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const sums = new Float32Array(3 * columns * rows);
  const counts = new Float32Array(columns * rows);
  const difference = [0, 0, 0];
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const [atX, atY] = [x + flow[2 * i]!, y + flow[2 * i + 1]!];
      if (atX < 0 || atY < 0 || atX > width - 1 || atY > height - 1) continue;
      for (let c = 0; c < 3; c += 1) difference[c] = bilinear(after[c]!, atX, atY) - before[c]!.data[i]!;
      if (difference.some((value) => Math.abs(value) >= MOST_CHANGE)) continue;
      const block = Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK);
      counts[block]! += 1;
      for (let c = 0; c < 3; c += 1) sums[3 * block + c]! += difference[c]!;
    }
  }
  const count = smoothed(counts, 1, columns, rows);
  const data = smoothed(sums, 3, columns, rows).map(
    (sum, i) => sum / (count[Math.floor(i / 3)]! + DOUBT * BLOCK * BLOCK),
  );
  return { columns, rows, spanX: width / BLOCK, spanY: height / BLOCK, data };
}

/** Gaussian, edges mirrored, [height · width · channels]. */
function smoothed(values: Float32Array, channels: number, width: number, height: number): Float32Array {
  const kernel = Array.from({ length: 2 * SMOOTHING_REACH + 1 }, (_, i) =>
    Math.exp(-((i - SMOOTHING_REACH) ** 2) / (2 * SMOOTHING ** 2)),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const mirrored = (at: number, size: number) => {
    const turn = ((at % (2 * size)) + 2 * size) % (2 * size);
    return turn < size ? turn : 2 * size - 1 - turn;
  };
  const along = (from: Float32Array, size: number, index: (line: number, at: number) => number, lines: number) => {
    const out = new Float32Array(from.length);
    for (let line = 0; line < lines; line += 1) {
      for (let at = 0; at < size; at += 1) {
        for (let c = 0; c < channels; c += 1) {
          let sum = 0;
          for (const [k, weight] of kernel.entries()) {
            sum += weight * from[channels * index(line, mirrored(at + k - SMOOTHING_REACH, size)) + c]!;
          }
          out[channels * index(line, at) + c] = sum / total;
        }
      }
    }
    return out;
  };
  const rowwise = along(values, width, (y, x) => y * width + x, height);
  return along(rowwise, height, (x, y) => y * width + x, width);
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
