/** What a stream or its container says of its colours. Pure. */

import type { BitReader } from './bit-reader.ts';

/** Code points of ISO/IEC 23091-2; null where the stream says nothing, or "unspecified". */
export interface StatedColour {
  readonly primaries: number | null;
  readonly transfer: number | null;
  readonly matrix: number | null;
  readonly fullRange: boolean | null;
}

export const NOTHING_STATED: StatedColour = { primaries: null, transfer: null, matrix: null, fullRange: null };
const UNSPECIFIED = 2;
const EXTENDED_ASPECT = 255;

/** The beginning of the usability information, which H.264 (§E.1.1) and HEVC (§E.2.1) share. */
export function colourOfVui(bits: BitReader): StatedColour {
  if (bits.read(1) && bits.read(8) === EXTENDED_ASPECT) bits.skip(32);
  if (bits.read(1)) bits.skip(1);
  if (!bits.read(1)) return NOTHING_STATED;
  bits.skip(3);
  const fullRange = bits.read(1) === 1;
  const described = bits.read(1) === 1;
  const codePoint = () => {
    const value = described ? bits.read(8) : UNSPECIFIED;
    return value === UNSPECIFIED ? null : value;
  };
  const stated = { primaries: codePoint(), transfer: codePoint(), matrix: codePoint(), fullRange };
  return bits.overrun ? NOTHING_STATED : stated;
}
