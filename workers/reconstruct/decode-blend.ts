/**
 * Putting decoded pieces together: tiles of the picture plane with ramps, windows of frames with a cross-fade, as for x0, and
 * the reference's Gaussian tile weights (SPEC §2.6) for parity.
 */

import { crossFade, crossFadeWeight } from '../denoise/blend.ts';
import type { Tile } from '../plan/job-plan.ts';

/** A latent tile as pixels of the padded picture. */
export function pixelTile(tile: Tile, factor: number): Tile {
  return {
    latentX: tile.latentX * factor,
    latentY: tile.latentY * factor,
    latentWidth: tile.latentWidth * factor,
    latentHeight: tile.latentHeight * factor,
    overlapLeft: tile.overlapLeft * factor,
    overlapTop: tile.overlapTop * factor,
    overlapRight: tile.overlapRight * factor,
    overlapBottom: tile.overlapBottom * factor,
  };
}

/**
 * Gaussian weights of one axis of a reference tile of n pixels: exp(−(i−c)²/(2·0.02·n²))/√(2π·0.02), with c = (n−1)/2 across
 * and n/2 down, as the reference has it.
 */
export function referenceTileWeights(n: number, axis: 'across' | 'down'): Float64Array {
  const variance = 0.02;
  const centre = axis === 'across' ? (n - 1) / 2 : n / 2;
  const norm = 1 / Math.sqrt(2 * Math.PI * variance);
  return Float64Array.from({ length: n }, (_, i) => norm * Math.exp(-((i - centre) ** 2) / (n * n * 2 * variance)));
}

/**
 * Cross-fades overlapping windows of decoded frames as they come (SPEC §2.6: 5 latent frames, 2 shared; spans from
 * `plan/reference`), and gives out each frame once, as soon as no later window can touch it. Holds one window.
 */
export class WindowBlender {
  #start = 0;
  #frames: Float32Array[] = [];

  /**
   * Takes the window that starts at `startFrame`; keeps its arrays. Returns the frames before it, final.
   * @throws RangeError where it leaves a gap or goes back behind the last one.
   */
  push(startFrame: number, frames: readonly Float32Array[]): Float32Array[] {
    if (this.#frames.length === 0) {
      this.#start = startFrame;
      this.#frames = [...frames];
      return [];
    }
    const overlap = this.#start + this.#frames.length - startFrame;
    if (startFrame < this.#start || overlap < 0 || overlap > frames.length) {
      throw new RangeError(`a window at frame ${startFrame} does not follow one at ${this.#start}`);
    }
    const final = this.#frames.splice(0, startFrame - this.#start);
    this.#frames.forEach((older, j) => {
      crossFade(older, frames[j]!, crossFadeWeight(j, overlap));
    });
    this.#frames.push(...frames.slice(overlap));
    this.#start = startFrame;
    return final;
  }

  /** What is left after the last window. */
  flush(): Float32Array[] {
    const rest = this.#frames;
    this.#frames = [];
    return rest;
  }
}
