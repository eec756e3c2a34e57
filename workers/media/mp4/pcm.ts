/**
 * Uncompressed sound in MP4 and QuickTime: which of its many names a track goes by, and how many bytes a moment of all its channels takes.
 *
 * Pure. Names and flags: QuickTime File Format (sound sample descriptions, versions 0 to 2), ISO/IEC 23003-5 (`ipcm`, `fpcm`).
 */

import type { PcmCodecName } from '../demuxed.ts';

export interface PcmFormat {
  /** Null for kinds that an MP4 can't hold: 8 bit, µ-law, A-law. */
  readonly codec: PcmCodecName | null;
  /** One sample of every channel. */
  readonly frameBytes: number;
  readonly channels: number;
  readonly sampleRateHz: number;
}

/** What a sound entry states, in any of its three versions. */
interface Stated {
  readonly channels: number;
  readonly bits: number;
  readonly sampleRateHz: number;
  /** QuickTime's `lpcm` flags: 1 float, 2 big-endian, 4 signed. */
  readonly flags: number;
}

const FLOAT = 1;
const BIG_ENDIAN = 2;
const SIGNED = 4;
const MAX_CHANNELS = 64;

/**
 * @param start of the entry in `header`.
 * @param enda payload of QuickTime's endianness box, which says 1 for little.
 * @param pcmC payload of the MP4 configuration.
 * @returns null for any other kind of sound.
 */
export function pcmFormat(
  type: string,
  header: Uint8Array,
  start: number,
  enda: Uint8Array | null,
  pcmC: Uint8Array | null,
): PcmFormat | null {
  if (start + 64 > header.byteLength) return null;
  const stated = soundEntry(header, start);
  const { channels, sampleRateHz } = stated;
  if (!(channels >= 1 && channels <= MAX_CHANNELS && sampleRateHz > 0)) return null;
  const little = enda !== null && enda[enda.byteLength - 1] === 1;
  const kind = kindOf(type, stated, little, pcmC);
  if (!kind) return null;
  const { bits, float, littleEndian, holdable = true } = kind;
  const name = `pcm-${float ? 'f' : 's'}${bits}${littleEndian ? '' : 'be'}` as PcmCodecName;
  const known = holdable && (float ? [32, 64] : [16, 24, 32]).includes(bits);
  return { codec: known ? name : null, frameBytes: Math.ceil(bits / 8) * channels, channels, sampleRateHz };
}

interface Kind {
  readonly bits: number;
  readonly float: boolean;
  readonly littleEndian: boolean;
  readonly holdable?: boolean;
}

function kindOf(type: string, { bits, flags }: Stated, little: boolean, pcmC: Uint8Array | null): Kind | null {
  const whole = (size: number, littleEndian: boolean): Kind => ({ bits: size, float: false, littleEndian });
  switch (type) {
    case 'sowt':
      return whole(bits, true);
    case 'twos':
      return whole(bits, little);
    case 'in24':
      return whole(24, little);
    case 'in32':
      return whole(32, little);
    case 'fl32':
      return { bits: 32, float: true, littleEndian: little };
    case 'fl64':
      return { bits: 64, float: true, littleEndian: little };
    case 'raw ':
      return { ...whole(bits, true), holdable: false };
    case 'ulaw':
    case 'alaw':
      return { ...whole(8, true), holdable: false };
    case 'lpcm':
      return {
        bits,
        float: (flags & FLOAT) !== 0,
        littleEndian: (flags & BIG_ENDIAN) === 0,
        holdable: (flags & (FLOAT | SIGNED)) !== 0,
      };
    case 'ipcm':
    case 'fpcm':
      // Version and flags, format flags (1: little-endian), bits.
      return pcmC && pcmC.byteLength >= 6
        ? { bits: pcmC[5]!, float: type === 'fpcm', littleEndian: (pcmC[4]! & 1) === 1 }
        : null;
    default:
      return null;
  }
}

function soundEntry(header: Uint8Array, start: number): Stated {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  // Behind the box header, six reserved bytes and the data reference.
  const at = start + 16;
  const version = view.getUint16(at);
  if (version === 2) {
    return {
      sampleRateHz: Math.round(view.getFloat64(at + 24)),
      channels: view.getUint32(at + 32),
      bits: view.getUint32(at + 40),
      flags: view.getUint32(at + 44),
    };
  }
  return {
    channels: view.getUint16(at + 8),
    bits: view.getUint16(at + 10),
    sampleRateHz: view.getUint16(at + 16),
    flags: 0,
  };
}
