/**
 * Frames between key frames by motion: what inserted frames lean on (docs/nano-model.md "Between key frames").
 *
 * Flows both ways between two key frames; at a pixel of the frame between, either offers a velocity; both key frames are fetched
 * along both, the better they agree along one the more of it is taken, and blended. The trainer's `training/motion.py` does the same.
 * Costs two flows a pair (`optical-flow.ts`), about 0.15 µs a pixel searched and 0.12–0.24 µs an output pixel, a frame; holds 28 bytes a source
 * pixel of at most 960 × 960. What only one key frame shows, or what moves too fast, comes out as a blend; the network is told where (mismatch).
 */

import { halved, opticalFlow } from './optical-flow.ts';
import { bilinear, bilinearPair, type Luma, pair } from './sampling.ts';

/** Larger sources are halved before their motion is searched; smaller ones doubled, as the search's patches would be coarse in them. */
const LONGEST_SIDE = 960;
const SHORTEST_LONG_SIDE = 256;
/** Fixed-point steps that bring a flow from its key frame to the frame between. */
const PROJECTIONS = 3;
/** Pixels to every side that vote on which velocity to trust. */
const AGREEMENT_REACH = 3;
/** Grey levels of difference that make one velocity e times likelier than the other. */
const DOUBT = 8;
/** Where one velocity has all but this share, or both are as near to each other as this, in pixels, one fetch does. */
const NEGLIGIBLE_SHARE = 0.02;
const NEGLIGIBLE_PIXELS = 0.05;
/** Of the cubic kernel, as OpenCV has it. */
const A = -0.75;

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

/** Two velocities a pixel of the frame between, in pixels from key frame to key frame. */
export interface Velocities {
  readonly width: number;
  readonly height: number;
  /** By either flow, [2 · height · width]. */
  readonly forward: Float32Array;
  readonly backward: Float32Array;
  /** How far the forward one is to be trusted, 0…1: [height · width]. */
  readonly trust: Float32Array;
}

/** What two key frames say of the motion between them. */
export class Motion {
  readonly #before: Luma;
  readonly #after: Luma;
  readonly #forward: Float32Array;
  readonly #backward: Float32Array;

  constructor(before: Picture, after: Picture) {
    this.#before = lumaOf(before);
    this.#after = lumaOf(after);
    this.#forward = opticalFlow(this.#before, this.#after);
    this.#backward = opticalFlow(this.#after, this.#before);
  }

  /** At fraction `w`, between 0 and 1, of the way. */
  velocities(w: number): Velocities {
    const { width, height } = this.#before;
    const forward = this.#projected(this.#forward, w);
    const backward = this.#projected(this.#backward, 1 - w);
    for (let i = 0; i < forward.length; i += 1) {
      forward[i] = forward[i]! / -w;
      backward[i] = backward[i]! / (1 - w);
    }
    const trust = this.#disagreement(forward, w);
    const other = this.#disagreement(backward, w);
    const doubt = DOUBT * (2 * AGREEMENT_REACH + 1) ** 2;
    for (let i = 0; i < trust.length; i += 1) trust[i] = 1 / (1 + Math.exp((trust[i]! - other[i]!) / doubt));
    return { width, height, forward, backward, trust };
  }

  /** −share·flow, at the places that it leads to: where a pixel of the frame between came from. */
  #projected(flow: Float32Array, share: number): Float32Array {
    const { width, height } = this.#before;
    const out = new Float32Array(flow.length);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const at = 2 * (y * width + x);
        let u = -share * flow[at]!;
        let v = -share * flow[at + 1]!;
        for (let step = 0; step < PROJECTIONS; step += 1) {
          bilinearPair(flow, width, height, x + u, y + v);
          u = -share * pair[0]!;
          v = -share * pair[1]!;
        }
        out[at] = u;
        out[at + 1] = v;
      }
    }
    return out;
  }

  /** How far the key frames are apart along a velocity, in grey levels, summed over the neighbourhood. */
  #disagreement(velocity: Float32Array, w: number): Float32Array {
    const { width, height } = this.#before;
    const differences = new Float32Array(width * height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const i = y * width + x;
        const [u, v] = [velocity[2 * i]!, velocity[2 * i + 1]!];
        const before = bilinear(this.#before, x - w * u, y - w * v);
        const after = bilinear(this.#after, x + (1 - w) * u, y + (1 - w) * v);
        differences[i] = Math.abs(before - after);
      }
    }
    return boxSums(boxSums(differences, width, height), height, width);
  }
}

/** A frame between two key frames and how badly they agree on it. */
export interface Between {
  /** [3, height, width]. */
  readonly frame: Float32Array;
  /** Per latent pixel [height/factor, width/factor] and the eight around it: mean square of the luma difference of what was blended, in the frames' unit. */
  readonly mismatch: Float32Array;
}

/**
 * Both key frames carried along the velocities to fraction `w`, and blended.
 *
 * @param before, after [3, height, width] in −1…1, padding included.
 * @param shown the part of them that is not padding, in pixels from the top left: what the velocities cover.
 * @param factor pixels a latent.
 */
export function carry(
  before: Float32Array,
  after: Float32Array,
  size: { readonly width: number; readonly height: number },
  shown: { readonly width: number; readonly height: number },
  velocities: Velocities,
  w: number,
  factor: number,
): Between {
  const { width, height } = size;
  const plane = width * height;
  const frame = new Float32Array(3 * plane);
  const latentWidth = width / factor;
  const mismatch = new Float32Array(latentWidth * (height / factor));
  const { forward, backward, trust, width: fieldWidth, height: fieldHeight } = velocities;
  const scaleX = shown.width / fieldWidth;
  const scaleY = shown.height / fieldHeight;
  const trusted: Luma = { width: fieldWidth, height: fieldHeight, data: trust };
  const [a, b, other] = [new Float32Array(3), new Float32Array(3), new Float32Array(3)];
  const share = 1 - w;
  for (let y = 0; y < height; y += 1) {
    const fieldY = (y + 0.5) / scaleY - 0.5;
    const latentRow = Math.floor(y / factor) * latentWidth;
    for (let x = 0; x < width; x += 1) {
      const fieldX = (x + 0.5) / scaleX - 0.5;
      let s = bilinear(trusted, fieldX, fieldY);
      bilinearPair(backward, fieldWidth, fieldHeight, fieldX, fieldY);
      const [uBackward, vBackward] = [pair[0]! * scaleX, pair[1]! * scaleY];
      bilinearPair(forward, fieldWidth, fieldHeight, fieldX, fieldY);
      let [u, v] = [pair[0]! * scaleX, pair[1]! * scaleY];
      if (s < NEGLIGIBLE_SHARE) {
        [u, v, s] = [uBackward, vBackward, 1];
      } else if (s > 1 - NEGLIGIBLE_SHARE || Math.abs(u - uBackward) + Math.abs(v - vBackward) < NEGLIGIBLE_PIXELS) {
        s = 1;
      }
      cubic(before, width, height, x - w * u, y - w * v, a);
      cubic(after, width, height, x + share * u, y + share * v, b);
      if (s < 1) {
        cubic(before, width, height, x - w * uBackward, y - w * vBackward, other);
        mix(a, other, s);
        cubic(after, width, height, x + share * uBackward, y + share * vBackward, other);
        mix(b, other, s);
      }
      const at = y * width + x;
      frame[at] = share * a[0]! + w * b[0]!;
      frame[plane + at] = share * a[1]! + w * b[1]!;
      frame[2 * plane + at] = share * a[2]! + w * b[2]!;
      const luma = 0.299 * (a[0]! - b[0]!) + 0.587 * (a[1]! - b[1]!) + 0.114 * (a[2]! - b[2]!);
      const latent = latentRow + ((x / factor) | 0);
      mismatch[latent] = mismatch[latent]! + (luma * luma) / (factor * factor);
    }
  }
  return { frame, mismatch: withNeighbours(mismatch, latentWidth) };
}

/** `share` of a colour and the rest of another, into the first. */
function mix(colour: Float32Array, other: Float32Array, share: number): void {
  for (let c = 0; c < 3; c += 1) colour[c] = share * colour[c]! + (1 - share) * other[c]!;
}

/** Means over 3×3, edges held. */
function withNeighbours(values: Float32Array, width: number): Float32Array {
  const height = values.length / width;
  return values.map((_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    let sum = 0;
    for (let dy = -1; dy <= 1; dy += 1) {
      const row = Math.min(Math.max(y + dy, 0), height - 1) * width;
      for (let dx = -1; dx <= 1; dx += 1) sum += values[row + Math.min(Math.max(x + dx, 0), width - 1)]!;
    }
    return sum / 9;
  });
}

function lumaOf({ width, height, rgba }: Picture): Luma {
  const data = new Float32Array(width * height);
  for (let i = 0, j = 0; i < data.length; i += 1, j += 4) {
    data[i] = 0.299 * rgba[j]! + 0.587 * rgba[j + 1]! + 0.114 * rgba[j + 2]!;
  }
  let luma: Luma = { width, height, data };
  while (Math.max(luma.width, luma.height) > LONGEST_SIDE) luma = halved(luma);
  while (Math.max(luma.width, luma.height) < SHORTEST_LONG_SIDE) luma = doubled(luma);
  return luma;
}

function doubled(luma: Luma): Luma {
  const [width, height] = [2 * luma.width, 2 * luma.height];
  const data = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) data[i] = bilinear(luma, (x - 0.5) / 2, (y - 0.5) / 2);
  }
  return { width, height, data };
}

/** The three values at (x, y) of a planar picture, its edges held, into `out`. */
function cubic(data: Float32Array, width: number, height: number, x: number, y: number, out: Float32Array): void {
  const x0 = Math.floor(x) | 0;
  const y0 = Math.floor(y) | 0;
  const fx = x - x0;
  const fy = y - y0;
  const gx = 1 - fx;
  const gy = 1 - fy;
  // Keys' kernel at distances 1 + f, f, 1 − f, 2 − f.
  const wx0 = A * fx * gx * gx;
  const wx1 = 1 - (A + 3) * fx * fx + (A + 2) * fx * fx * fx;
  const wx2 = 1 - (A + 3) * gx * gx + (A + 2) * gx * gx * gx;
  const wx3 = A * gx * fx * fx;
  const wy0 = A * fy * gy * gy;
  const wy1 = 1 - (A + 3) * fy * fy + (A + 2) * fy * fy * fy;
  const wy2 = 1 - (A + 3) * gy * gy + (A + 2) * gy * gy * gy;
  const wy3 = A * gy * fy * fy;
  const right = width - 1;
  const bottom = height - 1;
  const c0 = x0 < 1 ? 0 : x0 - 1 > right ? right : x0 - 1;
  const c1 = x0 < 0 ? 0 : x0 > right ? right : x0;
  const c2 = x0 < -1 ? 0 : x0 + 1 > right ? right : x0 + 1;
  const c3 = x0 < -2 ? 0 : x0 + 2 > right ? right : x0 + 2;
  const r0 = (y0 < 1 ? 0 : y0 - 1 > bottom ? bottom : y0 - 1) * width;
  const r1 = (y0 < 0 ? 0 : y0 > bottom ? bottom : y0) * width;
  const r2 = (y0 < -1 ? 0 : y0 + 1 > bottom ? bottom : y0 + 1) * width;
  const r3 = (y0 < -2 ? 0 : y0 + 2 > bottom ? bottom : y0 + 2) * width;
  const plane = width * height;
  for (let c = 0, base = 0; c < 3; c += 1, base += plane) {
    const a = base + r0;
    const b = base + r1;
    const d = base + r2;
    const e = base + r3;
    out[c] =
      wy0 * (wx0 * data[a + c0]! + wx1 * data[a + c1]! + wx2 * data[a + c2]! + wx3 * data[a + c3]!) +
      wy1 * (wx0 * data[b + c0]! + wx1 * data[b + c1]! + wx2 * data[b + c2]! + wx3 * data[b + c3]!) +
      wy2 * (wx0 * data[d + c0]! + wx1 * data[d + c1]! + wx2 * data[d + c2]! + wx3 * data[d + c3]!) +
      wy3 * (wx0 * data[e + c0]! + wx1 * data[e + c1]! + wx2 * data[e + c2]! + wx3 * data[e + c3]!);
  }
}

/** Sums over `AGREEMENT_REACH` to either side along rows, edges held; [height, width] in, [width, height] out. */
function boxSums(values: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(values.length);
  const last = width - 1;
  for (let y = 0; y < height; y += 1) {
    const row = y * width;
    let sum = 0;
    for (let x = -AGREEMENT_REACH; x <= AGREEMENT_REACH; x += 1) sum += values[row + Math.min(Math.max(x, 0), last)]!;
    for (let x = 0; x < width; x += 1) {
      out[x * height + y] = sum;
      const enters = x + AGREEMENT_REACH + 1;
      const leaves = x - AGREEMENT_REACH;
      sum += values[row + (enters < last ? enters : last)]! - values[row + (leaves > 0 ? leaves : 0)]!;
    }
  }
  return out;
}
