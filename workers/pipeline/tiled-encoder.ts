/** A picture to its latents, tile by tile where the whole plane would not fit. Holds one tile beside the result. */

import { accumulateTile, extractTile } from '../denoise/blend.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { pixelTile } from '../reconstruct/decode-blend.ts';
import { tensor } from '../tensor.ts';
import type { Model } from './model.ts';

/**
 * @param picture [3, H, W] of the padded size.
 * @param noise [Z, h, w] to draw from the posterior with; null for its mean.
 * @returns raw latents [Z, h, w].
 */
export async function encodePicture(
  picture: Float32Array,
  noise: Float32Array | null,
  plan: JobPlan,
  model: Model,
): Promise<Float32Array> {
  const { latentWidth, latentHeight, paddedWidth, paddedHeight } = plan;
  const tiles = plan.autoencoder?.encoderTiles ?? [];
  if (tiles.length <= 1) return (await model.encode(tensor([1, 3, paddedHeight, paddedWidth], picture), noise)).data;
  const { latentChannels: channels, latentFactor } = model.info;
  const latents = new Float32Array(channels * latentWidth * latentHeight);
  for (const tile of tiles) {
    const pixels = pixelTile(tile, latentFactor);
    const part = tensor([1, 3, pixels.latentHeight, pixels.latentWidth]);
    extractTile(picture, 3, paddedWidth, paddedHeight, pixels, part.data);
    const drawn = noise && new Float32Array(channels * tile.latentWidth * tile.latentHeight);
    if (noise && drawn) extractTile(noise, channels, latentWidth, latentHeight, tile, drawn);
    const { data } = await model.encode(part, drawn);
    accumulateTile(latents, channels, latentWidth, latentHeight, tile, data);
  }
  return latents;
}
