/**
 * A file of bytes at positions: a sync access handle of the origin private file system, or memory where there is none.
 *
 * Memory costs up to twice what was written; it serves browsers without private storage (where nothing outlives the tab) and tests.
 */

import { EnhancerError } from '../errors.ts';
import { isOutOfReach, outOfReach } from './private-storage.ts';

export type ByteFile = Pick<FileSystemSyncAccessHandle, 'read' | 'write' | 'truncate' | 'getSize' | 'flush' | 'close'>;

export class MemoryFile implements ByteFile {
  #data = new Uint8Array(4096);
  #bytes = 0;

  /** A copy of what is in it. */
  get contents(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#bytes);
  }

  read(buffer: AllowSharedBufferSource, { at = 0 }: FileSystemReadWriteOptions = {}): number {
    const source = this.#data.subarray(at, Math.max(at, Math.min(this.#bytes, at + buffer.byteLength)));
    bytesOf(buffer).set(source);
    return source.length;
  }

  write(buffer: AllowSharedBufferSource, { at = 0 }: FileSystemReadWriteOptions = {}): number {
    const end = at + buffer.byteLength;
    if (end > this.#data.length) {
      const grown = new Uint8Array(Math.max(end, this.#data.length * 2));
      grown.set(this.#data.subarray(0, this.#bytes));
      this.#data = grown;
    }
    this.#data.set(bytesOf(buffer), at);
    this.#bytes = Math.max(this.#bytes, end);
    return buffer.byteLength;
  }

  truncate(bytes: number): void {
    this.#data.fill(0, bytes, Math.max(bytes, this.#bytes));
    this.#bytes = Math.min(this.#bytes, bytes);
  }

  getSize(): number {
    return this.#bytes;
  }

  flush(): void {}

  close(): void {}
}

export function bytesOf(buffer: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
}

/** What a failed write means to a person. @returns an EnhancerError `QUOTA_EXCEEDED` or `STORAGE_FAILED`; those as they are. */
export function storageError(cause: unknown): EnhancerError {
  if (cause instanceof EnhancerError) return cause;
  if (isOutOfReach(cause)) return outOfReach(cause);
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError') {
    return new EnhancerError(
      'QUOTA_EXCEEDED',
      'There is no space left for the result.',
      'Free some disk space and go on: what is finished is kept.',
      { cause },
    );
  }
  return new EnhancerError(
    'STORAGE_FAILED',
    'The job could not be written to this browser’s storage.',
    'Leave private browsing, or free some disk space, and try again.',
    { cause },
  );
}
