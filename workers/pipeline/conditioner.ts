/**
 * Key frames to hints: upsampled, padded, encoded, scaled and noise-augmented to the strength's level, once a key frame however
 * many windows share it.
 *
 * Holds the hint latents of the windows in flight and two upsampled frames at the working size.
 */

import { augmentHint, hintNoise } from '../condition/hint.ts';
import { type LatentScaling, scaleLatents } from '../condition/latent-scaling.ts';
import { padReflect } from '../condition/padding.ts';
import { blendFrames, Upsampler } from '../condition/upsample.ts';
import { fillNoise, HINT_STREAM } from '../denoise/noise.ts';
import { type NoiseLevel, noiseLevel } from '../denoise/schedule.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { workedSize } from '../plan/borders.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import { nextKeyFrame } from '../plan/shots.ts';
import { tensor } from '../tensor.ts';
import type { FrameStore } from './frame-store.ts';
import type { Model } from './model.ts';

/** A key frame's scaled latents [Z, h, w], with the hint's noise and without; the same array where there is none. */
export interface KeyLatents {
  readonly hint: Float32Array;
  readonly latents: Float32Array;
}

/**
 * An output frame's number in the whole clip, whatever range the job covers: what noise is keyed by, so that a range or a
 * preview sees the noise of the whole job.
 */
export function clipFrame(plan: JobPlan, frame: number): number {
  return plan.sourceStart * plan.frameRateFactor + frame;
}

const NO_NOISE: NoiseLevel = { alpha: 1, sigma: 0 };

export class Conditioner {
  readonly hintLevel: NoiseLevel;
  /** What the ControlNet is told of the hint's noise. */
  readonly hintTimestep: number;
  readonly #plan: JobPlan;
  readonly #seed: number;
  readonly #model: Model;
  readonly #store: FrameStore;
  readonly #scaling: LatentScaling;
  readonly #upsampler: Upsampler;
  readonly #keys = new Map<number, KeyLatents>();
  /** Upsampled, padded source frames by index: the two that inserted frames are blended from. */
  readonly #planar = new Map<number, Float32Array>();

  constructor(clip: ClipInfo, plan: JobPlan, settings: Settings, model: Model, store: FrameStore) {
    const noise = hintNoise(settings.strength);
    this.hintLevel = noise.timestep === null ? NO_NOISE : noiseLevel(noise.timestep);
    this.hintTimestep = noise.fedTimestep;
    this.#plan = plan;
    this.#seed = settings.seed;
    this.#model = model;
    this.#store = store;
    this.#scaling = { shift: model.manifest.latentShift, scale: model.manifest.latentScale };
    const worked = workedSize(plan);
    this.#upsampler = new Upsampler(clip.width, clip.height, worked.width, worked.height);
  }

  /** Source frame of an output frame, or of the key frame before it where it is inserted. */
  sourceIndex(frame: number): number {
    return this.#plan.sourceStart + Math.floor(frame / this.#plan.frameRateFactor);
  }

  /** Hint of output frame `frame`, which must be a key frame. */
  async key(frame: number): Promise<KeyLatents> {
    const known = this.#keys.get(frame);
    if (known) return known;
    const { latentWidth, latentHeight, paddedWidth, paddedHeight } = this.#plan;
    const index = this.sourceIndex(frame);
    await this.#store.reach(index);
    const picture = tensor([1, 3, paddedHeight, paddedWidth], this.#upsampled(index));
    const latents = (await this.#model.encode(picture)).data;
    const channels = this.#model.info.latentChannels;
    scaleLatents(latents, channels, latentWidth * latentHeight, this.#scaling);
    const made = { hint: this.#augmented(latents, frame), latents };
    this.#keys.set(frame, made);
    return made;
  }

  /** The upsampled source at an output frame, [3, H, W] of the padded size: a blend of its neighbours where it is inserted. */
  async source(frame: number): Promise<Float32Array> {
    const factor = this.#plan.frameRateFactor;
    const fraction = (frame % factor) / factor;
    const before = this.sourceIndex(frame);
    // Before a cut or the end there is nothing to blend with: the key frame stands still.
    if (fraction === 0 || nextKeyFrame(this.#plan, frame) === null) {
      await this.#store.reach(before);
      return this.#upsampled(before);
    }
    await this.#store.reach(before + 1);
    const earlier = this.#upsampled(before);
    return blendFrames(earlier, this.#upsampled(before + 1), fraction, new Float32Array(earlier.length));
  }

  /** Forgets what only frames before output frame `frame` need. */
  dropBefore(frame: number): void {
    for (const key of this.#keys.keys()) if (key < frame) this.#keys.delete(key);
  }

  #upsampled(index: number): Float32Array {
    const known = this.#planar.get(index);
    if (known) return known;
    const { paddedWidth, paddedHeight } = this.#plan;
    const { width, height } = workedSize(this.#plan);
    const planar = this.#upsampler.fromRgba(this.#store.get(index).rgba);
    const padded =
      paddedWidth === width && paddedHeight === height
        ? planar
        : padReflect(planar, 3, width, height, paddedWidth, paddedHeight);
    if (this.#planar.size >= 2) this.#planar.delete(this.#planar.keys().next().value!);
    this.#planar.set(index, padded);
    return padded;
  }

  /** The unit noise of a key frame's hint [Z, h, w]. */
  #hintNoise(frame: number): Float32Array {
    const { latentWidth: width, latentHeight: height } = this.#plan;
    const channels = this.#model.info.latentChannels;
    const noise = new Float32Array(channels * width * height);
    const region = { channels, x: 0, y: 0, width, height };
    fillNoise({ seed: this.#seed, stream: HINT_STREAM, frame: clipFrame(this.#plan, frame), ...region }, noise);
    return noise;
  }

  #augmented(latents: Float32Array, frame: number): Float32Array {
    return this.hintLevel.sigma === 0 ? latents : augmentHint(latents, this.#hintNoise(frame), this.hintLevel);
  }
}
