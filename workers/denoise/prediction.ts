/**
 * What a network's output means: `velocity` (the reference, SPEC §2.1) or `residual` (docs/nano-model.md "Residual prediction").
 * One interface, so that whoever runs the network needs no branch: a prediction says what to start from, what to feed, and what x0
 * follows from the answer. All of it per frame and channel, in place, over [channels, height, width] arrays; nothing is kept but
 * references to the hints and a few numbers a frame and channel.
 */

import { LAST_TIMESTEP, type NoiseLevel } from './schedule.ts';
import type { Evaluation, SolverProgram } from './solvers.ts';
import { DEFAULT_START_TIMESTEP } from './timesteps.ts';

/** What is known of a window before it is denoised. Arrays are [channels, height, width], shared by overlapping windows. */
export interface WindowHint {
  /** Per frame of the window: the key frame's noise-augmented, scaled latents; null where the frame is inserted. */
  readonly hints: readonly (Float32Array | null)[];
  /** The same without the noise: what velocity starts from, and residual's base. */
  readonly latents: readonly (Float32Array | null)[];
  /** α', σ' of the hint's noise augmentation; 1 and 0 at strength 0. */
  readonly hintLevel: NoiseLevel;
  /** Spatial factor of the job. */
  readonly scale: number;
  readonly channels: number;
}

/** Arrays of the model's config, one value a channel. */
export interface ResidualSpreads {
  /** v: variance of the scaled latents. */
  readonly latentVariance: readonly number[];
  /** Scales, rising, that `residualSpread` has a row for. */
  readonly residualSpreadScales: readonly number[];
  /** τ_key, a row per scale. */
  readonly residualSpread: readonly (readonly number[])[];
  /** τ_ins. */
  readonly insertedSpread: readonly number[];
}

/** A window as a prediction sees it. `frame` counts from the window's first; arrays are one frame each. */
export interface WindowPrediction {
  /** The start sample: unit Gaussian `noise` of the frame in, x at `program.start` out. */
  start(frame: number, program: SolverProgram, noise: Float32Array, out: Float32Array): void;
  /** What the ControlNet's `hint` is; zeros on inserted frames. */
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
  /** @throws RangeError for a window without key frames. */
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

/** The key frames on either side of each frame, and its fraction between them; the nearest one before the first and after the last. */
export function keyNeighbours(
  isKey: readonly boolean[],
): { readonly before: number; readonly after: number; readonly fraction: number }[] {
  const keys = isKey.flatMap((key, f) => (key ? [f] : []));
  if (keys.length === 0) throw new RangeError('a window needs a key frame');
  let next = 0;
  return isKey.map((_, f) => {
    while (next < keys.length && keys[next]! < f) next++;
    const after = keys[Math.min(next, keys.length - 1)]!;
    const before = after === f ? f : keys[Math.max(0, next - 1)]!;
    return { before, after, fraction: after > before && f <= after ? (f - before) / (after - before) : 0 };
  });
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
      while (key > 0 && !hint.latents[key]) key--;
      const latents = hint.latents[key];
      if (!latents) throw new RangeError('a window must begin with a key frame');
      const { alpha, sigma } = program.start;
      const a = program.startScale * alpha;
      const s = program.startScale * sigma;
      for (let i = 0; i < out.length; i++) out[i] = a * latents[i]! + s * noise[i]!;
    },
    hintInput(frame, out) {
      const key = hint.hints[frame];
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

function prepareResidual(hint: WindowHint, spreads: ResidualSpreads): WindowPrediction {
  const { channels, hints, latents, hintLevel } = hint;
  const neighbours = keyNeighbours(hints.map((h) => h !== null));
  const variance = spreads.latentVariance;
  const keySpreads = keySpread(spreads, hint.scale);
  const total = Float64Array.from(variance, (v) => hintLevel.alpha ** 2 * v + hintLevel.sigma ** 2);
  // How much of the source the noisy hint still tells; the base keeps so much of it, and the network owes the rest.
  const kept = Float64Array.from(variance, (v, c) => (hintLevel.alpha ** 2 * v) / total[c]!);
  const unknown = Float64Array.from(variance, (v, c) => v * (1 - kept[c]!) ** 2);

  /** τ² of a frame's channel. */
  const prior = (fraction: number, c: number): number =>
    keySpreads[c]! ** 2 +
    4 * fraction * (1 - fraction) * spreads.insertedSpread[c]! ** 2 +
    ((1 - fraction) ** 2 + fraction ** 2) * unknown[c]!;

  /** out = values·from + base·b, the two coefficients depending on a channel's τ² and q² = σ² + α²τ². */
  const combine = (
    frame: number,
    out: Float32Array,
    level: NoiseLevel,
    coefficients: (tau2: number, q2: number) => readonly [from: number, base: number],
    from: Float32Array,
  ): void => {
    const { before, after, fraction } = neighbours[frame]!;
    const p = latents[before]!;
    const q = latents[after]!;
    const plane = out.length / channels;
    for (let c = 0; c < channels; c++) {
      const tau2 = prior(fraction, c);
      const q2 = level.sigma ** 2 + level.alpha ** 2 * tau2;
      const [cf, cb] = coefficients(tau2, q2);
      const cp = cb * kept[c]! * (1 - fraction);
      const cq = cb * kept[c]! * fraction;
      const end = (c + 1) * plane;
      if (cq === 0) for (let i = c * plane; i < end; i++) out[i] = cf * from[i]! + cp * p[i]!;
      else for (let i = c * plane; i < end; i++) out[i] = cf * from[i]! + cp * p[i]! + cq * q[i]!;
    }
  };

  return {
    start(frame, program, noise, out) {
      const level = program.start;
      combine(frame, out, level, (_tau2, q2) => [Math.sqrt(q2), level.alpha], noise);
    },
    hintInput(frame, out) {
      const key = hints[frame];
      if (!key) {
        out.fill(0);
        return;
      }
      const plane = out.length / channels;
      for (let c = 0; c < channels; c++) {
        const scale = 1 / Math.sqrt(total[c]!);
        const end = (c + 1) * plane;
        for (let i = c * plane; i < end; i++) out[i] = scale * key[i]!;
      }
    },
    networkInput(frame, x, { state }, out) {
      combine(frame, out, state, (_tau2, q2) => [1 / Math.sqrt(q2), -state.alpha / Math.sqrt(q2)], x);
    },
    toX0(frame, _x, output, { state }, out) {
      combine(frame, out, state, (tau2) => [Math.sqrt(tau2), 1], output);
    },
  };
}
