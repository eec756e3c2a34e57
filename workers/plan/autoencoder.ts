/** How a large autoencoder gets through a picture: tiles of the latent plane that fit, for encoding and for decoding. Pure. */

import type { AutoencoderPartInfo, AutoencoderPlan, ModelInfo, Tile } from './job-plan.ts';
import { chooseGrid, LEAST_TILE, layTiles, REFERENCE_TILES } from './tiles.ts';

/** Sides of its tiles may be any: it is the networks' grid that has rules, and its latents are the same. */
const ANY = { modulus: 1, remainder: 0 };

/** Peak bytes while one tile of that many latent pixels is encoded or decoded, without weights. */
export function autoencoderBytes(part: AutoencoderPartInfo, tilePixels: number): number {
  const pooled = tilePixels <= part.pooledPixels;
  return tilePixels * (pooled ? part.pooledBytesPerLatentPixel : part.bytesPerLatentPixel);
}

/**
 * @param budgetBytes for activations, weights already taken off.
 * @returns undefined for a model without such an autoencoder, null where not even small tiles fit.
 */
export function planAutoencoder(
  { autoencoder: info }: ModelInfo,
  latentWidth: number,
  latentHeight: number,
  budgetBytes: number,
): AutoencoderPlan | null | undefined {
  if (!info) return undefined;
  const tiles = (part: AutoencoderPartInfo): Tile[] | null => {
    const fits = (width: number, height: number) => autoencoderBytes(part, width * height) <= budgetBytes;
    const grid = chooseGrid(latentWidth, latentHeight, ANY, ANY, LEAST_TILE, REFERENCE_TILES, fits);
    return grid && layTiles(latentWidth, latentHeight, grid);
  };
  const encoderTiles = tiles(info.encoder);
  const decoderTiles = tiles(info.decoder);
  if (!encoderTiles || !decoderTiles) return null;
  return { encoderTiles, decoderTiles, decoderFrames: info.decoderFrames, decoderOverlap: info.decoderOverlap };
}
