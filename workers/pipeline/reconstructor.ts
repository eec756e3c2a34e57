/**
 * Latents to pictures: unscaled, decoded against the upsampled source, colours fixed, cropped, as RGBA.
 *
 * One frame at a time; holds a few planar frames at the padded size.
 */

import { type LatentScaling, unscaleLatents } from '../condition/latent-scaling.ts';
import { workedSize } from '../plan/borders.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import { type FinishedPicture, finished } from '../reconstruct/finish.ts';
import { BandedDecoder } from './banded-decoder.ts';
import type { Model } from './model.ts';
import { PictureWorkers } from './picture-workers.ts';
import type { SourceFrames } from './source-frames.ts';
import { WindowedDecoder } from './windowed-decoder.ts';

export interface Finishing {
  readonly picture: Promise<FinishedPicture>;
}

export class Reconstructor {
  readonly #plan: JobPlan;
  readonly #model: Model;
  readonly #sources: SourceFrames;
  readonly #scaling: LatentScaling;
  readonly #colourFix: boolean;
  /** Where the autoencoder is of the reference's kind. */
  readonly #windowed: WindowedDecoder | undefined;
  readonly #banded: BandedDecoder;

  constructor(plan: JobPlan, settings: Settings, model: Model, sources: SourceFrames) {
    this.#plan = plan;
    this.#model = model;
    this.#sources = sources;
    this.#scaling = { shift: model.manifest.latentShift, scale: model.manifest.latentScale };
    this.#colourFix = settings.colourFix === 'wavelet';
    this.#banded = new BandedDecoder(model, plan, settings);
    const { autoencoder } = plan;
    this.#windowed =
      autoencoder &&
      new WindowedDecoder(plan, model, this.#scaling, autoencoder.decoderFrames, autoencoder.decoderOverlap);
  }

  /** Tells the frames of a segment, whose pictures are asked for in order. */
  begin(startFrame: number, latents: readonly Float32Array[]): void {
    this.#windowed?.begin(startFrame, latents);
  }

  /** Output frame `frame` from its scaled latents [Z, h, w], which are used up: decoded, and on its way to its bytes. */
  async picture(frame: number, latents: Float32Array): Promise<Finishing> {
    const { latentWidth, latentHeight, paddedWidth, paddedHeight } = this.#plan;
    const { width, height } = workedSize(this.#plan);
    const channels = this.#model.info.latentChannels;
    const { picture: source } = await this.#sources.frame(frame);
    let decoded: Float32Array;
    if (this.#windowed) decoded = await this.#windowed.frame(frame);
    else {
      unscaleLatents(latents, channels, latentWidth * latentHeight, this.#scaling);
      decoded = await this.#banded.frame(latents, source);
    }
    const work = {
      decoded,
      source: this.#colourFix ? source : null,
      padded: { width: paddedWidth, height: paddedHeight },
      worked: { width, height },
      encodable: this.#plan.active === undefined && this.#plan.crop === undefined,
    };
    const picture = PictureWorkers.shared()?.finish(work) ?? Promise.resolve(finished(work));
    // Whoever waits for it hears of it; a job that is given up waits for none.
    picture.catch(() => undefined);
    return { picture };
  }
}
