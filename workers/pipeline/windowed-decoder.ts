/**
 * Decoding with an autoencoder that mixes frames: a segment's latents in overlapping windows, cross-faded, each window tile by tile where
 * the whole plane would not fit (SPEC §2.6). Windows stay inside a segment, since a segment is final before the next is known.
 *
 * Holds the decoded frames of one window at the padded size.
 */

import { type LatentScaling, unscaleLatents } from '../condition/latent-scaling.ts';
import { accumulateTile, extractTile } from '../denoise/blend.ts';
import type { JobPlan, Tile } from '../plan/job-plan.ts';
import { referenceWindows, type Span } from '../plan/reference.ts';
import { pixelTile, WindowBlender } from '../reconstruct/decode-blend.ts';
import { tensor } from '../tensor.ts';
import type { Model } from './model.ts';

export class WindowedDecoder {
  readonly #plan: JobPlan;
  readonly #model: Model;
  readonly #scaling: LatentScaling;
  readonly #frames: number;
  readonly #overlap: number;
  #startFrame = 0;
  #latents: readonly Float32Array[] = [];
  #spans: Span[] = [];
  #blender = new WindowBlender();
  #ready: Float32Array[] = [];
  #next = 0;

  /** @param frames of a window, of which `overlap` are shared with the next. */
  constructor(plan: JobPlan, model: Model, scaling: LatentScaling, frames: number, overlap: number) {
    this.#plan = plan;
    this.#model = model;
    this.#scaling = scaling;
    this.#frames = frames;
    this.#overlap = overlap;
  }

  /** A new segment: scaled latents [Z, h, w] of its frames, read when their turn comes. */
  begin(startFrame: number, latents: readonly Float32Array[]): void {
    this.#startFrame = startFrame;
    this.#latents = latents;
    this.#spans = referenceWindows(latents.length, this.#frames, this.#overlap);
    this.#blender = new WindowBlender();
    this.#ready = [];
    this.#next = startFrame;
  }

  /** The segment's frame [3, H, W]; frames are asked for in order, each once. The caller owns it. */
  async frame(frame: number): Promise<Float32Array> {
    if (frame !== this.#next) throw new RangeError(`frame ${frame} was asked for instead of ${this.#next}`);
    while (this.#ready.length === 0) {
      const span = this.#spans.shift();
      if (!span) this.#ready.push(...this.#blender.flush());
      else this.#ready.push(...this.#blender.push(this.#startFrame + span[0], await this.#decoded(span)));
      if (!span && this.#ready.length === 0) throw new RangeError(`frame ${frame} is not of this segment`);
    }
    this.#next += 1;
    return this.#ready.shift()!;
  }

  async #decoded([start, end]: Span): Promise<Float32Array[]> {
    const { latentWidth, latentHeight, paddedWidth, paddedHeight } = this.#plan;
    const { latentChannels: channels, latentFactor } = this.#model.info;
    const latents = this.#latents.slice(start, end).map((scaled) => {
      const raw = scaled.slice();
      unscaleLatents(raw, channels, latentWidth * latentHeight, this.#scaling);
      return raw;
    });
    const frames = latents.map(() => new Float32Array(3 * paddedWidth * paddedHeight));
    for (const tile of this.#tiles()) {
      const size = channels * tile.latentWidth * tile.latentHeight;
      const values = new Float32Array(latents.length * size);
      for (const [f, frame] of latents.entries()) {
        extractTile(frame, channels, latentWidth, latentHeight, tile, values, f * size);
      }
      const dims = [latents.length, channels, tile.latentHeight, tile.latentWidth];
      const { data } = await this.#model.decode(tensor(dims, values), null);
      const pixels = pixelTile(tile, latentFactor);
      const pixelSize = 3 * pixels.latentWidth * pixels.latentHeight;
      for (const [f, frame] of frames.entries()) {
        accumulateTile(frame, 3, paddedWidth, paddedHeight, pixels, data, f * pixelSize);
      }
    }
    return frames;
  }

  #tiles(): readonly Tile[] {
    return this.#plan.autoencoder?.decoderTiles ?? [wholePlane(this.#plan)];
  }
}

/** The latent plane as one tile. */
export function wholePlane({ latentWidth, latentHeight }: JobPlan): Tile {
  const none = { overlapLeft: 0, overlapTop: 0, overlapRight: 0, overlapBottom: 0 };
  return { latentX: 0, latentY: 0, latentWidth, latentHeight, ...none };
}
