/**
 * What a worker tells of its storage: whether it hangs in a call, where it is held until that comes back and can't tell anybody; and whether it
 * has files open that only its end frees (`workers/jobs/storage-watch.ts`).
 */

import { EnhancerError } from '../../workers/errors.ts';
import type { StorageNews } from '../../workers/jobs/storage-watch.ts';

/** A large state on a slow disk takes seconds a write. */
const STUCK_AFTER_SECONDS = 60;

export class StorageWatch {
  readonly #onStuck: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Whether the worker is to be ended as soon as it has answered. */
  unclosed = false;

  constructor(onStuck: () => void) {
    this.#onStuck = onStuck;
  }

  heard(news: StorageNews): void {
    if (news === 'unclosed') this.unclosed = true;
    else this.#listen(news === 'begun');
  }

  /** With the worker. */
  stop(): void {
    this.unclosed = false;
    this.#listen(false);
  }

  #listen(isUnderWay: boolean): void {
    clearInterval(this.#timer);
    if (!isUnderWay) return;
    let left = STUCK_AFTER_SECONDS;
    // Not by one timer: that of a machine that slept would be over as it wakes, before the answer is heard.
    this.#timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      this.stop();
      this.#onStuck();
    }, 1000);
  }
}

export function storageStuck(): EnhancerError {
  return new EnhancerError(
    'STORAGE_FAILED',
    'The browser’s storage stopped answering, as it can on a full disk.',
    'Free some disk space, close this tab and open it again: what is finished is kept.',
  );
}
