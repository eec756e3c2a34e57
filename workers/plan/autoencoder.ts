/** How a large autoencoder gets through a picture: tiles of the latent plane that fit, for encoding and for decoding. Pure. */

import type { AutoencoderInfo, AutoencoderPlan, ModelInfo, Tile } from './job-plan.ts';
import { chooseGrid, LEAST_TILE, layTiles } from './tiles.ts';

/** Sides of its tiles may be any: it is the networks' grid that has rules, and its latents are the same. */
const ANY = { modulus: 1, remainder: 0 };

/** Peak bytes while one tile of that many latent pixels is decoded, without weights. */
export function decoderBytes(info: AutoencoderInfo, tilePixels: number): number {
  return info.decoderFrames * bytesOf(info.decoderBytesPerLatentPixel, info, tilePixels);
}

/** The same of encoding, which goes frame by frame. */
export function encoderBytes(info: AutoencoderInfo, tilePixels: number): number {
  return bytesOf(info.encoderBytesPerLatentPixel, info, tilePixels);
}

function bytesOf(perPixel: number, info: AutoencoderInfo, pixels: number): number {
  return perPixel * pixels + info.attentionBytesPerSquaredLatentPixel * pixels * pixels;
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
  const tiles = (bytes: (pixels: number) => number): Tile[] | null => {
    const fits = (width: number, height: number) => bytes(width * height) <= budgetBytes;
    const grid = chooseGrid(latentWidth, latentHeight, ANY, ANY, LEAST_TILE, fits);
    return grid && layTiles(latentWidth, latentHeight, grid);
  };
  const encoderTiles = tiles((pixels) => encoderBytes(info, pixels));
  const decoderTiles = tiles((pixels) => decoderBytes(info, pixels));
  if (!encoderTiles || !decoderTiles) return null;
  return { encoderTiles, decoderTiles, decoderFrames: info.decoderFrames, decoderOverlap: info.decoderOverlap };
}
