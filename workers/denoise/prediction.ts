/**
 * What a network's output means: `velocity` (the reference, SPEC §2.1) or `residual` (docs/nano-model.md "Residual prediction").
 * One interface, so that whoever runs the network needs no branch: a prediction says what to start from, what to feed, and what x0
 * follows from the answer. All of it per frame and channel, in place, over [channels, height, width] arrays; nothing is kept but
 * references to the hints and a few numbers a frame and channel.
 */

import { LAST_TIMESTEP, type NoiseLevel } from './schedule.ts';
import type { Evaluation, SolverProgram } from './solvers.ts';
import { DEFAULT_START_TIMESTEP } from './timesteps.ts';

/** What is known of a frame before it is denoised. Arrays are [channels, height, width], shared by overlapping windows. */
export interface FrameHint {
  /** Its noise-augmented, scaled latents. Velocity's inserted frames have none; residual's are carried along the motion. */
  readonly hint: Float32Array | null;
  /** The same without the noise: what velocity starts from, and residual's base. */
  readonly latents: Float32Array | null;
  /** [height, width]: how badly the key frames agree on an inserted frame; null where the picture is a key frame's own. */
  readonly mismatch: Float32Array | null;
  /** How far an inserted frame is from the key frame before it to the one after. */
  readonly fraction: number;
}

/** What is known of a window before it is denoised. */
export interface WindowHint {
  readonly frames: readonly FrameHint[];
  /** α', σ' of the hint's noise augmentation; 1 and 0 at strength 0. */
  readonly hintLevel: NoiseLevel;
  /** Spatial factor of the job. */
  readonly scale: number;
  readonly channels: number;
}

/** At which √(σ² + α²τ²) is τ. */
const NO_NOISE: NoiseLevel = { alpha: 1, sigma: 0 };

/** Two grey levels, squared, in frames of −1…1: what even a perfect match may be off by. */
const MISMATCH_FLOOR = (2 / 127.5) ** 2;

/** Arrays of the model's config, one value a channel. */
export interface ResidualSpreads {
  /** v: variance of the scaled latents. */
  readonly latentVariance: readonly number[];
  /** Scales, rising, that `residualSpread` has a row for. */
  readonly residualSpreadScales: readonly number[];
  /** τ_key, a row per scale. */
  readonly residualSpread: readonly (readonly number[])[];
  /** τ_ins: where key frames differ by a unit of luma. */
  readonly insertedSpread: readonly number[];
}

/** A window as a prediction sees it. `frame` counts from the window's first; arrays are one frame each. */
export interface WindowPrediction {
  /** The start sample: unit Gaussian `noise` of the frame in, x at `program.start` out. */
  start(frame: number, program: SolverProgram, noise: Float32Array, out: Float32Array): void;
  /** What the ControlNet's `hint` is; zeros where there is none. */
  hintInput(frame: number, out: Float32Array): void;
  /** What the network's `sample` is. */
  networkInput(frame: number, x: Float32Array, evaluation: Evaluation, out: Float32Array): void;
  /** x0 from the state and the network's output; `out` may be `output`. */
  toX0(frame: number, x: Float32Array, output: Float32Array, evaluation: Evaluation, out: Float32Array): void;
}

export interface Prediction {
  readonly kind: 'velocity' | 'residual';
  /** Where sampling starts unless a strength map says otherwise. */
  readonly startTimestep: number;
  /** @throws RangeError where latents are missing. */
  prepare(hint: WindowHint): WindowPrediction;
}

/** v-prediction: x0 = αx − σv, with α, σ of the whole timestep that the network was given. */
export function velocityPrediction(): Prediction {
  return { kind: 'velocity', startTimestep: DEFAULT_START_TIMESTEP, prepare: prepareVelocity };
}

/** Residual prediction: the network sees (x − αb)/q and predicts (x0 − b)/τ, what the hint does not explain. */
export function residualPrediction(spreads: ResidualSpreads): Prediction {
  return { kind: 'residual', startTimestep: LAST_TIMESTEP, prepare: (hint) => prepareResidual(hint, spreads) };
}

/** τ_key of every channel at a scale: ln τ linear in ln scale between rows, constant outside. */
export function keySpread(spreads: ResidualSpreads, scale: number): Float64Array {
  const { residualSpreadScales: scales, residualSpread: rows } = spreads;
  const last = scales.length - 1;
  const clamped = Math.min(Math.max(scale, scales[0]!), scales[last]!);
  let upper = Math.min(1, last);
  while (upper < last && scales[upper]! < clamped) upper++;
  const lower = Math.max(0, upper - 1);
  const span = Math.log(scales[upper]! / scales[lower]!);
  const w = span === 0 ? 0 : Math.log(clamped / scales[lower]!) / span;
  return Float64Array.from(rows[lower]!, (tau, c) =>
    Math.exp((1 - w) * Math.log(tau) + w * Math.log(rows[upper]![c]!)),
  );
}

function prepareVelocity(hint: WindowHint): WindowPrediction {
  return {
    start(frame, program, noise, out) {
      // As the reference repeats key frames: an inserted frame starts from the key before it (SPEC §2.4).
      let key = frame;
      while (key > 0 && !hint.frames[key]?.hint) key--;
      const latents = hint.frames[key]?.latents;
      if (!latents) throw new RangeError('a window must begin with a key frame');
      const { alpha, sigma } = program.start;
      const a = program.startScale * alpha;
      const s = program.startScale * sigma;
      for (let i = 0; i < out.length; i++) out[i] = a * latents[i]! + s * noise[i]!;
    },
    hintInput(frame, out) {
      const key = hint.frames[frame]?.hint;
      if (key) out.set(key);
      else out.fill(0);
    },
    networkInput(_frame, x, _evaluation, out) {
      out.set(x);
    },
    toX0(_frame, x, output, evaluation, out) {
      const { alpha, sigma } = evaluation.network;
      for (let i = 0; i < out.length; i++) out[i] = alpha * x[i]! - sigma * output[i]!;
    },
  };
}

function prepareResidual(
  { channels, frames, hintLevel, scale }: WindowHint,
  spreads: ResidualSpreads,
): WindowPrediction {
  const variance = spreads.latentVariance;
  const keySpreads = keySpread(spreads, scale);
  const total = Float64Array.from(variance, (v) => hintLevel.alpha ** 2 * v + hintLevel.sigma ** 2);

  /** √(m + m₀) of each frame with a mismatch: the same for all channels and evaluations. */
  const roots = new Map<number, Float64Array>();
  const rootsOf = (frame: number, mismatch: Float32Array): Float64Array => {
    const known = roots.get(frame);
    if (known) return known;
    const made = Float64Array.from(mismatch, (m) => Math.sqrt(m + MISMATCH_FLOOR));
    roots.set(frame, made);
    return made;
  };

  /**
   * out = g·from + h·b, with g = √(σ² + α²τ²), or 1/√(σ² + α²τ²) where `inverse`; h is `baseWeight`, times g where `inverse`.
   * A closure a value would cost more than the value.
   */
  const combine = (
    frame: number,
    from: Float32Array,
    out: Float32Array,
    { alpha, sigma }: NoiseLevel,
    inverse: boolean,
    baseWeight: number,
  ): void => {
    const { latents, mismatch, fraction } = frames[frame]!;
    if (!latents) throw new RangeError('residual prediction leans on every frame’s latents');
    const plane = out.length / channels;
    const between = 4 * fraction * (1 - fraction);
    const root = mismatch && rootsOf(frame, mismatch);
    const [a2, s2] = [alpha ** 2, sigma ** 2];
    for (let c = 0; c < channels; c++) {
      const certain = keySpreads[c]! ** 2;
      const start = c * plane;
      const end = start + plane;
      if (root) {
        const inserted = between * spreads.insertedSpread[c]! ** 2;
        for (let i = start, j = 0; i < end; i++, j++) {
          const spread = Math.sqrt(s2 + a2 * (certain + inserted * root[j]!));
          const base = baseWeight * latents[i]!;
          out[i] = inverse ? (from[i]! + base) / spread : spread * from[i]! + base;
        }
      } else {
        const spread = Math.sqrt(s2 + a2 * certain);
        const weight = inverse ? 1 / spread : spread;
        const ofBase = inverse ? baseWeight / spread : baseWeight;
        for (let i = start; i < end; i++) out[i] = weight * from[i]! + ofBase * latents[i]!;
      }
    }
  };

  return {
    start(frame, program, noise, out) {
      combine(frame, noise, out, program.start, false, program.start.alpha);
    },
    hintInput(frame, out) {
      const key = frames[frame]!.hint;
      if (!key) {
        out.fill(0);
        return;
      }
      const plane = out.length / channels;
      for (let c = 0; c < channels; c++) {
        const gain = 1 / Math.sqrt(total[c]!);
        const end = (c + 1) * plane;
        for (let i = c * plane; i < end; i++) out[i] = gain * key[i]!;
      }
    },
    networkInput(frame, x, { state }, out) {
      combine(frame, x, out, state, true, -state.alpha);
    },
    toX0(frame, _x, output, _evaluation, out) {
      combine(frame, output, out, NO_NOISE, false, 1);
    },
  };
}
