/**
 * What an H.264 stream says of its colours, read from the sequence parameter set in `avcC` (ITU-T H.264 §7.3.2.1.1, annex E).
 *
 * Pure. Needed because a browser may not ask: Chromium ignores a stream that states its matrix and range but not its primaries,
 * as everything does that was made from JPEGs.
 */

/** Code points of ISO/IEC 23091-2; null where the stream says nothing, or "unspecified". */
export interface StatedColour {
  readonly primaries: number | null;
  readonly transfer: number | null;
  readonly matrix: number | null;
  readonly fullRange: boolean | null;
}

const NOTHING: StatedColour = { primaries: null, transfer: null, matrix: null, fullRange: null };
const UNSPECIFIED = 2;
/** Profiles whose parameter sets have the chroma format and scaling lists. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** @param record the payload of `avcC`. Never throws: a broken set states nothing. */
export function h264Colour(record: Uint8Array): StatedColour {
  if (record.byteLength < 8 || (record[5]! & 0x1f) === 0) return NOTHING;
  const bytes = (record[6]! << 8) | record[7]!;
  // Behind the unit's one-byte header.
  return readSps(new BitReader(withoutEmulation(record.subarray(9, 8 + bytes))));
}

function readSps(bits: BitReader): StatedColour {
  const profile = bits.read(8);
  bits.skip(16);
  bits.unsigned();
  if (HIGH_PROFILES.has(profile)) {
    const chromaFormat = bits.unsigned();
    if (chromaFormat === 3) bits.skip(1);
    bits.unsigned();
    bits.unsigned();
    bits.skip(1);
    if (bits.read(1)) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.unsigned();
  const orderType = bits.unsigned();
  if (orderType === 0) {
    bits.unsigned();
  } else if (orderType === 1) {
    bits.skip(1);
    bits.unsigned();
    bits.unsigned();
    const cycle = Math.min(bits.unsigned(), 255);
    for (let i = 0; i < cycle; i++) bits.unsigned();
  }
  bits.unsigned();
  bits.skip(1);
  bits.unsigned();
  bits.unsigned();
  if (!bits.read(1)) bits.skip(1);
  bits.skip(1);
  if (bits.read(1)) for (let i = 0; i < 4; i++) bits.unsigned();
  if (!bits.read(1)) return NOTHING;

  const EXTENDED_ASPECT = 255;
  if (bits.read(1) && bits.read(8) === EXTENDED_ASPECT) bits.skip(32);
  if (bits.read(1)) bits.skip(1);
  if (!bits.read(1)) return NOTHING;
  bits.skip(3);
  const fullRange = bits.read(1) === 1;
  const described = bits.read(1) === 1;
  const codePoint = () => {
    const value = described ? bits.read(8) : UNSPECIFIED;
    return value === UNSPECIFIED ? null : value;
  };
  const stated = { primaries: codePoint(), transfer: codePoint(), matrix: codePoint(), fullRange };
  return bits.overrun ? NOTHING : stated;
}

function skipScalingLists(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!bits.read(1)) continue;
    let last = 8;
    let next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64) && !bits.overrun; i++) {
      if (next !== 0) next = (last + bits.signed() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

/** Takes out the 3 of every 0, 0, 3: it only keeps start codes from appearing. */
function withoutEmulation(unit: Uint8Array): Uint8Array {
  return unit.filter((byte, i) => !(byte === 3 && i >= 2 && unit[i - 1] === 0 && unit[i - 2] === 0));
}

/** Bits, most significant first; zeros and `overrun` past the end. */
class BitReader {
  private at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get overrun(): boolean {
    return this.at > this.bytes.byteLength * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.at++) {
      value = value * 2 + (((this.bytes[this.at >> 3] ?? 0) >> (7 - (this.at & 7))) & 1);
    }
    return value;
  }

  skip(count: number): void {
    this.at += count;
  }

  /** Exp-Golomb, §9.1. */
  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && !this.overrun && this.read(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  signed(): number {
    const code = this.unsigned();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}
