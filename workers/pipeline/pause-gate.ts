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

  /**
   * Waits while paused. Also lets the worker hear messages, a cancel above all.
   *
   * @param held called before it waits: nothing else runs now.
   * @returns milliseconds that it waited. @throws EnhancerError `CANCELLED`.
   */
  async pass(signal: AbortSignal, held?: () => Promise<void> | void): Promise<number> {
    await turn();
    throwIfAborted(signal);
    if (!this.#opened) return 0;
    const start = performance.now();
    await held?.();
    while (this.#opened) {
      await Promise.race([this.#opened, aborted(signal)]);
      throwIfAborted(signal);
    }
    return performance.now() - start;
  }
}

/** A turn of the event loop, behind all messages that are there. Not by a timer: browsers hold one that a timer sets back for four milliseconds. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
