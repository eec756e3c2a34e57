/**
 * The boxes inside a sample description, found in the file's own bytes.
 *
 * Pure. The fixed part before them is 78 bytes for pictures, 28 for sound and 44 or 64 in QuickTime's later sound entries; which
 * it is shows in whether a clean chain of boxes follows.
 */

import { fourCharacterCode } from './box-scan.ts';

export interface EntryBox {
  readonly type: string;
  readonly start: number;
  readonly size: number;
}

const BOX_HEADER_BYTES = 8;
export const VISUAL_ENTRY_BYTES = [78];
export const AUDIO_ENTRY_BYTES = [28, 44, 64];

/** Child boxes of the sample entry at [start, end); none where no layout fits. */
export function entryBoxes(view: DataView, start: number, end: number, fixedBytes: readonly number[]): EntryBox[] {
  for (const bytes of fixedBytes) {
    const boxes = boxChain(view, start + BOX_HEADER_BYTES + bytes, end);
    if (boxes !== null) return boxes;
  }
  return [];
}

/** A chain of boxes that fills [start, end), up to QuickTime's terminator of zeros; null where it doesn't. */
export function boxChain(view: DataView, start: number, end: number): EntryBox[] | null {
  const boxes: EntryBox[] = [];
  let at = start;
  while (at + BOX_HEADER_BYTES <= end) {
    const size = view.getUint32(at);
    const type = fourCharacterCode(view, at + 4);
    if (view.getUint32(at + 4) === 0 && (size === 0 || size === BOX_HEADER_BYTES)) return boxes;
    if (type === null || size < BOX_HEADER_BYTES || at + size > end) return null;
    boxes.push({ type, start: at, size });
    at += size;
  }
  return at <= end ? boxes : null;
}
