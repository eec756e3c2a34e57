/**
 * The comment in an MP4's metadata (`moov/udta/meta/ilst/©cmt`), where our own results carry their recipe.
 *
 * Runs anywhere. Reads the movie header once more; anything unexpected is no comment.
 */

import { MAX_MOOV_BYTES, readBox, scanTopLevel } from './box-scan.ts';

const PATH = ['udta', 'meta', 'ilst', '\u00a9cmt', 'data'];
/** Before a box's children: a version and flags in `meta`, a type and a locale in `data`. */
const SKIPPED_BYTES: Readonly<Record<string, number>> = { meta: 4, data: 8 };
const MAX_COMMENT_BYTES = 64 * 1024;

/** @returns null where there is none. */
export async function fileComment(file: Blob): Promise<string | null> {
  try {
    const moov = (await scanTopLevel(file)).find(({ type }) => type === 'moov');
    if (!moov || moov.cut) return null;
    let content: Uint8Array | null = (await readBox(file, moov, MAX_MOOV_BYTES)).subarray(8);
    for (const type of PATH) {
      content = childOf(content, type);
      if (content === null) return null;
      content = content.subarray(SKIPPED_BYTES[type] ?? 0);
    }
    return content.byteLength > MAX_COMMENT_BYTES ? null : new TextDecoder().decode(content);
  } catch {
    return null;
  }
}

/** The content of the first child of that type. */
function childOf(content: Uint8Array, wanted: string): Uint8Array | null {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at + 8 <= content.byteLength; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > content.byteLength) return null;
    const type = String.fromCharCode(...content.subarray(at + 4, at + 8));
    if (type === wanted) return content.subarray(at + 8, at + size);
    at += size;
  }
  return null;
}
