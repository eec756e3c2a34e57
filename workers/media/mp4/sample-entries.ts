/**
 * Sample descriptions: from a track's `stsd` entry to what WebCodecs and the muxer want to know.
 *
 * Pure. Codec strings and box trees come from mp4box; configuration records are the file's own bytes.
 */

import { AudioSampleEntry, type SampleEntry, VisualSampleEntry } from 'mp4box';
import type { AudioCodecName, PictureGeometry } from '../demuxed.ts';
import type { OwnSoundEntry } from '../own-sound-entry.ts';
import { AUDIO_ENTRY_BYTES, boxChain, entryBoxes, VISUAL_ENTRY_BYTES } from './entry-boxes.ts';
import { h264Colour } from './h264-colour.ts';
import { hevcColour } from './hevc-colour.ts';
import { type PcmFormat, pcmFormat } from './pcm.ts';
import type { StatedColour } from './stated-colour.ts';

/** A sample entry as mp4box read it, beside the file's own bytes, in which it stands at `entry.start`. */
export interface EntrySource<Entry extends SampleEntry = SampleEntry> {
  readonly entry: Entry;
  readonly header: Uint8Array<ArrayBuffer>;
}

/** A child box's payload: the bytes behind its header, copied. */
function payload({ entry, header }: EntrySource, type: string): Uint8Array<ArrayBuffer> | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const start = entry.start ?? 0;
  const fixedBytes = entry instanceof VisualSampleEntry ? VISUAL_ENTRY_BYTES : AUDIO_ENTRY_BYTES;
  let boxes = entryBoxes(view, start, start + entry.size, fixedBytes);
  // QuickTime keeps the sound's configuration one level down.
  const wave = boxes.find((box) => box.type === 'wave');
  if (wave) boxes = [...boxes, ...(boxChain(view, wave.start + 8, wave.start + wave.size) ?? [])];
  const box = boxes.find((candidate) => candidate.type === type);
  return box ? header.slice(box.start + 8, box.start + box.size) : null;
}

export function isEncrypted(entry: SampleEntry): boolean {
  return ['encv', 'enca', 'encs', 'enct', 'encm', 'drmi', 'drms'].includes(entry.type as string);
}

export function videoDecoderConfig(source: EntrySource<VisualSampleEntry>): VideoDecoderConfig {
  const { entry } = source;
  const config: VideoDecoderConfig = {
    codec: codecString(entry),
    codedWidth: entry.width,
    codedHeight: entry.height,
  };
  const record = ['avcC', 'hvcC', 'av1C', 'vvcC'].map((type) => payload(source, type)).find((bytes) => bytes);
  if (record) config.description = record;
  const colourSpace = colourSpaceOf(source);
  if (colourSpace !== null) config.colorSpace = colourSpace;
  return config;
}

function codecString(entry: SampleEntry): string {
  try {
    const codec = entry.getCodec();
    // MP4 calls it vp08 with a profile, WebCodecs knows it as vp8.
    return codec.startsWith('vp08') ? 'vp8' : codec;
  } catch {
    return String(entry.type).trim();
  }
}

/**
 * ISO/IEC 23091-2 code points as WebCodecs names them; TypeScript's library knows only the first few of them. SMPTE 240M and FCC's, which it has no
 * name for, by what is within two levels of them.
 */
const PRIMARIES: Readonly<Record<number, string>> = {
  1: 'bt709',
  5: 'bt470bg',
  6: 'smpte170m',
  7: 'smpte170m',
  9: 'bt2020',
  12: 'smpte432',
};
const TRANSFERS: Readonly<Record<number, string>> = {
  1: 'bt709',
  6: 'smpte170m',
  7: 'smpte170m',
  8: 'linear',
  13: 'iec61966-2-1',
  16: 'pq',
  18: 'hlg',
};
const MATRICES: Readonly<Record<number, string>> = {
  0: 'rgb',
  1: 'bt709',
  4: 'smpte170m',
  5: 'bt470bg',
  6: 'smpte170m',
  7: 'bt709',
  9: 'bt2020-ncl',
};

/** The colour space that the stream (H.264, HEVC) or the container (`colr`, nclx or QuickTime's nclc) states; null for neither. */
function colourSpaceOf(source: EntrySource): VideoColorSpaceInit | null {
  const container = containerColour(payload(source, 'colr'));
  const [avcC, hvcC] = [payload(source, 'avcC'), payload(source, 'hvcC')];
  const stream = avcC ? h264Colour(avcC) : hvcC && hevcColour(hvcC);
  const primaries = stream?.primaries ?? container?.primaries ?? 0;
  const transfer = stream?.transfer ?? container?.transfer ?? 0;
  const matrix = stream?.matrix ?? container?.matrix ?? -1;
  const space: VideoColorSpaceInit = {
    primaries: (PRIMARIES[primaries] as VideoColorPrimaries | undefined) ?? null,
    transfer: (TRANSFERS[transfer] as VideoTransferCharacteristics | undefined) ?? null,
    matrix: (MATRICES[matrix] as VideoMatrixCoefficients | undefined) ?? null,
    fullRange: stream?.fullRange ?? container?.fullRange ?? null,
  };
  return Object.values(space).some((value) => value !== null) ? space : null;
}

function containerColour(colr: Uint8Array<ArrayBuffer> | null): StatedColour | null {
  if (!colr || colr.byteLength < 10) return null;
  const view = new DataView(colr.buffer);
  const type = String.fromCharCode(...colr.subarray(0, 4));
  if (type !== 'nclx' && type !== 'nclc') return null;
  return {
    primaries: view.getUint16(4),
    transfer: view.getUint16(6),
    matrix: view.getUint16(8),
    fullRange: type === 'nclx' && colr.byteLength > 10 ? colr[10]! >= 0x80 : null,
  };
}

/**
 * Crop, square-pixel size and orientation. `tkhd`'s matrix maps (x, y) to (ax + cy, bx + dy), y downwards, so that
 * atan2(b, a) is clockwise; a negative determinant is a mirror image.
 */
export function pictureGeometry(
  source: EntrySource<VisualSampleEntry>,
  tkhd: { readonly width: number; readonly height: number; readonly matrix: ArrayLike<number> } | undefined,
): PictureGeometry {
  const { width, height } = source.entry;
  const crop = cleanAperture(source);
  const seen = crop ?? { width, height };
  const aspect = pixelAspect(source, tkhd);
  const stretched = Math.round(seen.width * aspect);
  return {
    crop,
    width: Math.abs(seen.width * aspect - seen.width) < 1 ? seen.width : Math.max(1, stretched),
    height: seen.height,
    ...orientation(tkhd?.matrix),
  };
}

function cleanAperture(source: EntrySource<VisualSampleEntry>): PictureGeometry['crop'] {
  const { entry } = source;
  const bytes = payload(source, 'clap');
  if (!bytes || bytes.byteLength < 32) return null;
  const view = new DataView(bytes.buffer);
  const ratio = (at: number, signed: boolean) =>
    (signed ? view.getInt32(at) : view.getUint32(at)) / view.getUint32(at + 4);
  const width = Math.round(ratio(0, false));
  const height = Math.round(ratio(8, false));
  const x = Math.round((entry.width - width) / 2 + ratio(16, true));
  const y = Math.round((entry.height - height) / 2 + ratio(24, true));
  const inside = width > 0 && height > 0 && x >= 0 && y >= 0 && x + width <= entry.width && y + height <= entry.height;
  if (!inside || (width === entry.width && height === entry.height)) return null;
  return { x, y, width, height };
}

/** Width of a pixel over its height: `pasp`, or what the track's display size implies where that differs clearly. */
function pixelAspect(
  source: EntrySource<VisualSampleEntry>,
  tkhd: { readonly width: number; readonly height: number } | undefined,
): number {
  const { entry } = source;
  const bytes = payload(source, 'pasp');
  let aspect = 1;
  if (bytes && bytes.byteLength >= 8) {
    const view = new DataView(bytes.buffer);
    aspect = view.getUint32(0) / view.getUint32(4);
  } else if (tkhd && tkhd.width > 0 && tkhd.height > 0) {
    const implied = tkhd.width / tkhd.height / (entry.width / entry.height);
    if (Math.abs(implied - 1) > 0.02) aspect = implied;
  }
  return aspect >= 0.1 && aspect <= 10 ? aspect : 1;
}

function orientation(matrix: ArrayLike<number> | undefined): Pick<PictureGeometry, 'mirrored' | 'rotationDegrees'> {
  const [a, b, c, d] = [matrix?.[0] ?? 1, matrix?.[1] ?? 0, matrix?.[3] ?? 0, matrix?.[4] ?? 1];
  const mirrored = a * d - b * c < 0;
  const sign = mirrored ? -1 : 1;
  const turns = Math.round(Math.atan2(sign * b, sign * a) / (Math.PI / 2));
  return { mirrored, rotationDegrees: ((((turns % 4) + 4) % 4) * 90) as 0 | 90 | 180 | 270 };
}

export interface AudioDescription {
  readonly codec: AudioCodecName | null;
  readonly decoderConfig: AudioDecoderConfig;
  readonly entry?: OwnSoundEntry;
}

/** Of uncompressed sound; null for all other. */
export function pcmOf(source: EntrySource): PcmFormat | null {
  const { entry, header } = source;
  return pcmFormat(entry.type as string, header, entry.start ?? 0, payload(source, 'enda'), payload(source, 'pcmC'));
}

/** What an audio track is; `codec` null where we can't put it into an MP4 unchanged. */
export function audioDescription(source: EntrySource): AudioDescription {
  const { entry } = source;
  const pcm = pcmOf(source);
  if (pcm) {
    const { codec, channels: numberOfChannels, sampleRateHz: sampleRate } = pcm;
    return { codec, decoderConfig: { codec: codec ?? String(entry.type).trim(), sampleRate, numberOfChannels } };
  }
  const decoderConfig: AudioDecoderConfig = {
    codec: codecString(entry),
    sampleRate: (entry instanceof AudioSampleEntry && Math.round(entry.samplerate)) || 48000,
    numberOfChannels: (entry instanceof AudioSampleEntry && entry.channel_count) || 2,
  };
  const none = { codec: null, decoderConfig };
  switch (entry.type as string) {
    case 'mp4a': {
      const { objectType, config } = elementaryStream(payload(source, 'esds'));
      if (objectType === 0x6b || objectType === 0x69)
        return { codec: 'mp3', decoderConfig: { ...decoderConfig, codec: 'mp3' } };
      // Not registered, but what ffmpeg, GPAC and our own muxer write.
      if (objectType === 0xdd && config !== null)
        return { codec: 'vorbis', decoderConfig: { ...decoderConfig, codec: 'vorbis', description: config } };
      if (objectType !== 0x40 || config === null) return none;
      // All AAC object types are stored alike; the muxer only knows the names of some.
      return { codec: 'aac', decoderConfig: { ...decoderConfig, codec: 'mp4a.40.2', description: config } };
    }
    case 'Opus': {
      const box = payload(source, 'dOps');
      if (!box || box.byteLength < 11) return none;
      return { codec: 'opus', decoderConfig: { ...decoderConfig, codec: 'opus', description: opusHead(box) } };
    }
    case 'fLaC': {
      const box = payload(source, 'dfLa');
      if (!box || box.byteLength < 42) return none;
      const description = new Uint8Array(box.byteLength);
      description.set([0x66, 0x4c, 0x61, 0x43]);
      description.set(box.subarray(4), 4);
      return { codec: 'flac', decoderConfig: { ...decoderConfig, codec: 'flac', description } };
    }
    case 'ac-3':
      return { codec: 'ac3', decoderConfig };
    case 'ec-3':
      return { codec: 'eac3', decoderConfig };
    case 'dtsc':
    case 'dtsh':
    case 'dtsl':
    case 'dtse':
      return { codec: 'dts', decoderConfig };
    case 'alac':
      return alac(payload(source, 'alac')) ?? none;
    case 'samr':
    case 'sawb':
      return amr(entry.type as 'samr' | 'sawb', payload(source, 'damr')) ?? none;
    default:
      return none;
  }
}

/** @param config version, flags and ALACSpecificConfig, by Apple's ALACMagicCookieDescription; sizes and rate are true there, whatever the entry says. */
function alac(config: Uint8Array<ArrayBuffer> | null): AudioDescription | null {
  if (!config || config.byteLength < 28) return null;
  const bitsPerSample = config[9]!;
  const numberOfChannels = config[13]!;
  const sampleRate = new DataView(config.buffer).getUint32(24);
  if (!(numberOfChannels >= 1 && numberOfChannels <= 8 && sampleRate > 0)) return null;
  const entry = { type: 'alac', bitsPerSample, configuration: box('alac', config) } as const;
  return { codec: 'alac', decoderConfig: { codec: 'alac', sampleRate, numberOfChannels, description: config }, entry };
}

/** 3GPP TS 26.244 §6.5: one channel, 8 kHz narrow-band, 16 kHz wide-band. */
function amr(type: 'samr' | 'sawb', config: Uint8Array<ArrayBuffer> | null): AudioDescription | null {
  if (!config || config.byteLength < 9) return null;
  const entry = { type, bitsPerSample: 16, configuration: box('damr', config) };
  const sampleRate = type === 'samr' ? 8000 : 16_000;
  return { codec: 'amr', decoderConfig: { codec: type, sampleRate, numberOfChannels: 1 }, entry };
}

function box(type: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + payload.byteLength);
  new DataView(bytes.buffer).setUint32(0, bytes.byteLength);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(payload, 8);
  return bytes;
}

/** Walks the MPEG-4 descriptors of an `esds` payload: 3 (stream) › 4 (decoder: object type) › 5 (its configuration). */
function elementaryStream(esds: Uint8Array<ArrayBuffer> | null): {
  objectType: number;
  config: Uint8Array<ArrayBuffer> | null;
} {
  let objectType = 0;
  let at = 4;
  while (esds && at + 2 <= esds.byteLength) {
    const tag = esds[at++]!;
    let size = 0;
    for (let i = 0; i < 4; i++) {
      const byte = esds[at++] ?? 0;
      size = (size << 7) | (byte & 0x7f);
      if (byte < 0x80) break;
    }
    if (tag === 3) {
      const flags = esds[at + 2] ?? 0;
      at += 3;
      if (flags & 0x80) at += 2;
      if (flags & 0x40) at += 1 + (esds[at] ?? 0);
      if (flags & 0x20) at += 2;
    } else if (tag === 4) {
      objectType = esds[at] ?? 0;
      at += 13;
    } else if (tag === 5) {
      return { objectType, config: at + size <= esds.byteLength ? esds.slice(at, at + size) : null };
    } else {
      at += size;
    }
  }
  return { objectType, config: null };
}

/** `dOps` (big-endian) as the OpusHead of RFC 7845 §5.1 (little-endian), which WebCodecs and the muxer take. */
function opusHead(dOps: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const source = new DataView(dOps.buffer, dOps.byteOffset, dOps.byteLength);
  const head = new Uint8Array(8 + dOps.byteLength);
  const view = new DataView(head.buffer);
  head.set([0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64, 1, dOps[1]!]);
  view.setUint16(10, source.getUint16(2), true);
  view.setUint32(12, source.getUint32(4), true);
  view.setInt16(16, source.getInt16(8), true);
  head.set(dOps.subarray(10), 18);
  return head;
}
