/** Small surgery on MP4 files whose index stands behind the media, so that nothing it points at moves. */

export interface Box {
  readonly start: number;
  readonly size: number;
}

/** Bytes between a box's header and its children. */
const HEADERS: Readonly<Record<string, number>> = { stsd: 8, avc1: 78 };

/** The first box of a type at the top level. */
export function boxAt(file: Buffer, type: string): Box {
  return childOf(file, 0, file.byteLength, type);
}

/** The first box along a path, as `moov/trak/tkhd`. */
export function boxPath(file: Buffer, path: string): Box {
  return chainOf(file, path).at(-1)!;
}

/** A box added behind the others inside the one at `path`. */
export function insertBox(file: Buffer, path: string, box: Buffer): Buffer {
  const chain = chainOf(file, path);
  const { start, size } = chain.at(-1)!;
  const copy = Buffer.concat([file.subarray(0, start + size), box, file.subarray(start + size)]);
  for (const each of chain) copy.writeUInt32BE(each.size + box.byteLength, each.start);
  return copy;
}

export function patch32(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt32BE(value, at);
  return copy;
}

/** The first occurrence of four letters, replaced by four others. */
export function replaced(file: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(file);
  copy.write(to, copy.indexOf(from), 'latin1');
  return copy;
}

function chainOf(file: Buffer, path: string): Box[] {
  const chain: Box[] = [];
  let from = 0;
  let to = file.byteLength;
  for (const type of path.split('/')) {
    const box = childOf(file, from, to, type);
    chain.push(box);
    from = box.start + 8 + (HEADERS[type] ?? 0);
    to = box.start + box.size;
  }
  return chain;
}

function childOf(file: Buffer, from: number, to: number, type: string): Box {
  for (let start = from; start + 8 <= to; ) {
    const size = file.readUInt32BE(start);
    if (file.toString('latin1', start + 4, start + 8) === type) return { start, size };
    if (size < 8) break;
    start += size;
  }
  throw new Error(`no ${type}`);
}
