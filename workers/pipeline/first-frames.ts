/**
 * A clip's first frames, decoded once: whoever looks through it holds them, and the job begins with those while its own decoder is still to start.
 *
 * Holds {@link MOST_FRAMES} frames from the look-through to their use, {@link MOST_BYTES} at most; those beyond are decoded again, while the first window is denoised.
 */

import { throwIfAborted } from '../errors.ts';
import type { Clip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';

/** A window's, and those around them that steady its last. */
const MOST_FRAMES = 32;
/** Eight frames of 1920×1080. */
const MOST_BYTES = 64 * 2 ** 20;

export class FirstFrames {
  #held: DecodedFrame[] = [];
  #bytes = 0;

  /** The clip for a look: the frames that it begins with stay. */
  held(clip: Clip): Clip {
    const hold = (frame: DecodedFrame) => this.#hold(frame);
    return {
      ...clip,
      frames: async function* (range) {
        for await (const frame of clip.frames(range)) {
          hold(frame);
          yield frame;
        }
      },
    };
  }

  /** The clip for the job: those that were held are given away, once. */
  given(clip: Clip): Clip {
    const take = (index: number) => this.#take(index);
    return {
      ...clip,
      frames: async function* (range) {
        let { startFrame } = range;
        for (; startFrame < range.endFrame; startFrame += 1) {
          throwIfAborted(range.signal);
          const frame = take(startFrame);
          if (!frame) break;
          yield frame;
        }
        if (startFrame < range.endFrame) yield* clip.frames({ ...range, startFrame });
      },
    };
  }

  #hold(frame: DecodedFrame): void {
    const last = this.#held.at(-1);
    if (last && frame.index !== last.index + 1) {
      // Looked through anew, or beyond a frame that found no room.
      if (frame.index > last.index) return;
      this.#drop();
    }
    if (this.#held.length === MOST_FRAMES || this.#bytes + frame.rgba.byteLength > MOST_BYTES) return;
    this.#bytes += frame.rgba.byteLength;
    this.#held.push(frame);
  }

  #take(index: number): DecodedFrame | null {
    const [first] = this.#held;
    if (first?.index !== index) {
      // A job that begins elsewhere never comes back.
      this.#drop();
      return null;
    }
    this.#held.shift();
    this.#bytes -= first.rgba.byteLength;
    return first;
  }

  #drop(): void {
    this.#held = [];
    this.#bytes = 0;
  }
}
