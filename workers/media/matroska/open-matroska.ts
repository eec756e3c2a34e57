/**
 * Demuxes WebM and MKV with mediabunny's input side.
 *
 * Runs anywhere. WebM has no table of its frames, so opening walks the whole file once, in pieces (8 MiB cache), keeping about
 * 20 bytes a frame. Limits: sound is copied where an MP4 can hold it (Opus, AAC, MP3, FLAC, AC-3, Vorbis).
 */

import {
  type EncodedPacket,
  EncodedPacketSink,
  Input,
  type InputAudioTrack,
  type InputTrack,
  type InputVideoTrack,
  MATROSKA,
  WEBM,
} from 'mediabunny';
import { EnhancerError, throwIfAborted } from '../../errors.ts';
import type { AudioTrackInfo, ClipInfo } from '../clip-info.ts';
import type { AudioCodecName, AudioTrack, DemuxedClip, DemuxedVideo, PictureGeometry } from '../demuxed.ts';
import { frameRateOf } from '../frame-rate.ts';
import { bytesOfBlob, encrypted, noFrames, notAVideo, noVideoTrack, truncated, unsupportedCodec } from '../refusals.ts';
import { ALPHA_IGNORED } from '../transparency.ts';
import { GuardedBlobSource } from './guarded-source.ts';

const CACHE_BYTES = 8 * 1024 * 1024;
const DEFAULT_FRAME_US = 40_000;
const MAX_FRAMES = 20_000_000;

/** @throws EnhancerError any of the refusals of an unreadable, cut, empty or picture-less file. */
export async function openMatroska(file: Blob, name: string, signal?: AbortSignal): Promise<DemuxedClip> {
  const input = new Input({
    source: new GuardedBlobSource(file, { maxCacheSize: CACHE_BYTES }),
    formats: [WEBM, MATROSKA],
  });
  try {
    await assertWhole(file);
    return await open(input, file, name, signal);
  } catch (error) {
    input.dispose();
    throw error instanceof EnhancerError ? error : notAVideo(String(error));
  }
}

type MatroskaInput = Input<GuardedBlobSource>;

async function open(
  input: MatroskaInput,
  file: Blob,
  name: string,
  signal: AbortSignal | undefined,
): Promise<DemuxedClip> {
  const { source } = input;
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw noVideoTrack();
  const frames = await listPackets(track, source, signal);
  if (frames.length === 0) throw (await firstClusterIsCut(file)) ? truncated('no cluster is whole') : noFrames();
  const video = await demuxVideo(track, frames, source);

  const { order, timestampsUs } = presentation(frames);
  const lastDurationUs = lastDuration(frames[order.at(-1)!]!, timestampsUs);
  const { rate, variable } = frameRateOf(timestampsUs, lastDurationUs, 1e6 / (await track.getTimeResolution()));
  const audio: Awaited<ReturnType<typeof demuxAudio>>[] = [];
  for (const audioTrack of await input.getAudioTracks()) audio.push(await demuxAudio(audioTrack, source, signal));
  const { geometry, decoderConfig } = video;
  const sideways = geometry.rotationDegrees % 180 !== 0;
  const info: ClipInfo = {
    name,
    bytes: file.size,
    container: (await input.getFormat()) === WEBM ? 'webm' : 'mkv',
    videoCodec: decoderConfig.codec,
    width: sideways ? geometry.height : geometry.width,
    height: sideways ? geometry.width : geometry.height,
    codedWidth: decoderConfig.codedWidth!,
    codedHeight: decoderConfig.codedHeight!,
    rotationDegrees: geometry.rotationDegrees,
    frameCount: frames.length,
    timestampsUs: timestampsUs.map(Math.round),
    lastFrameDurationUs: Math.round(lastDurationUs),
    durationUs: Math.round(timestampsUs.at(-1)! + lastDurationUs - timestampsUs[0]!),
    frameRate: rate,
    variableFrameRate: variable,
    colourSpace: decoderConfig.colorSpace ?? {},
    audioTracks: audio.map(({ info }) => info),
    ...((await track.canBeTransparent()) && !video.alpha ? { notices: [ALPHA_IGNORED] } : {}),
  };
  return { info, video, audioTracks: audio.map(({ track }) => track), close: () => input.dispose() };
}

interface ListedPacket {
  readonly timestampUs: number;
  readonly durationUs: number;
  readonly sync: boolean;
  /** Whether it has a part of the alpha stream beside it. */
  readonly alpha: boolean;
}

/** Every packet's times, in decode order, without its data. */
async function listPackets(
  track: InputTrack,
  source: GuardedBlobSource,
  signal: AbortSignal | undefined,
): Promise<ListedPacket[]> {
  const listed: ListedPacket[] = [];
  source.beginPass();
  const sink = new EncodedPacketSink(track);
  for await (const packet of sink.packets(undefined, undefined, { metadataOnly: true })) {
    throwIfAborted(signal);
    listed.push({
      timestampUs: packet.timestamp * 1e6,
      durationUs: packet.duration * 1e6,
      sync: packet.type === 'key',
      alpha: (packet.sideData.alphaByteLength ?? 0) > 0,
    });
    if (listed.length > MAX_FRAMES) throw notAVideo(`more than ${MAX_FRAMES} frames`);
  }
  return listed;
}

function presentation(frames: readonly ListedPacket[]): { order: number[]; timestampsUs: number[] } {
  const order = frames.map((_, i) => i).sort((a, b) => frames[a]!.timestampUs - frames[b]!.timestampUs || a - b);
  return { order, timestampsUs: order.map((frame) => frames[frame]!.timestampUs) };
}

function lastDuration(last: ListedPacket, timestampsUs: readonly number[]): number {
  const interval = timestampsUs.length > 1 ? timestampsUs.at(-1)! - timestampsUs.at(-2)! : 0;
  return last.durationUs || interval || DEFAULT_FRAME_US;
}

async function demuxVideo(
  track: InputVideoTrack,
  frames: readonly ListedPacket[],
  source: GuardedBlobSource,
): Promise<DemuxedVideo> {
  const config = await track.getDecoderConfig();
  if (!config) {
    const codec = await track.getCodec();
    // A codec that is known, without a configuration: its packets can't be read.
    if (codec !== null) throw encrypted();
    throw unsupportedCodec(String(await track.getInternalCodecId()));
  }
  const { order } = presentation(frames);
  const mediaTimesUs = new Float64Array(frames.length);
  let previous = Number.NEGATIVE_INFINITY;
  for (const frame of order) {
    previous = Math.max(Math.round(frames[frame]!.timestampUs), previous + 1);
    mediaTimesUs[frame] = previous;
  }
  const [codedWidth, codedHeight] = [await track.getCodedWidth(), await track.getCodedHeight()];
  const geometry: PictureGeometry = {
    crop: null,
    width: await track.getSquarePixelWidth(),
    height: await track.getSquarePixelHeight(),
    mirrored: await track.getFlip(),
    rotationDegrees: await track.getRotation(),
  };
  async function* packetsFrom(firstSample: number): AsyncGenerator<EncodedPacket> {
    source.beginPass();
    const sink = new EncodedPacketSink(track);
    yield* sink.packets(await packetAt(sink, frames, firstSample));
  }
  const video: DemuxedVideo = {
    decoderConfig: { ...config, codedWidth, codedHeight },
    geometry,
    sampleCount: frames.length,
    mediaTimesUs,
    sync: Uint8Array.from(frames, (frame, i) => (frame.sync || i === 0 ? 1 : 0)),
    frameSamples: Uint32Array.from(order),
    async *packets(firstSample) {
      for await (const { data } of packetsFrom(firstSample)) yield data.slice();
    },
  };
  if (!frames.every(({ alpha }) => alpha)) return video;
  const alpha: DemuxedVideo = {
    ...video,
    // Its key frames may be elsewhere: nothing but the data says where.
    sync: Uint8Array.from(frames, (_, i) => (i === 0 ? 1 : 0)),
    async *packets(firstSample) {
      for await (const { sideData } of packetsFrom(firstSample)) yield sideData.alpha!.slice();
    },
  };
  return { ...video, alpha };
}

/** The packet of a sample: sync samples are found by time, others by walking on from the sync sample before. */
async function packetAt(
  sink: EncodedPacketSink,
  frames: readonly ListedPacket[],
  sample: number,
): Promise<EncodedPacket> {
  let sync = sample;
  while (sync > 0 && !frames[sync]!.sync) sync--;
  let packet =
    sync === 0 ? await sink.getFirstPacket() : await sink.getKeyPacket(frames[sync]!.timestampUs / 1e6 + 1e-6);
  for (let i = sync; i < sample && packet; i++) packet = await sink.getNextPacket(packet);
  if (!packet) throw truncated(`frame ${sample} could not be found again`);
  return packet;
}

const COPYABLE: readonly AudioCodecName[] = [
  ...(['aac', 'mp3', 'opus', 'flac', 'ac3', 'eac3', 'dts', 'vorbis', 'pcm-s16', 'pcm-s16be'] as const),
  ...(['pcm-s24', 'pcm-s24be', 'pcm-s32', 'pcm-s32be', 'pcm-f32', 'pcm-f32be', 'pcm-f64', 'pcm-f64be'] as const),
];

async function demuxAudio(
  track: InputAudioTrack,
  source: GuardedBlobSource,
  signal: AbortSignal | undefined,
): Promise<{ track: AudioTrack; info: AudioTrackInfo }> {
  const codec = await track.getCodec();
  const config = await track.getDecoderConfig();
  const packets = await listPackets(track, source, signal);
  const copyable = config !== null && packets.length > 0 ? (COPYABLE.find((name) => name === codec) ?? null) : null;
  const decoderConfig = config ?? {
    codec: String(codec ?? (await track.getInternalCodecId())),
    sampleRate: await track.getSampleRate(),
    numberOfChannels: await track.getNumberOfChannels(),
  };
  const first = packets[0];
  const last = packets.at(-1);
  return {
    track: {
      codec: copyable,
      decoderConfig,
      languageCode: await track.getLanguageCode(),
      packetCount: copyable === null ? 0 : packets.length,
      async *packets(packetSignal) {
        if (copyable === null) return;
        source.beginPass();
        for await (const packet of new EncodedPacketSink(track).packets()) {
          throwIfAborted(packetSignal);
          yield { data: packet.data.slice(), timestampUs: packet.timestamp * 1e6, durationUs: packet.duration * 1e6 };
        }
      },
    },
    info: {
      codec: codec ?? decoderConfig.codec,
      channels: decoderConfig.numberOfChannels,
      sampleRateHz: decoderConfig.sampleRate,
      durationUs: first && last ? Math.round(last.timestampUs + last.durationUs - first.timestampUs) : 0,
      copyable: copyable !== null,
    },
  };
}

/** The segment states its size, live recordings aside: a file that ends before it does is cut. */
async function assertWhole(file: Blob): Promise<void> {
  const bytes = new Uint8Array(await bytesOfBlob(file.slice(0, 4096)));
  const header = ebmlSize(bytes, 4);
  if (!header) return;
  const segment = header.end + header.size;
  const isSegment = [0x18, 0x53, 0x80, 0x67].every((byte, i) => bytes[segment + i] === byte);
  const body = isSegment ? ebmlSize(bytes, segment + 4) : null;
  if (body && body.end + body.size > file.size) {
    throw truncated(`the segment ends at byte ${body.end + body.size}, the file at ${file.size}`);
  }
}

/** A recording that broke off within its first cluster: live recordings state no size of the whole. */
async function firstClusterIsCut(file: Blob): Promise<boolean> {
  const bytes = new Uint8Array(await file.slice(0, CACHE_BYTES).arrayBuffer());
  for (let at = 0; at + 12 <= bytes.byteLength; at++) {
    if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x43 || bytes[at + 2] !== 0xb6 || bytes[at + 3] !== 0x75) continue;
    const body = ebmlSize(bytes, at + 4);
    return body !== null && body.end + body.size > file.size;
  }
  return false;
}

/** An EBML variable-length size at `at`; null when it is cut or "unknown". */
function ebmlSize(bytes: Uint8Array, at: number): { size: number; end: number } | null {
  const first = bytes[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 8 || at + length > bytes.byteLength) return null;
  let size = first & (0xff >> length);
  let unknown = size === 0xff >> length;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i]!;
    size = size * 256 + byte;
    unknown &&= byte === 0xff;
  }
  return unknown ? null : { size, end: at + length };
}
