/**
 * Frames to the network's size and range: bicubic (Keys, a = −0.5; half-pixel centres; edges clamped; no antialiasing, it is for
 * upsampling), RGBA bytes or planar floats in, planar float [3, H, W] in −1…1 out, clamped to that range. The trainer's
 * `training/latents.py` computes the same. At the same size it is an exact copy.
 *
 * Separable: rows first at the source's height, then columns; 8 multiply-adds a value, about 10 ns an output value (docs/diffusion.md).
 * Holds one [3, source height, W] intermediate, kept between calls of the same size.
 */

const TAPS = 4;
const A = -0.5;

interface AxisWeights {
  /** First tap of each output, clamped taps as indices: [outputs · 4]. */
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Upsamples frames of one size to another; reuses its buffers, so make one a job. */
export class Upsampler {
  readonly #across: AxisWeights | null;
  readonly #down: AxisWeights | null;
  readonly #source: Float32Array;
  readonly #rows: Float32Array;

  /** Sizes in pixels. */
  constructor(
    readonly sourceWidth: number,
    readonly sourceHeight: number,
    readonly width: number,
    readonly height: number,
  ) {
    this.#across = sourceWidth === width ? null : axisWeights(sourceWidth, width);
    this.#down = sourceHeight === height ? null : axisWeights(sourceHeight, height);
    this.#source = new Float32Array(3 * sourceWidth * sourceHeight);
    this.#rows = new Float32Array(3 * width * sourceHeight);
  }

  /** RGBA bytes, row-major, alpha ignored → [3, height, width] into `out`. */
  fromRgba(
    rgba: Uint8Array | Uint8ClampedArray,
    out: Float32Array = new Float32Array(3 * this.width * this.height),
  ): Float32Array {
    rgbaToPlanar(rgba, this.sourceWidth, this.sourceHeight, this.#source);
    return this.fromPlanar(this.#source, out);
  }

  /** [3, sourceHeight, sourceWidth] in −1…1 → [3, height, width] into `out`. */
  fromPlanar(source: Float32Array, out: Float32Array = new Float32Array(3 * this.width * this.height)): Float32Array {
    const { sourceWidth, sourceHeight, width, height } = this;
    let rows = source;
    if (this.#across !== null) {
      resampleRows(source, 3 * sourceHeight, sourceWidth, width, this.#across, this.#rows);
      rows = this.#rows;
    }
    if (this.#down === null) out.set(rows);
    else resampleColumns(rows, sourceHeight, width, height, this.#down, out);
    if (this.#across !== null || this.#down !== null) clampUnit(out);
    return out;
  }
}

/** RGBA bytes → [3, height, width] in −1…1: value/127.5 − 1. */
export function rgbaToPlanar(
  rgba: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  out: Float32Array = new Float32Array(3 * width * height),
): Float32Array {
  const plane = width * height;
  for (let i = 0, j = 0; i < plane; i++, j += 4) {
    out[i] = rgba[j]! / 127.5 - 1;
    out[plane + i] = rgba[j + 1]! / 127.5 - 1;
    out[2 * plane + i] = rgba[j + 2]! / 127.5 - 1;
  }
  return out;
}

function axisWeights(inputs: number, outputs: number): AxisWeights {
  const index = new Int32Array(TAPS * outputs);
  const weight = new Float32Array(TAPS * outputs);
  for (let o = 0; o < outputs; o++) {
    const centre = ((o + 0.5) * inputs) / outputs - 0.5;
    const first = Math.floor(centre) - 1;
    for (let tap = 0; tap < TAPS; tap++) {
      index[TAPS * o + tap] = Math.min(Math.max(first + tap, 0), inputs - 1);
      weight[TAPS * o + tap] = keys(Math.abs(centre - (first + tap)));
    }
  }
  return { index, weight };
}

function keys(d: number): number {
  if (d <= 1) return (A + 2) * d ** 3 - (A + 3) * d ** 2 + 1;
  if (d < 2) return A * d ** 3 - 5 * A * d ** 2 + 8 * A * d - 4 * A;
  return 0;
}

function resampleRows(
  source: Float32Array,
  rowCount: number,
  inputs: number,
  outputs: number,
  { index, weight }: AxisWeights,
  out: Float32Array,
): void {
  for (let row = 0; row < rowCount; row++) {
    const from = row * inputs;
    const to = row * outputs;
    for (let o = 0, k = 0; o < outputs; o++, k += 4) {
      out[to + o] =
        weight[k]! * source[from + index[k]!]! +
        weight[k + 1]! * source[from + index[k + 1]!]! +
        weight[k + 2]! * source[from + index[k + 2]!]! +
        weight[k + 3]! * source[from + index[k + 3]!]!;
    }
  }
}

function resampleColumns(
  rows: Float32Array,
  inputs: number,
  width: number,
  outputs: number,
  { index, weight }: AxisWeights,
  out: Float32Array,
): void {
  for (let plane = 0; plane < 3; plane++) {
    const base = plane * inputs * width;
    for (let o = 0, k = 0; o < outputs; o++, k += 4) {
      const w0 = weight[k]!;
      const w1 = weight[k + 1]!;
      const w2 = weight[k + 2]!;
      const w3 = weight[k + 3]!;
      let r0 = base + index[k]! * width;
      let r1 = base + index[k + 1]! * width;
      let r2 = base + index[k + 2]! * width;
      let r3 = base + index[k + 3]! * width;
      const to = (plane * outputs + o) * width;
      for (let x = 0; x < width; x++) {
        out[to + x] = w0 * rows[r0++]! + w1 * rows[r1++]! + w2 * rows[r2++]! + w3 * rows[r3++]!;
      }
    }
  }
}

function clampUnit(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v > 1) values[i] = 1;
    else if (v < -1) values[i] = -1;
  }
}
