/**
 * How a job is laid out in memory: windows, tiles, the autoencoder's tiles, and which of the model's parts are there together. Pure.
 */

import { autoencoderBytes, planAutoencoder } from './autoencoder.ts';
import { runFits, tensorsFit, tileBytes } from './cost.ts';
import type { AutoencoderPlan, DeviceInfo, ModelInfo, Residency, Shot, Tile } from './job-plan.ts';
import { bestLayout, residencies } from './residency.ts';
import { chooseGrid, gridLatents, LEAST_TILE, type TileGrid, tileStyle } from './tiles.ts';
import {
  referenceShapes,
  sharesEnough,
  targetWindowFrames,
  type WindowShape,
  windowExtent,
  windowFrames,
  windowShapes,
} from './windows.ts';

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
  /** Over that of the job in one piece. */
  readonly work: number;
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
/** Of the work of the job in one piece: more only where memory leaves no choice. */
export const MOST_WORK = 1.3;

/** Whether the page's memory holds the frames of windows that long, each bringing `stride` new ones, and what passes for a tile of so many latent pixels. */
export type HeapFits = (longest: number, stride: number, tilePixels: number) => boolean;

export function chooseLayout(
  extent: Extent,
  model: ModelInfo,
  device: DeviceInfo,
  budget: number,
  heapFits: HeapFits,
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
 * Windows that share enough frames and good tiles before whatever fits. Of those the first, windows from long to short, that does little work twice, else
 * what does least: windows that share fewer frames then too. A model of the reference's kind goes by tiles first.
 */
function layoutAt(
  { shots, factor, latentWidth, latentHeight }: Extent,
  model: ModelInfo,
  device: DeviceInfo,
  budget: number,
  heapFits: HeapFits,
): Omit<Layout, 'residency'> | 'too-large' | 'too-much-heap' {
  const together = allTogether(model);
  const room = budget - autoencoderWeightBytes(model);
  const autoencoder = planAutoencoder(model, latentWidth, latentHeight, together ? room / 2 : room);
  if (autoencoder === null) return 'too-large';
  // Buffers stay in the provider's pool while there is a session: the networks' and the autoencoder's are of other sizes.
  const pooled = together ? autoencoderActivationBytes(model, autoencoder) : 0;
  // Norms and attention of the reference's kind see the whole picture: a shorter window costs them less than a cut one.
  const wholePictures = model.residentWeightBytes !== undefined;
  const { windowFrames: modelFrames } = model;
  const shapes =
    modelFrames === undefined
      ? targetWindowFrames(shots).flatMap((frames) => windowShapes(factor, frames))
      : referenceShapes(factor, modelFrames, REFERENCE_OVERLAP);
  const frameCount = shots.reduce((sum, { startFrame, endFrame }) => sum + endFrame - startFrame, 0);
  let heapRefused = false;
  const fitting: Fitting[] = [];
  for (const candidates of preferences(shapes, factor, wholePictures)) {
    for (const { shape, leastTile } of candidates) {
      const { longest, stride, total } = windowExtent(shots, factor, shape);
      const deviceFits = (tileWidth: number, tileHeight: number) =>
        tileBytes(model, { tileWidth, tileHeight }, longest) + pooled <= budget &&
        runFits(model, device, { tileWidth, tileHeight }, longest) &&
        tensorsFit(model, device, { tileWidth, tileHeight }, longest);
      const gridOf = (fits: typeof deviceFits) =>
        chooseGrid(
          latentWidth,
          latentHeight,
          model.latentWidthRule,
          model.latentHeightRule,
          leastTile,
          tileStyle(model),
          fits,
        );
      const grid = gridOf((width, height) => heapFits(longest, stride, width * height) && deviceFits(width, height));
      if (grid === null) {
        heapRefused ||= gridOf(deviceFits) !== null;
        continue;
      }
      const bytes = Math.max(tileBytes(model, grid, longest) + pooled, autoencoderPeakBytes(model, autoencoder));
      const work = (total / frameCount) * (gridLatents(grid) / (latentWidth * latentHeight));
      const layout = { shape, grid, longest, stride, autoencoder, bytes, work };
      if (!wholePictures && work <= MOST_WORK) return layout;
      fitting.push({ ...layout, tiles: grid.columns * grid.rows, frames: longest });
    }
    const best = wholePictures ? bestLayout(fitting) : null;
    if (best) return best;
  }
  const least = leastWork(fitting);
  if (least) return least;
  return heapRefused ? 'too-much-heap' : 'too-large';
}

interface Candidate {
  readonly shape: WindowShape;
  readonly leastTile: number;
}

/** What to choose from, and what only where nothing of that fits. */
function preferences(shapes: readonly WindowShape[], factor: number, wholePictures: boolean): Candidate[][] {
  const long = shapes.filter((shape) => windowFrames(shape, factor) >= GOOD_WINDOW_FRAMES);
  const good = long.filter(sharesEnough);
  const tiled = (leastTile: number, which: readonly WindowShape[]) => which.map((shape) => ({ shape, leastTile }));
  if (wholePictures) return [tiled(GOOD_TILE, long), tiled(LEAST_TILE, shapes)];
  return [
    [...tiled(GOOD_TILE, good), ...tiled(LEAST_TILE, good)],
    [...tiled(GOOD_TILE, long), ...tiled(LEAST_TILE, shapes)],
  ];
}

interface Fitting extends Omit<Layout, 'residency'> {
  readonly tiles: number;
  readonly frames: number;
}

function leastWork(layouts: readonly Fitting[]): Fitting | null {
  return layouts.reduce<Fitting | null>((best, each) => (best === null || each.work < best.work ? each : best), null);
}

/** A model with an autoencoder of its own kind, none of whose parts make way for others. */
function allTogether({ autoencoder, residentWeightBytes, weightBytes }: ModelInfo): boolean {
  return autoencoder !== undefined && residentWeightBytes?.all === weightBytes;
}

/** What is there beside the autoencoder's activations: everything, or where parts take turns the autoencoder alone. */
function autoencoderWeightBytes(model: ModelInfo): number {
  if (!model.autoencoder) return 0;
  return allTogether(model) ? model.weightBytes : model.autoencoder.weightBytes;
}

function autoencoderActivationBytes({ autoencoder: info }: ModelInfo, plan: AutoencoderPlan | undefined): number {
  if (!info || !plan) return 0;
  const pixels = ({ latentWidth, latentHeight }: Tile) => latentWidth * latentHeight;
  const encoding = plan.encoderTiles.map((tile) => autoencoderBytes(info.encoder, pixels(tile)));
  const decoding = plan.decoderTiles.map((tile) => autoencoderBytes(info.decoder, pixels(tile)));
  return Math.max(...encoding, ...decoding);
}

function autoencoderPeakBytes(model: ModelInfo, plan: AutoencoderPlan | undefined): number {
  return autoencoderWeightBytes(model) + autoencoderActivationBytes(model, plan);
}
