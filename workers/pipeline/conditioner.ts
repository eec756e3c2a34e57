/**
 * What every output frame is conditioned on: its source's latents, and the same noise-augmented as the hint; encoded and scaled once a
 * frame however many windows share it, and not at all where the clip repeats a key frame: then both have the same object.
 *
 * Holds the latents of the windows in flight.
 */

import { augmentHint, hintNoise } from '../condition/hint.ts';
import { type LatentScaling, scaleLatents } from '../condition/latent-scaling.ts';
import { HINT_STREAM, type NoiseRegion, POSTERIOR_STREAM } from '../denoise/noise.ts';
import type { FrameHint } from '../denoise/prediction.ts';
import { type NoiseLevel, noiseLevel } from '../denoise/schedule.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import type { Model } from './model.ts';
import { PictureWorkers } from './picture-workers.ts';
import type { SourceFrames } from './source-frames.ts';
import { unitNoise } from './start-noise.ts';
import { encodePicture } from './tiled-encoder.ts';

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
  readonly #sources: SourceFrames;
  readonly #scaling: LatentScaling;
  readonly #hints = new Map<number, FrameHint>();
  /** The key frame that each of them shows: itself, or the first of its repeats. */
  readonly #shown = new Map<number, number>();
  readonly #windowStarts: ReadonlySet<number>;

  constructor(plan: JobPlan, settings: Settings, model: Model, sources: SourceFrames) {
    const noise = hintNoise(settings.strength);
    this.hintLevel = noise.timestep === null ? NO_NOISE : noiseLevel(noise.timestep);
    this.hintTimestep = noise.fedTimestep;
    this.#plan = plan;
    this.#seed = settings.seed;
    this.#model = model;
    this.#sources = sources;
    this.#windowStarts = new Set(plan.windows.map(({ startFrame }) => startFrame));
    this.#scaling = { shift: model.manifest.latentShift, scale: model.manifest.latentScale };
  }

  /** What output frame `frame` is conditioned on. */
  async hint(frame: number): Promise<FrameHint> {
    const known = this.#hints.get(frame);
    if (known) return known;
    const key = await this.#repeated(frame);
    if (key !== null) {
      const shared = this.#hints.get(key)!;
      this.#hints.set(frame, shared);
      this.#shown.set(frame, key);
      return shared;
    }
    const fraction = this.#sources.fraction(frame);
    let made: FrameHint;
    if (!this.looksAt(frame)) made = { hint: null, latents: null, mismatch: null, fraction };
    else {
      // Drawn elsewhere while the picture is waited for and encoded.
      const noise = this.hintLevel.sigma === 0 ? null : this.#drawn(HINT_STREAM, frame);
      const { picture, mismatch } = await this.#sources.frame(frame);
      const latents = await encodePicture(picture, this.#posteriorNoise(frame), this.#plan, this.#model);
      const { latentWidth, latentHeight } = this.#plan;
      scaleLatents(latents, this.#model.info.latentChannels, latentWidth * latentHeight, this.#scaling);
      const hint = noise ? augmentHint(latents, await noise, this.hintLevel) : latents;
      made = { hint, latents, mismatch, fraction };
    }
    this.#hints.set(frame, made);
    if (frame % this.#plan.frameRateFactor === 0) this.#shown.set(frame, frame);
    return made;
  }

  /** Whether the frame repeats the one before it. */
  repeats(frame: number): boolean {
    const key = this.#shown.get(frame);
    return key !== undefined && key !== frame && this.#shown.get(frame - 1) === key;
  }

  /**
   * The key frame whose picture the clip shows again at `frame`; null where there is none. No window's first frame counts as a repeat: a job that goes on
   * begins there, and must come to the same.
   */
  async #repeated(frame: number): Promise<number | null> {
    const key = this.#shown.get(frame - 1);
    if (key === undefined || !this.#hints.has(key) || this.#windowStarts.has(frame) || this.#velocity) return null;
    const standsStill = frame % this.#plan.frameRateFactor !== 0 && this.#sources.fraction(frame) === 0;
    return !standsStill && (await this.#sources.repeats(frame, key)) ? key : null;
  }

  /**
   * Whether the frame's picture is needed: velocity models begin inserted frames from the key frame before, and are told nothing else
   * of them (SPEC §2.4).
   */
  looksAt(frame: number): boolean {
    return frame % this.#plan.frameRateFactor === 0 || !this.#velocity;
  }

  /** Forgets what only frames before output frame `frame` need. */
  dropBefore(frame: number): void {
    for (const held of this.#hints.keys()) if (held < frame) this.#hints.delete(held);
    for (const held of this.#shown.keys()) if (held < frame) this.#shown.delete(held);
  }

  get #velocity(): boolean {
    return this.#model.manifest.prediction === 'velocity';
  }

  #noiseRegion(stream: number, frame: number): NoiseRegion {
    const { latentWidth: width, latentHeight: height } = this.#plan;
    const { latentX: x = 0, latentY: y = 0 } = this.#plan.crop ?? {};
    const region = { channels: this.#model.info.latentChannels, x, y, width, height };
    return { seed: this.#seed, stream, frame: clipFrame(this.#plan, frame), ...region };
  }

  /** Unit noise of a frame [Z, h, w], by a worker where there is one. */
  #drawn(stream: number, frame: number): Promise<Float32Array> {
    const region = this.#noiseRegion(stream, frame);
    const drawing = PictureWorkers.shared()?.noise(region) ?? Promise.resolve(unitNoise(region));
    return drawing.catch(() => unitNoise(region));
  }

  /** Models of the reference's kind draw their latents from the autoencoder's posterior (SPEC §2.4 item 6). */
  #posteriorNoise(frame: number): Float32Array | null {
    return this.#velocity ? unitNoise(this.#noiseRegion(POSTERIOR_STREAM, frame)) : null;
  }
}
