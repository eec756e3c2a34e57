/**
 * A group's pictures through its encoder as they are made, beside the kept ones on disk: at the group's end little is left to wait for.
 *
 * What comes out is what encoding the kept pictures in one go gives. Where it can't be (a job that goes on in the middle of a group, a window
 * that is begun again, windows that take long, a pause, an encoder that the browser took back) those are encoded instead: nothing that goes wrong
 * here is worth more than that. Holds the packets of one group, and a few pictures where the encoder is slow.
 */

import { EnhancerError, throwIfAborted } from '../errors.ts';
import type { EncoderChoice } from '../media/encoder-choice.ts';
import { type EncodedGroup, GroupEncoder, type TimedPicture } from '../media/group-encoder.ts';

/** Browsers take an encoder back that has stood idle for a minute; where windows take so long, encoding is a small part of the work. */
const MOST_IDLE_MS = 30_000;
/** Pictures that may wait for it before the job does. */
const MOST_WAITING = 8;

/** One encoder's turn, from a group's beginning on. */
interface Run {
  readonly encoder: GroupEncoder;
  readonly choice: EncoderChoice;
  /** Pictures given to it so far. */
  count: number;
  /** Of them, not through yet. */
  waiting: number;
  lastAt: number;
  /** Never rejects. */
  last: Promise<void>;
  failure: { readonly cause: unknown } | null;
}

export class EncodingAhead {
  readonly #signal: AbortSignal;
  #run: Run | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** A window begins. @param kept pictures of its group that are there already: none begins a group. */
  begin(choice: EncoderChoice, kept: number): void {
    if (kept > 0 && this.#trusted(choice, kept)) return;
    this.drop();
    if (kept > 0) return;
    try {
      const encoder = new GroupEncoder(choice, this.#signal);
      const lastAt = performance.now();
      this.#run = { encoder, choice, count: 0, waiting: 0, lastAt, last: Promise.resolve(), failure: null };
    } catch {
      // Whoever encodes the kept ones hears of it.
    }
  }

  /** Never throws. */
  async add(picture: TimedPicture): Promise<void> {
    const run = this.#run;
    if (!run) return;
    if (!this.#trusted(run.choice, run.count)) {
      this.drop();
      return;
    }
    run.count += 1;
    run.waiting += 1;
    run.lastAt = performance.now();
    run.last = run.last.then(() => encodedBy(run, picture));
    if (run.waiting > MOST_WAITING) await run.last;
  }

  /** @returns null where it has not had just these pictures, or failed with them. @throws EnhancerError `CANCELLED`. */
  async finish(choice: EncoderChoice, kept: number): Promise<EncodedGroup | null> {
    const run = this.#run;
    try {
      if (!run || !this.#trusted(choice, kept)) return null;
      await run.last;
      throwIfAborted(this.#signal);
      return run.failure ? null : await run.encoder.finish();
    } catch (error) {
      if (error instanceof EnhancerError && error.code === 'ENCODE_FAILED') return null;
      throw error;
    } finally {
      this.drop();
    }
  }

  drop(): void {
    this.#run?.encoder.close();
    this.#run = null;
  }

  /** Whether there is an encoder that has had so many pictures, and may still be there. */
  #trusted(choice: EncoderChoice, count: number): boolean {
    const run = this.#run;
    if (!run || run.failure || run.choice !== choice || run.count !== count) return false;
    return run.waiting > 0 || performance.now() - run.lastAt < MOST_IDLE_MS;
  }
}

async function encodedBy(run: Run, picture: TimedPicture): Promise<void> {
  try {
    if (!run.failure) await run.encoder.encode(picture);
  } catch (cause) {
    run.failure = { cause };
    run.encoder.close();
  } finally {
    run.waiting -= 1;
    run.lastAt = performance.now();
  }
}
