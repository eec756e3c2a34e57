/**
 * What an H.264 stream says of its colours, read from the sequence parameter set in `avcC` (ITU-T H.264 §7.3.2.1.1, annex E).
 *
 * Pure. Needed because a browser may not ask: Chromium ignores a stream that states its matrix and range but not its primaries,
 * as everything does that was made from JPEGs.
 */

import { BitReader, withoutEmulation } from './bit-reader.ts';
import { colourOfVui, NOTHING_STATED, type StatedColour } from './stated-colour.ts';

/** Profiles whose parameter sets have the chroma format and scaling lists. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** @param record the payload of `avcC`. Never throws: a broken set states nothing. */
export function h264Colour(record: Uint8Array): StatedColour {
  if (record.byteLength < 8 || (record[5]! & 0x1f) === 0) return NOTHING_STATED;
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
  return bits.read(1) ? colourOfVui(bits) : NOTHING_STATED;
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
