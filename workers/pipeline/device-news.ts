/** What has become of the device behind a failure, and another one in its place. */

import { EnhancerError } from '../errors.ts';
import type { Gpu } from '../runtime/device.ts';
import { Runtime } from '../runtime/runtime.ts';
import { outOfMemory } from '../runtime/session.ts';

const LOSS_NEWS_MS = 500;
/** A machine that wakes may need a while until its GPU can be had. */
const RENEWALS = 10;
const RENEWAL_WAIT_MS = 2000;

/** Waits a moment for the news, which may come after the error. `cause` is what the person is told where nothing helps. */
export async function deviceNews(error: unknown, gpu: Gpu | null): Promise<{ cause: unknown; deviceLost: boolean }> {
  const cancelled = error instanceof EnhancerError && error.code === 'CANCELLED';
  if (!gpu || cancelled) return { cause: error, deviceLost: false };
  const lost = gpu.lost.then(() => true);
  const patience = new Promise<false>((resolve) => setTimeout(() => resolve(false), LOSS_NEWS_MS));
  const deviceLost = await Promise.race([lost, patience]);
  return { cause: !deviceLost && gpu.memoryRanOut() ? outOfMemory(error) : error, deviceLost };
}

/** A new runtime of the same provider; the old one's device is ended. @throws EnhancerError `PROVIDER_UNAVAILABLE` after a while. */
export async function renewed(old: Runtime): Promise<Runtime> {
  old.gpu?.device.destroy();
  for (let tries = 1; ; tries += 1) {
    try {
      return await Runtime.open(old.provider);
    } catch (error) {
      if (tries === RENEWALS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RENEWAL_WAIT_MS));
    }
  }
}
