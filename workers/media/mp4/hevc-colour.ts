/**
 * What an HEVC stream says of its colours, read from the sequence parameter set in `hvcC` (ITU-T H.265 §7.3.2.2, annex E).
 *
 * Pure. Phones write `colr` beside it; encoders on the command line often don't.
 */

import { BitReader, withoutEmulation } from './bit-reader.ts';
import { colourOfVui, NOTHING_STATED, type StatedColour } from './stated-colour.ts';

const SPS = 33;
const ARRAYS_AT = 22;
const PROFILE_BITS = 88;
const LEVEL_BITS = 8;
/** No stream may have more. */
const MAX_REFERENCE_SETS = 64;
const MAX_PICTURES = 16;

/** @param record the payload of `hvcC`. Never throws: a broken set states nothing. */
export function hevcColour(record: Uint8Array): StatedColour {
  const sps = firstSps(record);
  // Behind the unit's two-byte header.
  return sps ? readSps(new BitReader(withoutEmulation(sps.subarray(2)))) : NOTHING_STATED;
}

/** ISO/IEC 14496-15 §8.3.3. */
function firstSps(record: Uint8Array): Uint8Array | null {
  const byte = (at: number) => record[at] ?? 0;
  let at = ARRAYS_AT + 1;
  for (let array = 0; array < byte(ARRAYS_AT) && at < record.byteLength; array++) {
    const type = byte(at) & 0x3f;
    const units = (byte(at + 1) << 8) | byte(at + 2);
    at += 3;
    for (let unit = 0; unit < units && at < record.byteLength; unit++) {
      const bytes = (byte(at) << 8) | byte(at + 1);
      if (type === SPS) return record.subarray(at + 2, at + 2 + bytes);
      at += 2 + bytes;
    }
  }
  return null;
}

function readSps(bits: BitReader): StatedColour {
  bits.skip(4);
  const subLayers = bits.read(3);
  bits.skip(1);
  skipProfiles(bits, subLayers);
  bits.unsigned();
  if (bits.unsigned() === 3) bits.skip(1);
  bits.unsigned();
  bits.unsigned();
  if (bits.read(1)) for (let i = 0; i < 4; i++) bits.unsigned();
  bits.unsigned();
  bits.unsigned();
  const orderBits = bits.unsigned() + 4;
  for (let layer = bits.read(1) ? 0 : subLayers; layer <= subLayers; layer++) {
    for (let i = 0; i < 3; i++) bits.unsigned();
  }
  for (let i = 0; i < 6; i++) bits.unsigned();
  if (bits.read(1) && bits.read(1)) skipScalingLists(bits);
  bits.skip(2);
  if (bits.read(1)) {
    bits.skip(8);
    bits.unsigned();
    bits.unsigned();
    bits.skip(1);
  }
  if (!skipReferenceSets(bits)) return NOTHING_STATED;
  if (bits.read(1)) {
    const longTerm = bits.unsigned();
    for (let i = 0; i < longTerm && !bits.overrun; i++) bits.skip(orderBits + 1);
  }
  bits.skip(2);
  return bits.read(1) ? colourOfVui(bits) : NOTHING_STATED;
}

/** §7.3.3. */
function skipProfiles(bits: BitReader, subLayers: number): void {
  bits.skip(PROFILE_BITS + LEVEL_BITS);
  const present = Array.from({ length: subLayers }, () => ({ profile: bits.read(1), level: bits.read(1) }));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const { profile, level } of present) bits.skip(profile * PROFILE_BITS + level * LEVEL_BITS);
}

/** §7.3.4. */
function skipScalingLists(bits: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!bits.read(1)) {
        bits.unsigned();
        continue;
      }
      if (size > 1) bits.signed();
      for (let i = 0; i < Math.min(64, 1 << (4 + 2 * size)) && !bits.overrun; i++) bits.signed();
    }
  }
}

/** §7.3.7 and §7.4.8: a set may be told by its difference from the one before, whose pictures must therefore be known. */
function skipReferenceSets(bits: BitReader): boolean {
  const count = bits.unsigned();
  if (count > MAX_REFERENCE_SETS) return false;
  /** Distances of the set before, those of earlier pictures first. */
  let before: number[] = [];
  for (let set = 0; set < count; set++) {
    const pictures = set > 0 && bits.read(1) ? derivedSet(bits, before) : listedSet(bits);
    if (!pictures || bits.overrun) return false;
    before = pictures;
  }
  return true;
}

function listedSet(bits: BitReader): number[] | null {
  const [earlier, later] = [bits.unsigned(), bits.unsigned()];
  if (earlier > MAX_PICTURES || later > MAX_PICTURES) return null;
  const distances: number[] = [];
  for (const [number, sign] of [
    [earlier, -1],
    [later, 1],
  ] as const) {
    for (let i = 0, distance = 0; i < number; i++) {
      distance += sign * (bits.unsigned() + 1);
      bits.skip(1);
      distances.push(distance);
    }
  }
  return distances;
}

/** Each picture of the set before, and that set's own, moved by one distance; those of no distance fall out. */
function derivedSet(bits: BitReader, before: readonly number[]): number[] {
  const negative = bits.read(1);
  const shift = (negative ? -1 : 1) * (bits.unsigned() + 1);
  const moved = [...before, 0].filter(() => bits.read(1) === 1 || bits.read(1) === 1).map((each) => each + shift);
  const earlier = moved.filter((distance) => distance < 0).sort((a, b) => b - a);
  const later = moved.filter((distance) => distance > 0).sort((a, b) => a - b);
  return [...earlier, ...later];
}
