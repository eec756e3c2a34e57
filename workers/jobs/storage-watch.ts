/**
 * What a worker's page has to know of its files, since a sync access handle holds the whole worker until the browser has answered.
 *
 * On a full disk Chromium 156 was seen not to answer for as long as anybody looked, most likely as a file that had been written to was closed: a job that had stopped with
 * its error could not tell it. So the page hears when a call begins and when it has come back; and once a write has found no room, files that were written to are
 * left open, and the page ends the worker, which frees them without a wait. Costs two messages a call.
 */

import type { ByteFile } from './byte-file.ts';

/** A call begins, has come back, or is left out: some file is still open. */
export type StorageNews = 'begun' | 'back' | 'unclosed';

/** As a worker sends it: between `begun` and `back` it hears and says nothing. */
export interface StorageEvent {
  readonly kind: 'storage';
  readonly news: StorageNews;
}

let tell: ((news: StorageNews) => void) | null = null;
let full = false;

/** @param listener who ends this worker when it hears of what is unclosed. Without, all files are closed. */
export function tellOfStorage(listener: ((news: StorageNews) => void) | null): void {
  tell = listener;
  full = false;
}

/** The same file; its calls are told of. */
export function watched(file: ByteFile): ByteFile {
  let isWritten = false;
  return {
    read: (buffer, options) => file.read(buffer, options),
    getSize: () => file.getSize(),
    write(buffer, options) {
      isWritten = true;
      let written = 0;
      try {
        written = told(() => file.write(buffer, options));
      } finally {
        // Thrown, or answered with less, or with a number of its own (`media/whole-write.ts`).
        full ||= written !== buffer.byteLength;
      }
      return written;
    },
    truncate: (bytes) => told(() => file.truncate(bytes)),
    flush: () => told(() => file.flush()),
    close() {
      if (tell && full && isWritten) tell('unclosed');
      else told(() => file.close());
    },
  };
}

function told<T>(call: () => T): T {
  tell?.('begun');
  try {
    return call();
  } finally {
    tell?.('back');
  }
}
