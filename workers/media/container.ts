/**
 * Which container a file is, by its first bytes, and the demuxer for it.
 *
 * Runs anywhere. Names and MIME types are not believed: a text file called clip.mp4 is refused, an MP4 called clip.avi opens.
 */

import type { DemuxedClip } from './demuxed.ts';
import { openMp4 } from './mp4/open-mp4.ts';
import { bytesOfBlob, emptyFile, notAVideo, unsupportedContainer } from './refusals.ts';

export type NamedBlob = Blob & { readonly name?: string };

type Sniffed =
  | { readonly kind: 'mp4' }
  | { readonly kind: 'matroska' }
  | { readonly kind: 'other'; readonly format: string }
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
    case 'other':
      throw unsupportedContainer(sniffed.format);
    case 'unknown':
      throw notAVideo('unknown first bytes');
  }
}

const ISO_BOXES = new Set(['ftyp', 'moov', 'mdat', 'moof', 'styp', 'sidx', 'free', 'skip', 'wide', 'pnot', 'uuid']);

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
