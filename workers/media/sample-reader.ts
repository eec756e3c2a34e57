/**
 * Reads samples of a file in decode order, a few megabytes at a time.
 *
 * Runs anywhere there are Blobs. Holds one block (2 MiB, or one sample where that is larger); never the file.
 */

import { throwIfAborted } from '../errors.ts';
import { bytesOfBlob, truncated } from './refusals.ts';

const BLOCK_BYTES = 2 * 1024 * 1024;
/** No codec makes a frame this large; a file that claims one is broken. */
const MAX_SAMPLE_BYTES = 512 * 1024 * 1024;

export class SampleReader {
  private readonly file: Blob;
  private block = new Uint8Array(0);
  private blockStart = 0;

  constructor(file: Blob) {
    this.file = file;
  }

  /** The bytes at [offset, offset + bytes), copied, so that they stay good. @throws EnhancerError `TRUNCATED`. */
  async read(offset: number, bytes: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    if (bytes > MAX_SAMPLE_BYTES) throw truncated(`a sample of ${bytes} bytes`);
    if (offset < this.blockStart || offset + bytes > this.blockStart + this.block.byteLength) {
      throwIfAborted(signal);
      const end = Math.min(this.file.size, offset + Math.max(bytes, BLOCK_BYTES));
      this.block = new Uint8Array(await bytesOfBlob(this.file.slice(offset, end)));
      this.blockStart = offset;
    }
    const at = offset - this.blockStart;
    if (at + bytes > this.block.byteLength) throw truncated(`bytes ${offset}–${offset + bytes} could not be read`);
    return this.block.slice(at, at + bytes);
  }
}
