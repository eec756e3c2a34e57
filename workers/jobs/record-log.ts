/**
 * An append-only file of records, each a JSON head and a body of bytes, framed so that a torn write is detected and cut.
 *
 * A frame: magic, head's bytes, body's bytes, CRC-32 of these and the head, CRC-32 of the body; then head and body. A record counts once
 * all of it is there: a process may be killed at any byte, and only the record being written is lost. Appends are flushed.
 */

import { writeWhole } from '../media/whole-write.ts';
import { type ByteFile, storageError } from './byte-file.ts';
import { crc32 } from './crc32.ts';

export interface LogRecord<Head> {
  /** What was appended, or what has been put in its place since. */
  readonly head: Head;
  readonly headBytes: number;
  /** Position of the body in the file. */
  readonly bodyAt: number;
  readonly bodyBytes: number;
}

const MAGIC = 0x314c4a56;
const FRAME_BYTES = 24;
const MAX_HEAD_BYTES = 2 ** 28;
const READ_BYTES = 2 ** 20;

export class RecordLog<Head> {
  readonly records: LogRecord<Head>[] = [];
  readonly #file: ByteFile;
  #end = 0;

  private constructor(file: ByteFile) {
    this.#file = file;
  }

  /**
   * Reads what is whole and cuts the rest.
   * @param verify bodies to check: only the last can be torn, `all` also finds what went bad on disk (reads the whole file).
   */
  static open<Head>(file: ByteFile, verify: 'all' | 'last' = 'all'): RecordLog<Head> {
    const log = new RecordLog<Head>(file);
    const size = file.getSize();
    const checksums: number[] = [];
    for (let found = log.#frameAt(0, size); found; found = log.#frameAt(log.#end, size)) {
      const { record, bodyCrc, end } = found;
      if (verify === 'all' && !log.#bodyIsWhole(record, bodyCrc)) break;
      log.records.push(record);
      checksums.push(bodyCrc);
      log.#end = end;
    }
    const last = log.records.at(-1);
    if (verify === 'last' && last && !log.#bodyIsWhole(last, checksums.at(-1)!)) {
      log.records.pop();
      const before = log.records.at(-1);
      log.#end = before ? before.bodyAt + before.bodyBytes : 0;
    }
    if (log.#end < size) file.truncate(log.#end);
    return log;
  }

  get bytes(): number {
    return this.#end;
  }

  /**
   * @param flush false where it need not outlive the machine's losing power before the next append that does flush.
   * @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`; the log is then as it was.
   */
  append(head: Head, body: readonly Uint8Array[] = [], flush = true): LogRecord<Head> {
    const json = new TextEncoder().encode(JSON.stringify(head));
    const bodyBytes = body.reduce((sum, part) => sum + part.byteLength, 0);
    const frame = new Uint8Array(FRAME_BYTES);
    const view = new DataView(frame.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, json.byteLength, true);
    view.setBigUint64(8, BigInt(bodyBytes), true);
    view.setUint32(16, crc32(json, crc32(frame.subarray(0, 16))), true);
    view.setUint32(
      20,
      body.reduce((crc, part) => crc32(part, crc), 0),
      true,
    );
    const headBytes = json.byteLength;
    const record = { head, headBytes, bodyAt: this.#end + FRAME_BYTES + headBytes, bodyBytes };
    try {
      let at = this.#end;
      for (const part of [frame, json, ...body]) at += writeWhole(this.#file, part as Uint8Array<ArrayBuffer>, at);
      if (flush) this.#file.flush();
      this.#end = at;
    } catch (error) {
      this.#dropTorn();
      throw storageError(error);
    }
    this.records.push(record);
    return record;
  }

  #dropTorn(): void {
    try {
      this.#file.truncate(this.#end);
    } catch {
      // The next one is written over it, and what is torn is cut as the file is opened.
    }
  }

  /** Empties the file, and then appends. */
  replace(head: Head, body: readonly Uint8Array[]): LogRecord<Head> {
    this.cut(0);
    return this.append(head, body);
  }

  /** Drops all records but the first `count`. */
  cut(count: number): void {
    if (count >= this.records.length) return;
    this.records.length = count;
    const last = this.records.at(-1);
    this.#end = last ? last.bodyAt + last.bodyBytes : 0;
    this.#file.truncate(this.#end);
  }

  /** Holds a lighter head in a record's place; the whole one is in the file. */
  lighten(record: LogRecord<Head>, head: Head): void {
    this.records[this.records.indexOf(record)] = { ...record, head };
  }

  /** As it was appended. */
  headOf({ headBytes, bodyAt }: LogRecord<Head>): Head {
    const json = new Uint8Array(headBytes);
    this.#file.read(json, { at: bodyAt - headBytes });
    return parsed<Head>(json);
  }

  /** Bytes of a body from `offset` on, into `out`. */
  read(record: LogRecord<Head>, offset: number, out: Uint8Array<ArrayBuffer>): void {
    const read = this.#file.read(out, { at: record.bodyAt + offset });
    if (read !== out.byteLength) throw storageError(new RangeError(`${read} of ${out.byteLength} bytes are there`));
  }

  close(): void {
    this.#file.close();
  }

  #frameAt(at: number, size: number): { record: LogRecord<Head>; bodyCrc: number; end: number } | null {
    if (at + FRAME_BYTES > size) return null;
    const frame = new Uint8Array(FRAME_BYTES);
    this.#file.read(frame, { at });
    const view = new DataView(frame.buffer);
    const headBytes = view.getUint32(4, true);
    const bodyBytes = Number(view.getBigUint64(8, true));
    const bodyAt = at + FRAME_BYTES + headBytes;
    const end = bodyAt + bodyBytes;
    if (view.getUint32(0, true) !== MAGIC || headBytes > MAX_HEAD_BYTES || end > size) return null;
    const json = new Uint8Array(headBytes);
    this.#file.read(json, { at: at + FRAME_BYTES });
    if (crc32(json, crc32(frame.subarray(0, 16))) !== view.getUint32(16, true)) return null;
    const head = parsed<Head>(json);
    return { record: { head, headBytes, bodyAt, bodyBytes }, bodyCrc: view.getUint32(20, true), end };
  }

  #bodyIsWhole({ bodyAt, bodyBytes }: LogRecord<Head>, expected: number): boolean {
    const buffer = new Uint8Array(Math.min(READ_BYTES, bodyBytes));
    let crc = 0;
    for (let done = 0; done < bodyBytes; done += buffer.byteLength) {
      const part = buffer.subarray(0, Math.min(buffer.byteLength, bodyBytes - done));
      this.#file.read(part, { at: bodyAt + done });
      crc = crc32(part, crc);
    }
    return crc === expected;
  }
}

function parsed<Head>(json: Uint8Array): Head {
  return JSON.parse(new TextDecoder().decode(json)) as Head;
}
