/**
 * A wait for something outside this thread (a codec) that ends one day. Counts the time in which an answer could have been heard: a thread that was in
 * the middle of a model run for minutes, or a machine that slept, comes back to a wait that has hardly begun.
 */

const TICK_MS = 1000;

/**
 * @param limitMs counted in seconds that this thread was there for.
 * @param stuck what it rejects with after so many.
 */
export async function answeredWithin<T>(work: Promise<T>, limitMs: number, stuck: () => Error): Promise<T> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let left = Math.ceil(limitMs / TICK_MS);
  const limit = new Promise<never>((_, reject) => {
    // However late it is, an interval's turn comes once.
    timer = setInterval(() => {
      left -= 1;
      if (left <= 0) reject(stuck());
    }, TICK_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearInterval(timer);
  }
}
