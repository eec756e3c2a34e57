/** A journal's packets as a playable file: the whole job's, or as much as is finished. Costs its bytes on disk once more, or in memory where the disk is full. */

import { EnhancerError, toErrorData } from '../errors.ts';
import { handleTarget, type MuxInput, muxMp4 } from '../media/mux.ts';
import { storageError } from './byte-file.ts';
import { type JobStore, memoryOutput, type OutputFile } from './job-store.ts';
import type { Journal } from './journal.ts';

/** Of packets, for a file that has no room on disk. */
const MAX_MEMORY_BYTES = 512 * 2 ** 20;

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
  try {
    return await written(await store.createOutput(name), { ...options, video });
  } catch (error) {
    const cause = error instanceof DOMException ? storageError(error) : error;
    if (toErrorData(cause).code !== 'QUOTA_EXCEEDED' || journal.bytes > MAX_MEMORY_BYTES) throw cause;
    // What is finished can be had on a full disk too.
    return written(memoryOutput(name), { ...options, video });
  }
}

async function written(file: OutputFile, input: MuxInput): Promise<MuxedOutput> {
  try {
    const audioTracksCopied = await muxMp4(input, handleTarget(file.handle));
    return { output: await file.finish(), audioTracksCopied };
  } catch (error) {
    await file.drop();
    throw error instanceof DOMException ? storageError(error) : error;
  }
}
