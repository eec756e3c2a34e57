/**
 * Which container a file is, by its first bytes, and the demuxer for it.
 *
 * Runs anywhere. Names and MIME types are not believed: a text file called clip.mp4 is refused, an MP4 called clip.avi opens.
 */

import type { DemuxedClip } from './demuxed.ts';
import { openMp4 } from './mp4/open-mp4.ts';
import { bytesOfBlob, emptyFile, notAVideo, noVideoTrack, unsupportedContainer } from './refusals.ts';

export type NamedBlob = Blob & { readonly name?: string };

type Sniffed =
  | { readonly kind: 'mp4' }
  | { readonly kind: 'matroska' }
  | { readonly kind: 'other'; readonly format: string }
  | { readonly kind: 'sound' }
  | { readonly kind: 'unknown' };

const SNIFFED_BYTES = 400;

/**
 * Opens a clip without decoding anything.
 *
 * @throws EnhancerError `EMPTY_FILE`, `NOT_A_VIDEO`, `UNSUPPORTED_CONTAINER`, `TRUNCATED`, `NO_VIDEO_TRACK`, `ENCRYPTED`,
 * `NO_FRAMES`, `UNSUPPORTED_CODEC`, `CANCELLED`.
 */
export async function openContainer(file: NamedBlob, signal?: AbortSignal): Promise<DemuxedClip> {
  if (file.size === 0) throw emptyFile();
  const start = new Uint8Array(await bytesOfBlob(file.slice(0, SNIFFED_BYTES)));
  const name = file.name ?? 'clip';
  const sniffed = sniffContainer(start);
  switch (sniffed.kind) {
    case 'mp4':
      return openMp4(file, name, signal);
    case 'matroska': {
      // A second library, wanted by few: loaded when it is needed.
      const { openMatroska } = await import('./matroska/open-matroska.ts');
      return openMatroska(file, name, signal);
    }
    case 'sound':
      throw noVideoTrack();
    case 'other':
      throw unsupportedContainer(sniffed.format);
    case 'unknown':
      throw notAVideo('unknown first bytes');
  }
}

const ISO_BOXES = new Set(['ftyp', 'moov', 'mdat', 'moof', 'styp', 'sidx', 'free', 'skip', 'wide', 'pnot', 'uuid']);

/** A start code and a parameter set: H.264's sequence (7) or delimiter (9), HEVC's video (32) or delimiter (35). */
function isAnnexB(bytes: Uint8Array): boolean {
  const at = [3, 4].find(
    (length) => bytes[length - 1] === 1 && bytes.subarray(0, length - 1).every((byte) => byte === 0),
  );
  if (at === undefined) return false;
  const header = bytes[at]!;
  return [7, 9].includes(header & 0x1f) ? header < 0x80 : [32, 35].includes((header >> 1) & 0x3f) && header < 0x80;
}

export function sniffContainer(bytes: Uint8Array): Sniffed {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  const startsWith = (...magic: number[]) => magic.every((byte, i) => bytes[i] === byte);
  if (ISO_BOXES.has(text(4, 8))) {
    const brand = text(8, 12);
    if (text(4, 8) === 'ftyp' && ['heic', 'heix', 'mif1', 'avif'].includes(brand)) {
      return { kind: 'other', format: 'a picture (HEIF)' };
    }
    return { kind: 'mp4' };
  }
  if (startsWith(0x1a, 0x45, 0xdf, 0xa3)) return { kind: 'matroska' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'AVI ') return { kind: 'other', format: 'an AVI file' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return { kind: 'other', format: 'a WebP picture' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WAVE') return { kind: 'sound' };
  if (text(0, 3) === 'ID3' || text(0, 4) === 'fLaC' || text(0, 4) === 'FORM' || text(0, 5) === '#!AMR')
    return { kind: 'sound' };
  // An MPEG audio frame: eleven bits set, a layer, not the reserved bitrate.
  if (bytes[0] === 0xff && (bytes[1]! & 0xe6) > 0xe0 && (bytes[2]! & 0xf0) !== 0xf0) return { kind: 'sound' };
  if (startsWith(0x89, 0x50, 0x4e, 0x47)) return { kind: 'other', format: 'a PNG picture' };
  if (startsWith(0xff, 0xd8, 0xff)) return { kind: 'other', format: 'a JPEG picture' };
  if (text(0, 4) === '.RMF') return { kind: 'other', format: 'a RealMedia file' };
  if (text(0, 4) === 'DKIF') return { kind: 'other', format: 'an IVF file' };
  if (text(0, 9) === 'YUV4MPEG2') return { kind: 'other', format: 'raw video (Y4M)' };
  if (startsWith(0x1f, 0x07, 0)) return { kind: 'other', format: 'a DV recording' };
  if (isAnnexB(bytes)) return { kind: 'other', format: 'a bare H.264 or HEVC stream' };
  if (text(0, 3) === 'FLV') return { kind: 'other', format: 'a Flash video (FLV)' };
  if (text(0, 4) === 'OggS') return { kind: 'other', format: 'an Ogg file' };
  if (startsWith(0x30, 0x26, 0xb2, 0x75)) return { kind: 'other', format: 'a Windows Media file (WMV)' };
  if (startsWith(0, 0, 1, 0xba) || startsWith(0, 0, 1, 0xb3))
    return { kind: 'other', format: 'an MPEG-1 or MPEG-2 file' };
  if (bytes[0] === 0x47 && bytes[188] === 0x47) return { kind: 'other', format: 'an MPEG transport stream (TS)' };
  if (bytes[4] === 0x47 && bytes[196] === 0x47) return { kind: 'other', format: 'an AVCHD recording (MTS)' };
  if (text(0, 4) === 'GIF8') return { kind: 'other', format: 'a GIF' };
  if (startsWith(0x06, 0x0e, 0x2b, 0x34)) return { kind: 'other', format: 'an MXF file' };
  return { kind: 'unknown' };
}
