/**
 * The hint: which frames are key frames, and how much noise their latents get (SPEC §1.4, §2.4 items 7–9). Levels and noise come
 * from `denoise/`, by whoever calls.
 */

export const MAX_NOISE_AUGMENTATION = 300;

/** The reference's constant `s_cond` for scale 4 and up is 8; the nano model is fed 8·scale (docs/nano-model.md). */
export const SCALE_CONDITION = 8;

/** Noise augmentation of a strength: `level` = round(300·strength), and the timestep that the hint is diffused to. */
export interface HintNoise {
  readonly level: number;
  /** null at level 0: no noise at all. (The reference would wrap to pure noise there.) */
  readonly timestep: number | null;
  /** What the network is told: `timestep`, 0 where there is no noise. */
  readonly fedTimestep: number;
}

/** @throws RangeError for a strength outside 0–1. */
export function hintNoise(strength: number): HintNoise {
  if (!(strength >= 0 && strength <= 1)) throw new RangeError(`strength ${strength} is outside 0–1`);
  const level = Math.round(MAX_NOISE_AUGMENTATION * strength);
  return level === 0
    ? { level, timestep: null, fedTimestep: 0 }
    : { level, timestep: level - 1, fedTimestep: level - 1 };
}

/** h = alpha·latents + sigma·noise into `out`, which may be either. */
export function augmentHint(
  latents: Float32Array,
  noise: Float32Array,
  level: { readonly alpha: number; readonly sigma: number },
  out: Float32Array = new Float32Array(latents.length),
): Float32Array {
  const { alpha, sigma } = level;
  for (let i = 0; i < out.length; i++) out[i] = alpha * latents[i]! + sigma * noise[i]!;
  return out;
}

/** 1 on key frames, 0 on inserted ones, for output frames [startFrame, endFrame): `key_frames` of the ControlNet. */
export function keyFrameMask(startFrame: number, endFrame: number, frameRateFactor: number): Float32Array {
  return Float32Array.from({ length: endFrame - startFrame }, (_, i) =>
    (startFrame + i) % frameRateFactor === 0 ? 1 : 0,
  );
}
