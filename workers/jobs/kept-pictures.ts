/**
 * Pictures of a group that is not encoded yet, as they will enter the encoder, in a file beside the journal.
 *
 * A group of pictures is longer than a window, and an encoder can't be stopped and gone on with in another process. So a finished
 * window's pictures wait here until its group is complete, and the group is encoded in one go: whatever happens in between, no
 * picture is made again, and its packets are those of a job that nothing happened to.
 * Costs 1.5 bytes a pixel on disk for each picture of one group; in memory, one picture.
 */

import type { TimedPicture } from '../media/group-encoder.ts';
import type { ByteFile } from './byte-file.ts';
import { type LogRecord, RecordLog } from './record-log.ts';

type Head =
  | {
      readonly kind: 'picture';
      /** Of the output. */
      readonly frame: number;
      readonly timestampUs: number;
      readonly durationUs: number;
    }
  /** All before it are of whole windows. */
  | { readonly kind: 'window' };
type PictureHead = Extract<Head, { kind: 'picture' }>;

export class KeptPictures {
  readonly #log: RecordLog<Head>;
  #whole = 0;

  /** @param firstFrame the first that is not encoded yet: pictures that begin elsewhere are an earlier group's. */
  constructor(file: ByteFile, firstFrame: number) {
    // Power may be lost, but a process that is killed tears no more than the last record.
    this.#log = RecordLog.open<Head>(file, 'last');
    const { records } = this.#log;
    const first = records[0]?.head;
    if (first?.kind !== 'picture' || first.frame !== firstFrame) this.#log.cut(0);
    this.dropUnfinished();
  }

  /** Of whole windows. */
  get count(): number {
    return this.#whole;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  /** @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`. */
  add(frame: number, { data, timestampUs, durationUs }: TimedPicture): void {
    this.#log.append({ kind: 'picture', frame, timestampUs, durationUs }, [data], false);
  }

  /** Ends a window: what was added counts from here on. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`. */
  finishWindow(): void {
    this.#log.append({ kind: 'window' });
    this.#whole = this.#pictures().length;
  }

  /** Forgets pictures of a window that did not come to its end. */
  dropUnfinished(): void {
    this.#log.cut(this.#log.records.findLastIndex(({ head }) => head.kind === 'window') + 1);
    this.#whole = this.#pictures().length;
  }

  /** In order, those of whole windows; each has a buffer of its own. */
  *pictures(): Generator<TimedPicture> {
    for (const record of this.#pictures().slice(0, this.#whole)) {
      const data = new Uint8Array(record.bodyBytes);
      this.#log.read(record, 0, data);
      yield { data, timestampUs: record.head.timestampUs, durationUs: record.head.durationUs };
    }
  }

  clear(): void {
    this.#log.cut(0);
    this.#whole = 0;
  }

  close(): void {
    this.#log.close();
  }

  #pictures(): LogRecord<PictureHead>[] {
    return this.#log.records.filter((record): record is LogRecord<PictureHead> => record.head.kind === 'picture');
  }
}
