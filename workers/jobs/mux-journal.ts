/** A journal's packets as a playable file: the whole job's, or as much as is finished. Costs its bytes on disk once more, or in memory where the disk is full. */

import { EnhancerError, toErrorData } from '../errors.ts';
import type { EncodedVideoPacket, OutputDecoderConfig } from '../media/group-encoder.ts';
import { handleTarget, type MuxInput, muxMp4 } from '../media/mux.ts';
import { fitToTrack } from '../media/parameter-sets.ts';
import { storageError } from './byte-file.ts';
import { encodeKept } from './encode-kept.ts';
import { type JobStore, memoryOutput, type OutputFile } from './job-store.ts';
import type { Journal } from './journal.ts';

/** Of packets, for a file that has no room on disk. */
const MAX_MEMORY_BYTES = 512 * 2 ** 20;

export type MuxOptions = Omit<MuxInput, 'video'>;

export interface MuxedOutput {
  readonly output: File;
  readonly audioTracksCopied: number;
}

/** What is finished, as far as it can be had now. */
export interface FinishedPart {
  readonly decoderConfig: OutputDecoderConfig;
  readonly packetCount: number;
  readonly bytes: number;
  /** Of the last packet. */
  readonly endUs: number;
  packets(): AsyncGenerator<EncodedVideoPacket>;
}

/**
 * The packets that are there, and those of kept pictures, which are encoded for it: they wait for the rest of their group, and stay.
 * @throws EnhancerError `NO_FRAMES` when nothing is finished; `ENCODE_FAILED` where pictures are all that there is, and can't be encoded.
 */
export async function finishedPart<Extra>(journal: Journal<Extra>): Promise<FinishedPart> {
  const whole = journal.decoderConfig;
  const { packetCount, bytes, endUs } = journal;
  const encoded = whole && { decoderConfig: whole, packetCount, bytes, endUs, packets: () => journal.packets() };
  if (journal.picturesKept === 0) {
    if (encoded) return encoded;
    const hint = 'Go on with the job, or discard it.';
    throw new EnhancerError('NO_FRAMES', 'No part of this clip is finished yet.', hint);
  }
  try {
    const group = await encodeKept(journal.encoder, journal);
    const decoderConfig = whole ?? group.decoderConfig;
    const open = fitToTrack(group, decoderConfig).packets;
    return {
      decoderConfig,
      packetCount: packetCount + open.length,
      bytes: bytes + open.reduce((sum, { data }) => sum + data.byteLength, 0),
      endUs: Math.max(endUs, ...open.map(({ timestampUs, durationUs }) => timestampUs + durationUs)),
      async *packets() {
        yield* journal.packets();
        yield* open;
      },
    };
  } catch (error) {
    // A browser that has lost its encoder still has what was encoded before.
    if (encoded) return encoded;
    throw error;
  }
}

/** @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`, `ENCODE_FAILED`, `CANCELLED`. */
export async function muxPart(
  store: JobStore,
  video: FinishedPart,
  name: string,
  options: MuxOptions,
): Promise<MuxedOutput> {
  try {
    return await written(await store.createOutput(name), { ...options, video });
  } catch (error) {
    const cause = error instanceof DOMException ? storageError(error) : error;
    const isOfStorage = ['QUOTA_EXCEEDED', 'STORAGE_FAILED'].includes(toErrorData(cause).code);
    if (!isOfStorage || video.bytes > MAX_MEMORY_BYTES) throw cause;
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
