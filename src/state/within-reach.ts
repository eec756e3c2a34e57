/** Questions to the browser's storage, which on a full disk can be out of reach for a while. */

import { toErrorData } from '../../workers/errors.ts';

const AGAIN_MS = 3000;

export function isOutOfReach(error: unknown): boolean {
  return toErrorData(error).code === 'STORAGE_FAILED';
}

/**
 * Asks after a while, and again until there is an answer.
 * @param isWanted whether anybody still waits for it.
 * @throws what else the question fails with; the last `STORAGE_FAILED` where nobody waits any more.
 */
export async function whenWithinReach<T>(ask: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    try {
      return await ask();
    } catch (error) {
      if (!isOutOfReach(error) || !isWanted()) throw error;
    }
  }
}
