/**
 * A file for mediabunny's parser that notices when the parser goes in circles.
 *
 * On some broken files mediabunny 1.61 looks for the next element at the place where it already is, for ever, and from its cache,
 * so that not even a timer fires. Every look passes through `_read` (mediabunny's own name for it, unlisted in its types; the
 * version is pinned and the fuzz test would tell): many looks that get no further are one too many. Costs a comparison a look.
 */

import { BlobSource } from 'mediabunny';
import { notAVideo } from '../refusals.ts';

type Read = (start: number, end: number, minPosition: number, maxPosition: number) => unknown;

const MAX_LOOKS_WITHOUT_PROGRESS = 100_000;
const readOfBlobSource = (BlobSource.prototype as unknown as { _read: Read })._read;

export class GuardedBlobSource extends BlobSource {
  private furthest = 0;
  private looks = 0;

  /** Call before each pass over the file: progress is counted from its start again. */
  beginPass(): void {
    this.furthest = 0;
    this.looks = 0;
  }

  _read(...position: Parameters<Read>): unknown {
    const [start] = position;
    if (start > this.furthest) {
      this.furthest = start;
      this.looks = 0;
    } else if (++this.looks > MAX_LOOKS_WITHOUT_PROGRESS) {
      throw notAVideo(`the parser stays at byte ${start}`);
    }
    return readOfBlobSource.apply(this, position);
  }
}
