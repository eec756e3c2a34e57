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
import { fillNoise, HINT_STREAM, POSTERIOR_STREAM } from '../denoise/noise.ts';
import { type NoiseLevel, noiseLevel } from '../denoise/schedule.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { workedSize } from '../plan/borders.ts';
import type { JobPlan, PlaneCrop } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import { nextKeyFrame } from '../plan/shots.ts';
import type { FrameStore } from './frame-store.ts';
import type { Model } from './model.ts';
import { encodePicture } from './tiled-encoder.ts';

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
    const worked = plan.crop?.worked ?? workedSize(plan);
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
    const { latentWidth, latentHeight } = this.#plan;
    const index = this.sourceIndex(frame);
    await this.#store.reach(index);
    const noise = this.#posteriorNoise(frame);
    const latents = await encodePicture(this.#upsampled(index), noise, this.#plan, this.#model);
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
    const { crop } = this.#plan;
    const { paddedWidth, paddedHeight } = crop ?? this.#plan;
    const { width, height } = crop?.worked ?? workedSize(this.#plan);
    const planar = this.#upsampler.fromRgba(this.#store.get(index).rgba);
    const whole =
      paddedWidth === width && paddedHeight === height
        ? planar
        : padReflect(planar, 3, width, height, paddedWidth, paddedHeight);
    const padded = crop ? cropped(whole, this.#plan, crop) : whole;
    if (this.#planar.size >= 2) this.#planar.delete(this.#planar.keys().next().value!);
    this.#planar.set(index, padded);
    return padded;
  }

  /** Unit noise of a key frame [Z, h, w]. */
  #noise(stream: number, frame: number): Float32Array {
    const { latentWidth: width, latentHeight: height } = this.#plan;
    const channels = this.#model.info.latentChannels;
    const noise = new Float32Array(channels * width * height);
    const { latentX: x = 0, latentY: y = 0 } = this.#plan.crop ?? {};
    const region = { channels, x, y, width, height };
    fillNoise({ seed: this.#seed, stream, frame: clipFrame(this.#plan, frame), ...region }, noise);
    return noise;
  }

  /** Models of the reference's kind draw their latents from the autoencoder's posterior (SPEC §2.4 item 6). */
  #posteriorNoise(frame: number): Float32Array | null {
    return this.#model.manifest.prediction === 'velocity' ? this.#noise(POSTERIOR_STREAM, frame) : null;
  }

  #augmented(latents: Float32Array, frame: number): Float32Array {
    return this.hintLevel.sigma === 0 ? latents : augmentHint(latents, this.#noise(HINT_STREAM, frame), this.hintLevel);
  }
}

/** The plan's part [3, h, w] of a whole padded picture [3, H, W]. */
function cropped(whole: Float32Array, plan: JobPlan, crop: PlaneCrop): Float32Array {
  const { paddedWidth: width, paddedHeight: height } = plan;
  const factor = width / plan.latentWidth;
  const part = new Float32Array(3 * width * height);
  for (let row = 0; row < 3 * height; row += 1) {
    const from = Math.floor(row / height) * crop.paddedHeight + crop.latentY * factor + (row % height);
    const start = from * crop.paddedWidth + crop.latentX * factor;
    part.set(whole.subarray(start, start + width), row * width);
  }
  return part;
}
