/**
 * A package's files, read from a folder of the page's own address.
 *
 * What the browser keeps of them lies on its disk. Where that is full, it has been seen to break a read off (ERR_CACHE_READ_FAILURE), and a job to wait for
 * the rest of one: a read that fails, or stands still, is made once more past the browser's cache.
 */

import { answeredWithin } from '../media/patience.ts';
import type { PackageSource } from './package.ts';

const STANDS_STILL_MS = 20_000;

/** @param folder ends in a slash. */
export function urlSource(folder: string, standsStillMs = STANDS_STILL_MS): PackageSource {
  return {
    async read(name) {
      const url = new URL(name, folder);
      try {
        return await readWhole(url, 'default', standsStillMs);
      } catch (error) {
        // It was answered: there is no such file.
        if (error instanceof RangeError) throw error;
        return readWhole(url, 'no-store', 3 * standsStillMs);
      }
    },
  };
}

/** @throws RangeError where it is not there. */
async function readWhole(url: URL, cache: RequestCache, standsStillMs: number): Promise<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const stuck = () => new Error(`nothing more came of ${url.pathname}`);
  const answered = <T>(step: Promise<T>): Promise<T> => answeredWithin(step, standsStillMs, stuck);
  try {
    const response = await answered(fetch(url, { cache, signal: abort.signal }));
    if (!response.ok) throw new RangeError(`${response.status} for ${url.pathname}`);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await answered(reader.read());
      if (done) break;
      parts.push(value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } finally {
    abort.abort();
  }
}
