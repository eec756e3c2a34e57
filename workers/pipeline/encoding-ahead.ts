/**
 * A group's pictures through its encoder as they are made, beside the kept ones on disk: at the group's end little is left to wait for.
 *
 * What comes out is what encoding the kept pictures in one go gives. Where it can't be (a job that goes on in the middle of a group, a window
 * that is begun again, windows that take long) those are encoded instead. Holds the packets of one group, and a few pictures where the encoder is slow.
 */

import type { EncoderChoice } from '../media/encoder-choice.ts';
import { type EncodedGroup, GroupEncoder, type TimedPicture } from '../media/group-encoder.ts';

/** Browsers take an encoder back that has stood idle for a minute; where windows take so long, encoding is a small part of the work. */
const MOST_IDLE_MS = 30_000;
/** Pictures that may wait for it before the job does. */
const MOST_WAITING = 8;

export class EncodingAhead {
  readonly #signal: AbortSignal;
  #encoder: GroupEncoder | null = null;
  #choice: EncoderChoice | null = null;
  /** Of this group, given to it so far. */
  #count = 0;
  #lastAt = 0;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** A window begins. @param kept pictures of its group that are there already: none begins a group. */
  begin(choice: EncoderChoice, kept: number): void {
    const fresh = performance.now() - this.#lastAt < MOST_IDLE_MS;
    if (kept > 0 && this.#encoder && this.#choice === choice && this.#count === kept && fresh) return;
    this.drop();
    if (kept > 0) return;
    try {
      this.#encoder = new GroupEncoder(choice, this.#signal);
      this.#choice = choice;
    } catch {
      // Whoever encodes the kept ones hears of it.
    }
  }

  async add(picture: TimedPicture): Promise<void> {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#count += 1;
    this.#lastAt = performance.now();
    this.#waiting += 1;
    this.#last = this.#last.then(() => encoder.encode(picture)).finally(() => (this.#waiting -= 1));
    // Heard of at the group's end.
    this.#last.catch(() => undefined);
    if (this.#waiting > MOST_WAITING) await this.#last.catch(() => undefined);
  }

  /** @returns null where it has not had just these pictures. @throws EnhancerError `ENCODE_FAILED`, `CANCELLED`; it is dropped then. */
  async finish(choice: EncoderChoice, kept: number): Promise<EncodedGroup | null> {
    const encoder = this.#encoder;
    try {
      if (!encoder || this.#choice !== choice || this.#count !== kept) return null;
      await this.#last;
      return await encoder.finish();
    } finally {
      this.drop();
    }
  }

  drop(): void {
    this.#encoder?.close();
    this.#encoder = null;
    this.#choice = null;
    this.#count = 0;
    this.#last = Promise.resolve();
  }
}
