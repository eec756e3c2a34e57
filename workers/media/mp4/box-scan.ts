/**
 * The top level of an ISO base media file, found without reading it: where each box lies, and which bytes may be parsed.
 *
 * Runs anywhere. Reads box headers only, through a 64 KiB window; a 10 GB recording with moov at the end costs two reads.
 * Limits: a movie header of at most 256 MiB, a fragment header of at most 16 MiB, 400 000 boxes.
 */

import { throwIfAborted } from '../../errors.ts';
import { bytesOfBlob, notAVideo, truncated } from '../refusals.ts';

export interface TopLevelBox {
  readonly type: string;
  /** File position of the box's first byte. */
  readonly start: number;
  /** Bytes, header included; a box that runs to the end of the file has its true size. */
  readonly size: number;
  /** True when the box says that it goes on past the end of the file. */
  readonly cut: boolean;
}

export const MAX_MOOV_BYTES = 256 * 1024 * 1024;
export const MAX_MOOF_BYTES = 16 * 1024 * 1024;
const MAX_TOP_LEVEL_BOXES = 400_000;
const WINDOW_BYTES = 64 * 1024;

/**
 * All top-level boxes of a file, in order. Stops at the first thing that is no box: whatever lies behind is ignored, as
 * players do.
 *
 * @throws EnhancerError `NOT_A_VIDEO` when there are more boxes than any real file has; `CANCELLED`.
 */
export async function scanTopLevel(file: Blob, signal?: AbortSignal): Promise<TopLevelBox[]> {
  const boxes: TopLevelBox[] = [];
  let windowStart = 0;
  let window = new DataView(new ArrayBuffer(0));
  let position = 0;
  while (position + 8 <= file.size) {
    if (position < windowStart || position + 16 > windowStart + window.byteLength) {
      throwIfAborted(signal);
      windowStart = position;
      // Behind an mdat the next header is far from the last: only a small read is worth its bytes.
      const bytes = boxes.at(-1)?.type === 'mdat' ? 64 : WINDOW_BYTES;
      window = new DataView(await bytesOfBlob(file.slice(position, position + bytes)));
    }
    const at = position - windowStart;
    const type = fourCharacterCode(window, at + 4);
    if (type === null) break;
    let size = window.getUint32(at);
    let headerBytes = 8;
    if (size === 1) {
      if (at + 16 > window.byteLength) break;
      size = Number(window.getBigUint64(at + 8));
      headerBytes = 16;
    } else if (size === 0) {
      size = file.size - position;
    }
    if (size < headerBytes) break;
    const cut = position + size > file.size;
    boxes.push({ type, start: position, size: cut ? file.size - position : size, cut });
    if (boxes.length > MAX_TOP_LEVEL_BOXES) throw notAVideo(`more than ${MAX_TOP_LEVEL_BOXES} boxes`);
    position += size;
  }
  return boxes;
}

/** Four printable characters, or null. Apple's `©` boxes never stand at the top level or in what we parse. */
export function fourCharacterCode(view: DataView, at: number): string | null {
  let code = '';
  for (let i = 0; i < 4; i++) {
    const byte = view.getUint8(at + i);
    if (byte < 0x20 || byte > 0x7e) return null;
    code += String.fromCharCode(byte);
  }
  return code;
}

/** Reads one box whole. @throws EnhancerError `TRUNCATED` when it is cut, `NOT_A_VIDEO` when it is absurdly large. */
export async function readBox(file: Blob, box: TopLevelBox, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (box.cut) throw truncated(`${box.type} at byte ${box.start} goes on past the end of the file`);
  if (box.size > maxBytes) throw notAVideo(`${box.type} of ${box.size} bytes`);
  return new Uint8Array(await bytesOfBlob(file.slice(box.start, box.start + box.size)));
}
