/**
 * The unit noise that frames start from, drawn while their window's pictures are waited for and encoded: by a worker where there is one.
 *
 * Holds a window's new frames, one array of latents each, until they start. What isn't drawn ahead is drawn when it is asked for, to the same values.
 */

import { fillNoise, type NoiseRegion } from '../denoise/noise.ts';
import type { Window } from '../plan/job-plan.ts';
import { turn } from './pause-gate.ts';
import { PictureWorkers } from './picture-workers.ts';

export class StartNoise {
  readonly #regionOf: (frame: number) => NoiseRegion;
  readonly #signal: AbortSignal;
  readonly #drawn = new Map<number, Float32Array>();
  /** Output frames before it have started. */
  #next = 0;

  constructor(regionOf: (frame: number) => NoiseRegion, signal: AbortSignal) {
    this.#regionOf = regionOf;
    this.#signal = signal;
  }

  async drawAhead({ startFrame, endFrame }: Window): Promise<void> {
    this.#drawn.clear();
    const first = Math.max(startFrame, this.#next);
    this.#next = Math.max(this.#next, endFrame);
    const frames = Array.from({ length: Math.max(0, endFrame - first) }, (_, i) => first + i);
    const workers = PictureWorkers.shared();
    if (workers) {
      // A worker that fails need not end a job: what it owes is drawn when it is asked for.
      const drawing = frames.map(async (frame) => this.#drawn.set(frame, await workers.noise(this.#regionOf(frame))));
      await Promise.allSettled(drawing);
      return;
    }
    for (const frame of frames) {
      await turn();
      if (this.#signal.aborted) return;
      this.#drawn.set(frame, unitNoise(this.#regionOf(frame)));
    }
  }

  /** Once a frame. */
  take(frame: number): Float32Array {
    const noise = this.#drawn.get(frame) ?? unitNoise(this.#regionOf(frame));
    this.#drawn.delete(frame);
    return noise;
  }
}

/** [channels, height, width]. */
export function unitNoise(region: NoiseRegion): Float32Array {
  const noise = new Float32Array(region.channels * region.width * region.height);
  fillNoise(region, noise);
  return noise;
}
