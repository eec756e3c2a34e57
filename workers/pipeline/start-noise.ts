/**
 * The unit noise that frames start from, drawn while their window's first pictures are waited for: then the engine's thread has nothing else to do.
 *
 * Holds a window's new frames, one array of latents each, until they start. What isn't drawn ahead is drawn when it is asked for, to the same values.
 */

import type { Window } from '../plan/job-plan.ts';
import { turn } from './pause-gate.ts';

export class StartNoise {
  readonly #draw: (frame: number) => Float32Array;
  readonly #signal: AbortSignal;
  readonly #drawn = new Map<number, Float32Array>();
  /** Output frames before it have started. */
  #next = 0;

  constructor(draw: (frame: number) => Float32Array, signal: AbortSignal) {
    this.#draw = draw;
    this.#signal = signal;
  }

  /** A frame a turn of the event loop, so that whatever else comes goes first. */
  async drawAhead({ startFrame, endFrame }: Window): Promise<void> {
    this.#drawn.clear();
    for (let frame = Math.max(startFrame, this.#next); frame < endFrame; frame += 1) {
      await turn();
      if (this.#signal.aborted) return;
      this.#drawn.set(frame, this.#draw(frame));
    }
    this.#next = Math.max(this.#next, endFrame);
  }

  /** Once a frame. */
  take(frame: number): Float32Array {
    const noise = this.#drawn.get(frame) ?? this.#draw(frame);
    this.#drawn.delete(frame);
    return noise;
  }
}
