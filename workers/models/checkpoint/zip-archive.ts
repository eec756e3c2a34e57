/**
 * The directory of a zip file, zip64 included, read by byte ranges: what PyTorch checkpoints are wrapped in.
 *
 * Opening costs the file's end and its directory; an entry's bytes are found when asked for. Nothing is inflated: PyTorch stores its
 * entries, and a compressed one is refused, so that no archive can grow in memory. Runs anywhere.
 */

import { type ByteSource, invalidCheckpoint } from './checkpoint.ts';

const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;

const END_BYTES = 22;
const COMMENT_BYTES_LIMIT = 65535;
const LOCATOR64_BYTES = 20;
const END64_BYTES = 56;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const DIRECTORY_BYTES_LIMIT = 32_000_000;
const ENTRIES_LIMIT = 200_000;
/** In a 32-bit field: the number is in the zip64 extra field. */
const IN_EXTRA = 0xffffffff;
const ZIP64_EXTRA = 1;

export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  readonly compressed: boolean;
  readonly headerOffset: number;
}

export class ZipArchive {
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  private constructor(source: ByteSource, entries: ReadonlyMap<string, ZipEntry>) {
    this.#source = source;
    this.#entries = entries;
  }

  /** @throws EnhancerError `CHECKPOINT_INVALID` for a directory that is missing, absurd, or refers outside the file. */
  static async open(source: ByteSource): Promise<ZipArchive> {
    const { offset, bytes, count } = await findDirectory(source);
    return new ZipArchive(source, parseDirectory(await readExactly(source, offset, bytes), count, source.bytes));
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  entry(name: string): ZipEntry | undefined {
    return this.#entries.get(name);
  }

  /**
   * Bytes [start, end) of an entry.
   * @throws EnhancerError `CHECKPOINT_INVALID` if it is compressed, or the range or its header is not in the file.
   */
  async read(entry: ZipEntry, start: number, end: number): Promise<Uint8Array> {
    if (entry.compressed) {
      throw invalidCheckpoint(
        `The checkpoint's entry ${shown(entry.name)} is compressed, which PyTorch's own files never are.`,
        { hint: 'Use the file as PyTorch saved it, not one that was zipped again.' },
      );
    }
    if (start < 0 || start > end || end > entry.bytes) {
      throw invalidCheckpoint(`The checkpoint's entry ${shown(entry.name)} has only ${entry.bytes} bytes.`);
    }
    const header = view(await readExactly(this.#source, entry.headerOffset, entry.headerOffset + LOCAL_BYTES));
    if (header.getUint32(0, true) !== LOCAL_SIGNATURE) {
      throw invalidCheckpoint(`The checkpoint is damaged: its entry ${shown(entry.name)} is not where it should be.`);
    }
    // The local header's own name and padding: PyTorch pads so that tensors start at multiples of 64.
    const data = entry.headerOffset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
    return readExactly(this.#source, data + start, data + end);
  }
}

/** @throws EnhancerError `CHECKPOINT_INVALID` where the file ends first. */
export async function readExactly(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  if (end > source.bytes) throw cutOff(end, source.bytes);
  const bytes = await source.read(start, end);
  if (bytes.length !== end - start) throw cutOff(end, start + bytes.length);
  return bytes;
}

function cutOff(expected: number, bytes: number) {
  return invalidCheckpoint(`The checkpoint is cut off: it should reach byte ${expected} and ends at ${bytes}.`);
}

interface Directory {
  readonly offset: number;
  /** Where it ends. */
  readonly bytes: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailStart = Math.max(0, source.bytes - END_BYTES - COMMENT_BYTES_LIMIT);
  const tail = view(await readExactly(source, tailStart, source.bytes));
  let at = tail.byteLength - END_BYTES;
  // The comment reaches exactly to the file's end; anything else that looks like the record is chance.
  while (at >= 0 && !(tail.getUint32(at, true) === END_SIGNATURE && commentEnd(tail, at) === tail.byteLength)) at -= 1;
  if (at < 0) {
    throw invalidCheckpoint(
      'The checkpoint is a PyTorch file that is cut off: the list of its entries, at its end, is missing.',
    );
  }
  let [count, size, offset] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  const locatorAt = at - LOCATOR64_BYTES;
  if (locatorAt >= 0 && tail.getUint32(locatorAt, true) === LOCATOR64_SIGNATURE) {
    const recordAt = large(tail, locatorAt + 8);
    const record = view(await readExactly(source, recordAt, recordAt + END64_BYTES));
    if (record.getUint32(0, true) !== END64_SIGNATURE)
      throw invalidCheckpoint("The checkpoint's directory is damaged.");
    [count, size, offset] = [large(record, 32), large(record, 40), large(record, 48)];
  }
  if (size > DIRECTORY_BYTES_LIMIT || count > ENTRIES_LIMIT || offset + size > source.bytes) {
    throw invalidCheckpoint("The checkpoint's directory is damaged, or the file is cut off.");
  }
  return { offset, bytes: offset + size, count };
}

function commentEnd(tail: DataView, at: number): number {
  return at + END_BYTES + tail.getUint16(at + 20, true);
}

function parseDirectory(bytes: Uint8Array, count: number, fileBytes: number): ReadonlyMap<string, ZipEntry> {
  const directory = view(bytes);
  const damaged = () => invalidCheckpoint("The checkpoint's directory is damaged.");
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_BYTES > bytes.length || directory.getUint32(at, true) !== ENTRY_SIGNATURE) throw damaged();
    const nameStart = at + ENTRY_BYTES;
    const extraStart = nameStart + directory.getUint16(at + 28, true);
    const end = extraStart + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    if (end > bytes.length) throw damaged();
    const name = new TextDecoder().decode(bytes.subarray(nameStart, extraStart));
    const entry = { name, ...sizes(directory, at, extraStart, end) };
    if (entries.has(name)) throw invalidCheckpoint(`The checkpoint has two entries ${shown(name)}.`);
    // A compressed entry is refused when read; harmless ones may lie beside.
    if (entry.headerOffset + LOCAL_BYTES > fileBytes || (!entry.compressed && entry.bytes > fileBytes)) {
      throw invalidCheckpoint(`The checkpoint is cut off: its entry ${shown(name)} lies beyond its end.`);
    }
    entries.set(name, entry);
    at = end;
  }
  return entries;
}

/** Sizes and place of the entry at `at`; what does not fit 32 bits is in its zip64 extra field, in this order. */
function sizes(directory: DataView, at: number, extraStart: number, end: number): Omit<ZipEntry, 'name'> {
  const flags = directory.getUint16(at + 8, true);
  const compressed = directory.getUint16(at + 10, true) !== 0 || (flags & 1) !== 0;
  const fields = [
    directory.getUint32(at + 24, true),
    directory.getUint32(at + 20, true),
    directory.getUint32(at + 42, true),
  ];
  if (fields.includes(IN_EXTRA)) {
    let extra = extraStart;
    while (extra + 4 <= end && directory.getUint16(extra, true) !== ZIP64_EXTRA) {
      extra += 4 + directory.getUint16(extra + 2, true);
    }
    let value = extra + 4;
    for (const [index, field] of fields.entries()) {
      if (field !== IN_EXTRA) continue;
      if (value + 8 > end) throw invalidCheckpoint("The checkpoint's directory is damaged.");
      fields[index] = large(directory, value);
      value += 8;
    }
  }
  const [bytes, storedBytes, headerOffset] = fields as [number, number, number];
  if (!compressed && bytes !== storedBytes) throw invalidCheckpoint("The checkpoint's directory is damaged.");
  return { bytes, compressed, headerOffset };
}

/** A 64-bit number; beyond what JavaScript counts exactly, no file has it. */
function large(data: DataView, at: number): number {
  const value = Number(data.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw invalidCheckpoint("The checkpoint's directory is damaged.");
  return value;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A name from the file, fit to be shown. */
export function shown(name: string): string {
  const printable = name.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > 80 ? `${printable.slice(0, 79)}…` : printable;
}
