/** A journal's packets as a playable file: the whole job's, or as much as is finished. Costs its bytes on disk once more. */

import { EnhancerError } from '../errors.ts';
import { handleTarget, type MuxInput, muxMp4 } from '../media/mux.ts';
import { storageError } from './byte-file.ts';
import type { JobStore } from './job-store.ts';
import type { Journal } from './journal.ts';

export type MuxOptions = Omit<MuxInput, 'video'>;

export interface MuxedOutput {
  readonly output: File;
  readonly audioTracksCopied: number;
}

/** @throws EnhancerError `NO_FRAMES` when nothing is finished, `QUOTA_EXCEEDED`, `STORAGE_FAILED`, `ENCODE_FAILED`, `CANCELLED`. */
export async function muxJournal<Extra>(
  store: JobStore,
  journal: Journal<Extra>,
  name: string,
  options: MuxOptions,
): Promise<MuxedOutput> {
  const { decoderConfig, packetCount } = journal;
  if (!decoderConfig) {
    throw new EnhancerError('NO_FRAMES', 'No part of this clip is finished yet.', 'Go on with the job, or discard it.');
  }
  const video = { decoderConfig, packetCount, packets: () => journal.packets() };
  let file: Awaited<ReturnType<JobStore['createOutput']>> | null = null;
  try {
    file = await store.createOutput(name);
    const audioTracksCopied = await muxMp4({ ...options, video }, handleTarget(file.handle));
    return { output: await file.finish(), audioTracksCopied };
  } catch (error) {
    await file?.drop();
    throw error instanceof DOMException ? storageError(error) : error;
  }
}
