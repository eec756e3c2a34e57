/** A job for its pictures alone: previews, tests, measurements. Nothing is encoded, kept or told unless asked for; costs and limits are the job's. */

import type { FinishedPicture } from '../reconstruct/finish.ts';
import { type JobInput, JobRun } from './job.ts';
import { PauseGate } from './pause-gate.ts';
import { solverProgram } from './program.ts';

type Given = Pick<JobInput, 'clip' | 'plan' | 'settings' | 'model'> & Partial<Omit<JobInput, 'openSegment'>>;

/** @param take is handed every picture, in order, and waited for. */
export function pictureRun(given: Given, take: (picture: FinishedPicture) => Promise<void> | void): JobRun {
  return new JobRun({
    program: solverProgram(given.settings, given.model.manifest),
    gate: new PauseGate(),
    signal: new AbortController().signal,
    gpuLedgerBytes: () => 0,
    onProgress() {},
    onFrame() {},
    ...given,
    openSegment: () => ({ write: async (picture) => take(picture), async finish() {}, close() {} }),
  });
}
