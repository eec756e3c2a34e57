/** Lets work through while open, holds it while closed. Passed between model runs, so a pause takes effect within one. */

import { throwIfAborted } from '../errors.ts';

export class PauseGate {
  #open: (() => void) | null = null;
  #opened: Promise<void> | null = null;

  get paused(): boolean {
    return this.#opened !== null;
  }

  pause(): void {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#open?.();
    this.#open = null;
    this.#opened = null;
  }

  /** Waits while paused. Also lets the worker hear messages, a cancel above all. @throws EnhancerError `CANCELLED`. */
  async pass(signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    while (this.#opened) {
      await Promise.race([this.#opened, aborted(signal)]);
      throwIfAborted(signal);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
