/** The private copy of a job's clip, and whether there is room for it. Costs the clip's bytes on disk, once. */

import type { JobStore } from '../jobs/job-store.ts';
import type { JobJournal } from './journal-keeper.ts';

/** Free space that the origin may use; null where the browser doesn't say. */
export async function freeStorageBytes(): Promise<number | null> {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota === undefined) return null;
  return estimate.quota - (estimate.usage ?? 0);
}

/** A copy that can't be made costs the job nothing, neither time nor the space that it needs itself. */
export async function keptSource(store: JobStore, journal: JobJournal, file: File): Promise<void> {
  try {
    const free = await freeStorageBytes();
    if (free !== null && free < file.size + journal.job.plan.bytes.storage) throw new RangeError('it would not fit');
    await store.keepSource(journal.job.id, file);
  } catch {
    journal.mark({ notice: 'There was no space to keep a copy of the clip with the job.' });
  }
}
