/**
 * Decodes a frame whose decoder leans on the source, in bands of rows where it is large: exact, since a pixel depends on few around it.
 *
 * Costs the activations of a picture of {@link BAND_PIXELS} pixels on the device, the widest of `refinement.width` / 4 floats a pixel; a band's context is
 * decoded twice (nano: three rows of latents on either side). Runs in the engine's worker.
 */

import { BAND_PIXELS } from '../models/autoencoder/block-transform.ts';
import { contextPixels, decoderConditioning } from '../models/autoencoder/refinement.ts';
import { type Tensor, tensor } from '../tensor.ts';
import type { Model } from './model.ts';

export interface Band {
  /** Rows of latents that it takes in, and those of them that it gives out. */
  readonly from: number;
  readonly to: number;
  readonly firstKept: number;
  readonly endKept: number;
}

/** Bands of one height, so that one compiled graph does for all. */
export function rowBands(rows: number, context: number, mostRows: number): readonly Band[] {
  if (rows <= mostRows) return [{ from: 0, to: rows, firstKept: 0, endKept: rows }];
  const kept = Math.max(1, mostRows - 2 * context);
  const count = Math.ceil(rows / kept);
  const height = Math.min(rows, Math.ceil(rows / count) + 2 * context);
  return Array.from({ length: count }, (_, i) => {
    const [firstKept, endKept] = [Math.floor((i * rows) / count), Math.floor(((i + 1) * rows) / count)];
    const from = Math.min(Math.max(0, firstKept - context), rows - height);
    return { from, to: from + height, firstKept, endKept };
  });
}

export class BandedDecoder {
  readonly #model: Model;
  readonly #latentWidth: number;
  readonly #latentHeight: number;
  readonly #bands: readonly Band[];
  readonly #conditioning: Tensor;

  /** @param scale the job's spatial factor. */
  constructor(
    model: Model,
    { latentWidth, latentHeight }: { readonly latentWidth: number; readonly latentHeight: number },
    { scale, strength }: { readonly scale: number; readonly strength: number },
    bandPixels = BAND_PIXELS,
  ) {
    this.#model = model;
    this.#latentWidth = latentWidth;
    this.#latentHeight = latentHeight;
    this.#conditioning = tensor([1, 2], decoderConditioning(scale, strength));
    const { autoencoder } = model.manifest.config;
    const { latentFactor } = model.info;
    const refinement = autoencoder?.family === 'block-transform' ? autoencoder.refinement : undefined;
    const context = refinement ? Math.ceil(contextPixels(refinement) / latentFactor) : 0;
    const mostRows = Math.max(4 * context + 1, Math.floor(bandPixels / (latentWidth * latentFactor ** 2)));
    this.#bands = rowBands(latentHeight, context, mostRows);
  }

  /** Raw latents [Z, h, w] and the source [3, H, W] → the frame [3, H, W]. */
  async frame(latents: Float32Array, source: Float32Array): Promise<Float32Array> {
    const { latentChannels, latentFactor: factor } = this.#model.info;
    const width = this.#latentWidth * factor;
    /** Values of a plane that a row of latents stands for. */
    const [latentRow, row] = [this.#latentWidth, width * factor];
    const [latentPlane, plane] = [latentRow * this.#latentHeight, row * this.#latentHeight];
    const frame = this.#bands.length === 1 ? null : new Float32Array(3 * plane);
    for (const { from, to, firstKept, endKept } of this.#bands) {
      const { data } = await this.#model.decode(
        tensor(
          [1, latentChannels, to - from, this.#latentWidth],
          rowsOf(latents, latentPlane, latentRow * from, latentRow * to),
        ),
        tensor([1, 3, (to - from) * factor, width], rowsOf(source, plane, row * from, row * to)),
        this.#conditioning,
      );
      if (!frame) return data;
      for (let channel = 0; channel < 3; channel += 1) {
        const start = (channel * (to - from) - from) * row;
        frame.set(data.subarray(start + firstKept * row, start + endKept * row), channel * plane + firstKept * row);
      }
    }
    return frame!;
  }
}

/** Of every plane of `size`, the part [start, end). */
function rowsOf(values: Float32Array, size: number, start: number, end: number): Float32Array {
  if (end - start === size) return values;
  const planes = values.length / size;
  const part = new Float32Array(planes * (end - start));
  for (let i = 0; i < planes; i += 1) {
    part.set(values.subarray(i * size + start, i * size + end), i * (end - start));
  }
  return part;
}
