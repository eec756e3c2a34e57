/**
 * Where a job's packets and its finished MP4 live: memory for small jobs, the origin private file system for the rest.
 *
 * Costs: small jobs, their bytes in memory; large ones, a packet's index entry in memory and its bytes on disk twice while
 * the MP4 is written. Runs in a worker (sync access handles).
 */

import { EnhancerError } from '../errors.ts';
import { handleTarget, type MuxInput, muxMp4, muxMp4ToBlob } from '../media/mux.ts';
import { MemoryPacketSink, type PacketSink } from '../media/packet-sink.ts';
import { fitToTrack } from '../media/parameter-sets.ts';
import type { EncodedVideoPacket, EncodedWindow, OutputDecoderConfig } from '../media/window-encoder.ts';

export type MuxOptions = Omit<MuxInput, 'video'>;

export interface MuxedOutput {
  readonly output: File;
  readonly audioTracksCopied: number;
}

/** A packet sink that can become the finished file. */
export interface JobSink extends PacketSink {
  mux(name: string, options: MuxOptions): Promise<MuxedOutput>;
  /** Frees what only the job needed; the finished file stays. */
  close(): Promise<void>;
}

/** Above this a job's bytes go to disk. */
const MEMORY_LIMIT_BYTES = 64 * 2 ** 20;
const FOLDER = 'outputs';
/** A page that is still open may hold an output it has not saved; a day later it has had its chance. */
const KEPT_MS = 24 * 3600 * 1000;

/** @param bytes what the plan expects to store. */
export async function createSink(jobId: string, bytes: number): Promise<JobSink> {
  if (bytes <= MEMORY_LIMIT_BYTES || !globalThis.navigator?.storage?.getDirectory) return new MemorySink();
  return FileSink.open(jobId);
}

class MemorySink extends MemoryPacketSink implements JobSink {
  async mux(name: string, options: MuxOptions): Promise<MuxedOutput> {
    const blob = await muxMp4ToBlob({ ...options, video: videoOf(this) });
    return { output: new File([blob], name, { type: 'video/mp4' }), audioTracksCopied: copied(options) };
  }

  async close(): Promise<void> {}
}

interface PacketRecord {
  readonly offset: number;
  readonly bytes: number;
  readonly timestampUs: number;
  readonly durationUs: number;
  readonly type: 'key' | 'delta';
}

class FileSink implements JobSink {
  decoderConfig: OutputDecoderConfig | null = null;
  bytes = 0;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #packetsName: string;
  readonly #handle: FileSystemSyncAccessHandle;
  readonly #records: PacketRecord[] = [];

  private constructor(folder: FileSystemDirectoryHandle, packetsName: string, handle: FileSystemSyncAccessHandle) {
    this.#folder = folder;
    this.#packetsName = packetsName;
    this.#handle = handle;
  }

  static async open(jobId: string): Promise<FileSink> {
    const root = await navigator.storage.getDirectory();
    const outputs = await root.getDirectoryHandle(FOLDER, { create: true });
    await dropOld(outputs);
    const folder = await outputs.getDirectoryHandle(`${Date.now()}-${jobId}`, { create: true });
    const packetsName = 'packets';
    const file = await folder.getFileHandle(packetsName, { create: true });
    return new FileSink(folder, packetsName, await file.createSyncAccessHandle());
  }

  get packetCount(): number {
    return this.#records.length;
  }

  async append(window: EncodedWindow): Promise<void> {
    this.decoderConfig ??= window.decoderConfig;
    for (const { data, timestampUs, durationUs, type } of fitToTrack(window, this.decoderConfig).packets) {
      const offset = this.bytes;
      storing(() => this.#handle.write(data, { at: offset }));
      this.#records.push({ offset, bytes: data.byteLength, timestampUs, durationUs, type });
      this.bytes += data.byteLength;
    }
    storing(() => this.#handle.flush());
  }

  async *packets(): AsyncGenerator<EncodedVideoPacket> {
    for (const { offset, bytes, timestampUs, durationUs, type } of this.#records) {
      const data = new Uint8Array(bytes);
      this.#handle.read(data, { at: offset });
      yield { data, timestampUs, durationUs, type };
    }
  }

  async mux(name: string, options: MuxOptions): Promise<MuxedOutput> {
    const file = await this.#folder.getFileHandle(name, { create: true });
    const handle = await file.createSyncAccessHandle();
    try {
      handle.truncate(0);
      await muxMp4({ ...options, video: videoOf(this) }, handleTarget(handle));
      handle.flush();
    } catch (error) {
      throw error instanceof DOMException ? storageError(error) : error;
    } finally {
      handle.close();
    }
    return { output: await file.getFile(), audioTracksCopied: copied(options) };
  }

  async close(): Promise<void> {
    this.#handle.close();
    await this.#folder.removeEntry(this.#packetsName).catch(() => undefined);
  }
}

/** Folders are named by the time they were made. */
async function dropOld(outputs: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of outputs.keys()) {
    const madeAt = Number.parseInt(name, 10);
    if (!(Date.now() - madeAt < KEPT_MS)) await outputs.removeEntry(name, { recursive: true }).catch(() => undefined);
  }
}

function videoOf(sink: PacketSink): MuxInput['video'] {
  if (!sink.decoderConfig) throw new RangeError('nothing was encoded');
  return { decoderConfig: sink.decoderConfig, packetCount: sink.packetCount, packets: () => sink.packets() };
}

function copied({ audioTracks }: MuxOptions): number {
  return audioTracks.filter(({ codec, packetCount }) => codec !== null && packetCount > 0).length;
}

function storing(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw storageError(error);
  }
}

function storageError(cause: unknown): EnhancerError {
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError') {
    return new EnhancerError(
      'QUOTA_EXCEEDED',
      'There is no space left for the result.',
      'Free some disk space, or choose a smaller scale, a shorter part or a smaller file, and start again.',
      { cause },
    );
  }
  return new EnhancerError(
    'STORAGE_FAILED',
    'The result could not be written to this browser’s storage.',
    'Leave private browsing, or free some disk space, and start again.',
    { cause },
  );
}
