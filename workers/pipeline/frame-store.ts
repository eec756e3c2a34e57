/**
 * Decoded source frames that the job still needs, by their index in the clip.
 *
 * Frames are decoded forward only, as far as asked for, and dropped as segments finish: memory is the source frames of the
 * windows in flight, at the source's size, whatever the clip's length. One reader.
 */

import { EnhancerError } from '../errors.ts';
import type { DecodedFrame } from '../media/decode.ts';

/** Source frames by their index in the clip, held from when they are reached until they are dropped. */
export interface SourceStore {
  /** @throws EnhancerError `TRUNCATED` when the clip ends before it. */
  reach(index: number): Promise<void>;
  /** @throws RangeError when it isn't held. */
  get(index: number): DecodedFrame | Promise<DecodedFrame>;
  dropBefore(index: number): void;
  close(): Promise<void>;
}

export class FrameStore implements SourceStore {
  readonly #frames: AsyncIterator<DecodedFrame>;
  readonly #held = new Map<number, DecodedFrame>();
  #next: number;
  /** What ended them, where they are read ahead and nobody listened: a stream that has failed once only says that it is over. */
  #failure: { readonly cause: unknown } | null = null;

  /** @param frames decoded frames in order; their `index` is the clip's. */
  constructor(frames: AsyncIterable<DecodedFrame>, firstIndex: number) {
    this.#frames = frames[Symbol.asyncIterator]();
    this.#next = firstIndex;
  }

  /** Decodes until frame `index` is held. @throws EnhancerError `TRUNCATED` when the clip ends before it; what decoding throws, every time. */
  async reach(index: number): Promise<void> {
    while (this.#next <= index) {
      if (this.#failure) throw this.#failure.cause;
      const result = await this.#frames.next().catch((cause: unknown) => {
        this.#failure = { cause };
        throw cause;
      });
      if (result.done) {
        throw new EnhancerError(
          'TRUNCATED',
          `The clip ends at frame ${this.#next}, though it says that it has more.`,
          'Choose a range that ends earlier, or save the clip again with the program that made it.',
        );
      }
      this.#held.set(result.value.index, result.value);
      this.#next = result.value.index + 1;
    }
  }

  get(index: number): DecodedFrame {
    const frame = this.#held.get(index);
    if (!frame) throw new RangeError(`source frame ${index} is not held`);
    return frame;
  }

  /** Drops every frame before `index`. */
  dropBefore(index: number): void {
    for (const held of this.#held.keys()) if (held < index) this.#held.delete(held);
  }

  async close(): Promise<void> {
    this.#held.clear();
    await this.#frames.return?.();
  }
}
