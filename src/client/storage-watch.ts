/** Whether the worker hangs in a call to the browser's storage: it is held until that comes back, and can't tell anybody. */

import { EnhancerError } from '../../workers/errors.ts';
import type { StorageNews } from '../../workers/jobs/storage-watch.ts';

/** A large state on a slow disk takes seconds a write. */
const STUCK_AFTER_SECONDS = 60;

export class StorageWatch {
  readonly #onStuck: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(onStuck: () => void) {
    this.#onStuck = onStuck;
  }

  heard(news: Exclude<StorageNews, 'unclosed'>): void {
    this.stop();
    if (news === 'back') return;
    let left = STUCK_AFTER_SECONDS;
    // Not by one timer: that of a machine that slept would be over as it wakes, before the answer is heard.
    this.#timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      this.stop();
      this.#onStuck();
    }, 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

export function storageStuck(): EnhancerError {
  return new EnhancerError(
    'STORAGE_FAILED',
    'The browser’s storage stopped answering, as it can on a full disk.',
    'Free some disk space, close this tab and open it again: what is finished is kept.',
  );
}
