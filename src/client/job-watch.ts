/** Whether any tab works at a job, told by the lock that it holds. */

import { JOB_LOCK } from '../../workers/protocol.ts';

/**
 * Settles once no tab works at a job: one that was closed in the middle of a model run keeps its lock until its worker is really gone.
 * @returns whether there was anything to wait for.
 */
export async function workEnded(): Promise<boolean> {
  const { locks } = navigator;
  const held = (await locks?.query())?.held ?? [];
  if (!held.some(({ name }) => name === JOB_LOCK)) return false;
  await locks.request(JOB_LOCK, () => undefined);
  return true;
}
