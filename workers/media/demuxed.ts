/** What a demuxer hands on, whatever the container: tracks as lists of times and readers of packets. Types only. */

import type { ClipInfo } from './clip-info.ts';
import type { OwnSoundEntry } from './own-sound-entry.ts';

/** How decoded pixels become the upright picture in square pixels. */
export interface PictureGeometry {
  /** Part of the decoded picture that is meant to be seen (clean aperture), null for all of it. */
  readonly crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null;
  /** Size in square pixels before rotation; differs from the crop where pixels are not square. */
  readonly width: number;
  readonly height: number;
  /** Flipped left to right before it is turned. */
  readonly mirrored: boolean;
  /** Clockwise. */
  readonly rotationDegrees: 0 | 90 | 180 | 270;
}

export interface DemuxedVideo {
  readonly decoderConfig: VideoDecoderConfig;
  readonly geometry: PictureGeometry;
  readonly sampleCount: number;
  /** Decode order: presentation time of a sample in the media, in whole microseconds, no two alike. */
  readonly mediaTimesUs: Float64Array;
  /** Decode order: 1 where decoding may start. */
  readonly sync: Uint8Array;
  /** Presentation order: which sample each frame of the clip is. */
  readonly frameSamples: Uint32Array;
  /** Encoded samples in decode order from `firstSample` on. */
  packets(firstSample: number, signal?: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Where a container keeps transparency as a stream of its own, sample for sample: its luma, of full range, is alpha. */
  readonly alpha?: DemuxedVideo;
}

/** Encoded sound, unchanged. Times may be negative: packets that only warm the decoder. */
export interface AudioPacket {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly timestampUs: number;
  readonly durationUs: number;
}

/** Uncompressed sound that an MP4 can hold (ISO/IEC 23003-5): signed whole numbers or floats, bits, byte order. */
export type PcmCodecName = `pcm-${'s16' | 's24' | 's32' | 'f32' | 'f64'}${'' | 'be'}`;

/** Names that people know. */
export type AudioCodecName =
  | ('aac' | 'mp3' | 'opus' | 'flac' | 'ac3' | 'eac3' | 'dts' | 'vorbis')
  | OwnSoundCodecName
  | PcmCodecName;

/** What the muxer has no name for: such a track has an `entry`. */
export type OwnSoundCodecName = 'alac' | 'amr';

export interface AudioTrack {
  /** Null where an MP4 can't hold the codec: `packets()` is then empty. */
  readonly codec: AudioCodecName | null;
  readonly decoderConfig: AudioDecoderConfig;
  readonly entry?: OwnSoundEntry;
  readonly languageCode: string;
  readonly packetCount: number;
  packets(signal?: AbortSignal): AsyncIterable<AudioPacket>;
}

export interface DemuxedClip {
  readonly info: ClipInfo;
  readonly video: DemuxedVideo;
  /** One for each of `info.audioTracks`, in the same order. */
  readonly audioTracks: readonly AudioTrack[];
  close(): void;
}
