/**
 * Blending: temporal cross-fade of overlapping windows (SPEC §2.5) and linear ramps between spatial tiles. Both are partitions
 * of unity by construction, so nothing is divided by a sum of weights. One multiply-add a value.
 */

import type { Tile } from '../plan/job-plan.ts';

/** Weight of the newer window at frame j of an overlap of `overlap` frames: j/overlap, so that its first frame is fully the older's. */
export function crossFadeWeight(j: number, overlap: number): number {
  return j < overlap ? j / overlap : 1;
}

/** older += weight·(newer − older). */
export function crossFade(older: Float32Array, newer: Float32Array, weight: number): void {
  if (weight === 1) {
    older.set(newer);
    return;
  }
  for (let i = 0; i < older.length; i++) older[i] = older[i]! + weight * (newer[i]! - older[i]!);
}

/** Weights along one axis of a tile: half-sample linear ramps over its overlaps, which its neighbours' ramps complete to 1. */
export function rampWeights(length: number, overlapBefore: number, overlapAfter: number): Float32Array {
  const weights = new Float32Array(length).fill(1);
  for (let j = 0; j < overlapBefore; j++) weights[j] = (j + 0.5) / overlapBefore;
  for (let j = 0; j < overlapAfter; j++) {
    const at = length - overlapAfter + j;
    weights[at] = weights[at]! * (1 - (j + 0.5) / overlapAfter);
  }
  return weights;
}

/** Copies a tile of a [planes, height, width] frame to [planes, tileHeight, tileWidth] at `offset`. */
export function extractTile(
  frame: Float32Array,
  planes: number,
  width: number,
  height: number,
  tile: Tile,
  out: Float32Array,
  offset = 0,
): void {
  const { latentX, latentY, latentWidth, latentHeight } = tile;
  let to = offset;
  for (let p = 0; p < planes; p++) {
    let from = (p * height + latentY) * width + latentX;
    for (let y = 0; y < latentHeight; y++) {
      out.set(frame.subarray(from, from + latentWidth), to);
      from += width;
      to += latentWidth;
    }
  }
}

/** Adds a tile's values, from `offset` of `values`, weighted by its ramps, to a [planes, height, width] frame. */
export function accumulateTile(
  frame: Float32Array,
  planes: number,
  width: number,
  height: number,
  tile: Tile,
  values: Float32Array,
  offset = 0,
): void {
  const { latentX, latentY, latentWidth, latentHeight } = tile;
  const across = rampWeights(latentWidth, tile.overlapLeft, tile.overlapRight);
  const down = rampWeights(latentHeight, tile.overlapTop, tile.overlapBottom);
  let from = offset;
  for (let p = 0; p < planes; p++) {
    for (let y = 0; y < latentHeight; y++) {
      const weight = down[y]!;
      const to = (p * height + latentY + y) * width + latentX;
      for (let x = 0; x < latentWidth; x++) {
        frame[to + x] = frame[to + x]! + weight * across[x]! * values[from + x]!;
      }
      from += latentWidth;
    }
  }
}
