/**
 * Writes the MP4: encoded pictures and the source's own sound, interleaved, the index in front.
 *
 * Runs anywhere. The index's place is reserved (`fastStart: 'reserve'`: packet counts are known), so that a file of any size is
 * written in one pass to a stream, with about a second of packets in memory. Times: the video's timescale is its frame rate's
 * numerator, so that 30000/1001 stays exact; sound that begins before zero (decoder warm-up) is hidden by an edit list.
 */

import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  Mp4OutputFormat,
  Output,
  StreamTarget,
  type StreamTargetChunk,
} from 'mediabunny';
import { EnhancerError, throwIfAborted } from '../errors.ts';
import type { Rational } from './clip-info.ts';
import type { AudioCodecName, AudioTrack, OwnSoundCodecName } from './demuxed.ts';
import type { EncodedVideoPacket, OutputDecoderConfig } from './group-encoder.ts';
import { OwnSoundEntries } from './own-sound-entry.ts';
import { encodeFailed } from './refusals.ts';
import { writeWhole } from './whole-write.ts';

/** Of the whole file. */
export interface FileTags {
  readonly description: string;
  readonly comment: string;
}

export interface MuxInput {
  readonly video: {
    readonly decoderConfig: OutputDecoderConfig;
    readonly packetCount: number;
    packets(): AsyncIterable<EncodedVideoPacket>;
  };
  /** The output's; null where frames come at varying intervals. */
  readonly frameRate: Rational | null;
  /** Copied packet by packet; tracks whose codec an MP4 can't hold are left out. */
  readonly audioTracks: readonly AudioTrack[];
  readonly tags?: FileTags;
  readonly signal?: AbortSignal;
}

/** Positioned writes, as `FileSystemWritableFileStream` takes them. */
export type MuxTarget = WritableStream<StreamTargetChunk>;

/**
 * Writes the whole file to `target` and closes it.
 *
 * @returns the number of audio tracks copied.
 * @throws EnhancerError `ENCODE_FAILED`, `CANCELLED`; whatever the target throws.
 */
export async function muxMp4(input: MuxInput, target: MuxTarget): Promise<number> {
  const { video, signal } = input;
  const copied = input.audioTracks.filter((track) => track.codec !== null && track.packetCount > 0);
  const own = new OwnSoundEntries();
  const written = copied.some(({ entry }) => entry) ? own.through(target) : target;
  const output = new Output({
    format: new Mp4OutputFormat({ fastStart: 'reserve', onMoov: (index, position) => own.find(index, position) }),
    target: new StreamTarget(written, { chunked: true, chunkSize: CHUNK_BYTES }),
  });
  try {
    const writers = [videoWriter(output, video, input.frameRate)];
    for (const track of copied) writers.push(audioWriter(output, track, own, signal));
    // By its own name: mediabunny's description is `©des`, which ffmpeg and players don't read.
    if (input.tags) output.setMetadataTags({ comment: input.tags.comment, raw: { desc: input.tags.description } });
    await output.start();
    await interleave(writers, signal);
    await output.finalize();
    return copied.length;
  } catch (error) {
    await output.cancel().catch(() => {});
    // A full disk (DOMException) is the target's to explain.
    throw error instanceof EnhancerError || error instanceof DOMException ? error : encodeFailed(error);
  }
}

/** The MP4 in memory: for small jobs and tests. */
export async function muxMp4ToBlob(input: MuxInput): Promise<Blob> {
  const chunks = new ChunkedBuffer();
  await muxMp4(input, new WritableStream({ write: ({ data, position }) => chunks.write(data, position) }));
  return new Blob(chunks.parts(), { type: 'video/mp4' });
}

/** A sync access handle of the origin private file system as a target; the caller flushes and closes the handle. */
export function handleTarget(handle: Pick<FileSystemSyncAccessHandle, 'write'>): MuxTarget {
  return new WritableStream({
    write({ data, position }) {
      writeWhole(handle, data as Uint8Array<ArrayBuffer>, position);
    },
  });
}

const CHUNK_BYTES = 1024 * 1024;
const MIN_TIMESCALE = 10_000;
/** For frames at varying intervals: what MPEG systems use, a sixth of a millisecond's sixth fine. */
const VARIABLE_TIMESCALE = 90_000;
const MAX_TIMESCALE = 1_000_000;

/** Ticks per second in which every frame of a constant rate is a whole number of ticks long. */
export function videoTimescale(frameRate: Rational | null): number {
  if (frameRate === null || frameRate.numerator > MAX_TIMESCALE || !Number.isInteger(frameRate.numerator)) {
    return VARIABLE_TIMESCALE;
  }
  return frameRate.numerator * Math.ceil(MIN_TIMESCALE / frameRate.numerator);
}

/** A track being written: its next packet's time, and how to write it. */
interface TrackWriter {
  nextUs: number;
  /** Writes the next packet; false when there is none. */
  writeNext(): Promise<boolean>;
  end(): Promise<void>;
}

async function interleave(writers: readonly TrackWriter[], signal: AbortSignal | undefined): Promise<void> {
  const open = new Set(writers);
  try {
    while (open.size > 0) {
      throwIfAborted(signal);
      const earliest = [...open].reduce((a, b) => (b.nextUs < a.nextUs ? b : a));
      if (!(await earliest.writeNext())) open.delete(earliest);
    }
  } finally {
    for (const writer of writers) await writer.end();
  }
}

function trackWriter<Packet extends { readonly timestampUs: number }>(
  packets: AsyncIterable<Packet>,
  write: (packet: Packet, isFirst: boolean) => Promise<void>,
): TrackWriter {
  const iterator = packets[Symbol.asyncIterator]();
  let isFirst = true;
  const writer: TrackWriter = {
    nextUs: Number.NEGATIVE_INFINITY,
    async writeNext() {
      const next = await iterator.next();
      if (next.done) return false;
      await write(next.value, isFirst);
      isFirst = false;
      writer.nextUs = next.value.timestampUs;
      return true;
    },
    async end() {
      await iterator.return?.();
    },
  };
  return writer;
}

function videoWriter(output: Output, video: MuxInput['video'], frameRate: Rational | null): TrackWriter {
  const { decoderConfig } = video;
  const source = new EncodedVideoPacketSource(videoCodecName(decoderConfig.codec));
  output.addVideoTrack(source, {
    // mediabunny derives the track's timescale from this: its inverse's denominator.
    frameRate: videoTimescale(frameRate),
    maximumPacketCount: video.packetCount,
  });
  return trackWriter(video.packets(), (packet, isFirst) =>
    source.add(
      new EncodedPacket(packet.data, packet.type, packet.timestampUs / 1e6, packet.durationUs / 1e6),
      isFirst ? { decoderConfig } : undefined,
    ),
  );
}

function audioWriter(
  output: Output,
  track: AudioTrack,
  own: OwnSoundEntries,
  signal: AbortSignal | undefined,
): TrackWriter {
  const { entry } = track;
  const source = new EncodedAudioPacketSource(
    entry ? 'flac' : (track.codec as Exclude<AudioCodecName, OwnSoundCodecName>),
  );
  output.addAudioTrack(source, {
    maximumPacketCount: track.packetCount,
    ...(/^[a-z]{3}$/.test(track.languageCode) ? { languageCode: track.languageCode } : {}),
  });
  const decoderConfig = entry
    ? { ...track.decoderConfig, codec: 'flac', description: own.placeholder(entry) }
    : track.decoderConfig;
  return trackWriter(track.packets(signal), (packet, isFirst) =>
    source.add(
      new EncodedPacket(packet.data, 'key', packet.timestampUs / 1e6, packet.durationUs / 1e6),
      isFirst ? { decoderConfig } : undefined,
    ),
  );
}

function videoCodecName(codec: string): 'avc' | 'hevc' | 'av1' | 'vp9' {
  if (codec.startsWith('avc')) return 'avc';
  if (codec.startsWith('hvc') || codec.startsWith('hev')) return 'hevc';
  return codec.startsWith('av01') ? 'av1' : 'vp9';
}

/** Bytes written at positions, in pieces of a megabyte: no single buffer has to grow. */
class ChunkedBuffer {
  private readonly pieces: Uint8Array<ArrayBuffer>[] = [];
  private bytes = 0;

  write(data: Uint8Array, position: number): void {
    this.bytes = Math.max(this.bytes, position + data.byteLength);
    while (this.pieces.length * CHUNK_BYTES < this.bytes) this.pieces.push(new Uint8Array(CHUNK_BYTES));
    for (let done = 0; done < data.byteLength; ) {
      const at = position + done;
      const piece = this.pieces[Math.floor(at / CHUNK_BYTES)]!;
      const offset = at % CHUNK_BYTES;
      const part = data.subarray(done, done + CHUNK_BYTES - offset);
      piece.set(part, offset);
      done += part.byteLength;
    }
  }

  parts(): Uint8Array<ArrayBuffer>[] {
    const full = Math.floor(this.bytes / CHUNK_BYTES);
    const rest = this.bytes % CHUNK_BYTES;
    const parts = this.pieces.slice(0, full);
    return rest > 0 ? [...parts, this.pieces[full]!.subarray(0, rest)] : parts;
  }
}
