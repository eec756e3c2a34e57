/**
 * A layout by its exact peak on a GPU (`ModelInfo.peakBytes`). {@link chooseLayout} goes by figures per latent pixel, which a provider's pool of buffers follows only
 * roughly; what it chooses is worked out, and chosen anew with its figures corrected, until the layout fits and no larger one would. Pure.
 */

import type { DeviceInfo, LatentSize, ModelInfo, Tile } from './job-plan.ts';
import { chooseLayout, type Extent, type HeapFits, type Layout } from './layout.ts';
import { referenceWindows } from './reference.ts';
import { bestLayout } from './residency.ts';
import { planWindows } from './windows.ts';

/** Each costs the building of graphs for sizes not seen before. */
const MOST_PEAKS = 5;
const MOST_ATTEMPTS = 12;
/** How much less, at most, a layout may take than {@link chooseLayout} thinks. */
const HOPE = 0.5;
/** Corrections that differ by less choose alike. */
const ALIKE = 1.03;

/** As {@link chooseLayout}. */
export function fittedLayout(
  extent: Extent,
  model: ModelInfo,
  device: DeviceInfo,
  budget: number,
  heapFits: HeapFits,
): Layout | 'too-large' | 'too-much-heap' {
  const choose = (correction: number) => chooseLayout(extent, corrected(model, correction), device, budget, heapFits);
  if (!model.peakBytes || device.provider !== 'webgpu') return choose(1);
  const fitting: (Layout & { readonly tiles: number; readonly frames: number })[] = [];
  const peaks = new Map<string, number>();
  let refusal: 'too-large' | 'too-much-heap' = 'too-large';
  let correction = 1;
  // A lower correction chooses larger layouts: below `over` they are too large, from `enough` on they fit.
  let over = HOPE;
  let enough = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < MOST_ATTEMPTS && enough / over > ALIKE; attempt++) {
    const layout = choose(correction);
    if (typeof layout === 'string') {
      refusal = layout;
      if (layout === 'too-much-heap') break;
      enough = Math.min(enough, correction);
      correction = between(over, enough, over);
      continue;
    }
    const key = JSON.stringify([layout.residency, layout.longest, layout.grid, layout.autoencoder]);
    const known = peaks.get(key);
    if (known === undefined && peaks.size === MOST_PEAKS) break;
    const bytes = known ?? peakOf(layout, extent, model);
    peaks.set(key, bytes);
    if (bytes <= budget) {
      const { columns, rows } = layout.grid;
      fitting.push({ ...layout, bytes, tiles: columns * rows, frames: layout.longest });
      // A small model's layouts are chosen for what they look like: its figures only keep them from being too large.
      if (!model.residentWeightBytes) break;
      enough = Math.min(enough, correction);
    } else {
      over = Math.max(over, correction);
    }
    const weights = model.residentWeightBytes?.[layout.residency ?? 'all'] ?? model.weightBytes;
    const found = (correction * Math.max(1, bytes - weights)) / Math.max(1, layout.bytes - weights);
    correction = between(over, enough, found);
  }
  return bestLayout(fitting) ?? refusal;
}

/** What was found where it lies between the two, else their middle. */
function between(over: number, enough: number, found: number): number {
  if (found > over * ALIKE && found * ALIKE < enough) return found;
  return enough === Number.POSITIVE_INFINITY ? over * 1.25 : Math.sqrt(over * enough);
}

/** What a layout takes at its peak. */
function peakOf(layout: Layout, { shots, factor, latentWidth, latentHeight }: Extent, model: ModelInfo): number {
  const { autoencoder, grid } = layout;
  const plane = { latentWidth, latentHeight };
  const sizeOf = (tiles: readonly Tile[] | undefined): LatentSize => tiles?.[0] ?? plane;
  const windows = planWindows(shots, factor, layout.shape);
  const decoded = windows.flatMap(({ startFrame, endFrame }, index) => {
    if (!autoencoder) return [1];
    const end = Math.min(endFrame, windows[index + 1]?.startFrame ?? endFrame);
    const spans = referenceWindows(end - startFrame, autoencoder.decoderFrames, autoencoder.decoderOverlap);
    return spans.map(([from, to]) => to - from);
  });
  return model.peakBytes!({
    residency: layout.residency ?? 'all',
    frames: once(windows.map(({ startFrame, endFrame }) => endFrame - startFrame)),
    tile: { latentWidth: grid.tileWidth, latentHeight: grid.tileHeight },
    encoderTile: sizeOf(autoencoder?.encoderTiles),
    decoderTile: sizeOf(autoencoder?.decoderTiles),
    decoderFrames: once(decoded),
  });
}

/** Largest first. */
function once(counts: readonly number[]): number[] {
  return [...new Set(counts)].sort((a, b) => b - a);
}

/** The model as {@link chooseLayout} is to see it. */
function corrected(model: ModelInfo, correction: number): ModelInfo {
  if (correction === 1) return model;
  const { activationBytesPerLatentPixel: perPixel, activationSamples: samples, autoencoder } = model;
  const part = <T extends { readonly pooledBytesPerLatentPixel: number; readonly bytesPerLatentPixel: number }>(
    info: T,
  ) => ({
    ...info,
    pooledBytesPerLatentPixel: info.pooledBytesPerLatentPixel * correction,
    bytesPerLatentPixel: info.bytesPerLatentPixel * correction,
  });
  return {
    ...model,
    activationBytesPerLatentPixel: perPixel * correction,
    ...(samples ? { activationSamples: samples.map(([pixels, bytes]) => [pixels, bytes * correction] as const) } : {}),
    ...(autoencoder
      ? { autoencoder: { ...autoencoder, encoder: part(autoencoder.encoder), decoder: part(autoencoder.decoder) } }
      : {}),
  };
}
