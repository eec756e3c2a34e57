/**
 * How a job is laid out in memory: windows, tiles, the autoencoder's tiles, and which of the model's parts are there together. Pure.
 */

import { decoderBytes, encoderBytes, planAutoencoder } from './autoencoder.ts';
import { runFits, tensorsFit, tileBytes } from './cost.ts';
import type { AutoencoderPlan, DeviceInfo, ModelInfo, Residency, Shot } from './job-plan.ts';
import { bestLayout, residencies } from './residency.ts';
import { chooseGrid, LEAST_TILE, type TileGrid } from './tiles.ts';
import { targetWindowFrames, type WindowShape, windowExtent, windowFrames, windowShapes } from './windows.ts';

export interface Layout {
  readonly shape: WindowShape;
  readonly grid: TileGrid;
  readonly longest: number;
  readonly stride: number;
  /** Null for a model whose parts need not take turns. */
  readonly residency: Residency | null;
  readonly autoencoder: AutoencoderPlan | undefined;
  /** Peak on the device. */
  readonly bytes: number;
}

export interface Extent {
  readonly shots: readonly Shot[];
  /** Frame-rate factor. */
  readonly factor: number;
  readonly latentWidth: number;
  readonly latentHeight: number;
}

/** Tiles this large are preferred to longer windows, and windows this long to larger tiles. */
const GOOD_TILE = 32;
const GOOD_WINDOW_FRAMES = 8;
/** Of a window, shared with the next (SPEC §2.5). */
const REFERENCE_OVERLAP = 1 / 4;

/** @param heapFits whether the page's memory holds the frames of windows that long, each bringing `stride` new ones. */
export function chooseLayout(
  extent: Extent,
  model: ModelInfo,
  device: DeviceInfo,
  budget: number,
  heapFits: (longest: number, stride: number) => boolean,
): Layout | 'too-large' | 'too-much-heap' {
  let heapRefused = false;
  const found: (Layout & { readonly tiles: number; readonly frames: number })[] = [];
  for (const { residency, model: weighed } of residencies(model)) {
    const layout = layoutAt(extent, weighed, device, budget, heapFits);
    if (layout === 'too-much-heap') heapRefused = true;
    if (typeof layout === 'string') continue;
    const tiles = layout.grid.columns * layout.grid.rows;
    const kept = model.residentWeightBytes ? residency : null;
    found.push({ ...layout, residency: kept, tiles, frames: layout.longest });
  }
  return bestLayout(found) ?? (heapRefused ? 'too-much-heap' : 'too-large');
}

/**
 * Longest windows first, then tiles as few as fit; good tiles before long windows, whatever fits after that. A model of the reference's kind
 * goes by tiles first.
 */
function layoutAt(
  { shots, factor, latentWidth, latentHeight }: Extent,
  model: ModelInfo,
  device: DeviceInfo,
  budget: number,
  heapFits: (longest: number, stride: number) => boolean,
): Omit<Layout, 'residency'> | 'too-large' | 'too-much-heap' {
  const autoencoder = planAutoencoder(model, latentWidth, latentHeight, budget - autoencoderWeightBytes(model));
  if (autoencoder === null) return 'too-large';
  // Norms and attention of the reference's kind see the whole picture: a shorter window costs them less than a cut one.
  const wholePictures = model.residentWeightBytes !== undefined;
  const { windowFrames: modelFrames } = model;
  const shapes =
    modelFrames === undefined
      ? windowShapes(factor, targetWindowFrames(shots))
      : windowShapes(factor, modelFrames, REFERENCE_OVERLAP);
  const long = shapes.filter(({ intervals }) => windowFrames(intervals, factor) >= GOOD_WINDOW_FRAMES);
  let heapRefused = false;
  const fitting: (Omit<Layout, 'residency'> & { readonly tiles: number; readonly frames: number })[] = [];
  for (const [leastTile, candidates] of [
    [GOOD_TILE, long],
    [LEAST_TILE, shapes],
  ] as const) {
    for (const shape of candidates) {
      const { longest, stride } = windowExtent(shots, factor, shape);
      const grid = chooseGrid(
        latentWidth,
        latentHeight,
        model.latentWidthRule,
        model.latentHeightRule,
        leastTile,
        (tileWidth, tileHeight) =>
          tileBytes(model, { tileWidth, tileHeight }, longest) <= budget &&
          runFits(model, device, { tileWidth, tileHeight }, longest) &&
          tensorsFit(model, device, { tileWidth, tileHeight }, longest),
      );
      if (grid === null) continue;
      if (!heapFits(longest, stride)) {
        heapRefused = true;
        continue;
      }
      const bytes = Math.max(tileBytes(model, grid, longest), autoencoderPeakBytes(model, autoencoder));
      const layout = { shape, grid, longest, stride, autoencoder, bytes };
      if (!wholePictures) return layout;
      fitting.push({ ...layout, tiles: grid.columns * grid.rows, frames: longest });
    }
    const best = bestLayout(fitting);
    if (best) return best;
  }
  return heapRefused ? 'too-much-heap' : 'too-large';
}

/** What is there beside the autoencoder's activations: everything, or where parts take turns the autoencoder alone. */
function autoencoderWeightBytes(model: ModelInfo): number {
  const { autoencoder, residentWeightBytes, weightBytes } = model;
  if (!autoencoder) return 0;
  return residentWeightBytes?.all === weightBytes ? weightBytes : autoencoder.weightBytes;
}

function autoencoderPeakBytes(model: ModelInfo, plan: AutoencoderPlan | undefined): number {
  const { autoencoder: info } = model;
  if (!info || !plan) return 0;
  const pixels = ({ latentWidth, latentHeight }: { latentWidth: number; latentHeight: number }) =>
    latentWidth * latentHeight;
  const encoding = Math.max(...plan.encoderTiles.map((tile) => encoderBytes(info, pixels(tile))));
  const decoding = Math.max(...plan.decoderTiles.map((tile) => decoderBytes(info, pixels(tile))));
  return autoencoderWeightBytes(model) + Math.max(encoding, decoding);
}
