/**
 * Source frames at the working size: upsampled and padded key frames, and between them what their motion says
 * (docs/nano-model.md "Between key frames").
 *
 * Holds two upsampled frames and the motion of one pair of key frames. Costs 10 ns a value of a key frame; a pair's motion and
 * each inserted frame as `motion.ts` says. Pure; runs anywhere, several beside one another.
 */

import { carry, Motion } from './motion.ts';
import { padReflect } from './padding.ts';
import { Upsampler } from './upsample.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Sizes in pixels. */
export interface PictureShape {
  readonly source: Size;
  /** What the source is enlarged to, and that with its padding right and below. */
  readonly worked: Size;
  readonly padded: Size;
  /** Pixels a latent. */
  readonly factor: number;
  /** The part of the padded picture that is wanted, on whole latents; null: all of it. */
  readonly part: (Size & { readonly x: number; readonly y: number }) | null;
}

/** A frame of the clip, by its index there. */
export interface KeyFrame extends Size {
  readonly index: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

export interface SourceFrame {
  /** [3, H, W] in −1…1 of the padded size, or of the wanted part of it. Not to be changed. */
  readonly picture: Float32Array;
  /** How badly the key frames agree on an inserted frame, per latent pixel [h, w]; null where it is a key frame's picture. */
  readonly mismatch: Float32Array | null;
}

export class SourcePictures {
  readonly #shape: PictureShape;
  readonly #upsampler: Upsampler;
  /** Of the whole plane, by the frame's index. */
  readonly #planes = new Map<number, Float32Array>();
  #motion: { readonly before: number; readonly motion: Motion } | null = null;

  constructor(shape: PictureShape) {
    const { source, worked } = shape;
    this.#shape = shape;
    this.#upsampler = new Upsampler(source.width, source.height, worked.width, worked.height);
  }

  key(frame: KeyFrame): SourceFrame {
    return { picture: this.#part(this.#plane(frame), 3, 1), mismatch: null };
  }

  /** At `fraction`, between 0 and 1, of the way from one key frame to the next. */
  between(before: KeyFrame, after: KeyFrame, fraction: number): SourceFrame {
    const { padded, worked, factor } = this.#shape;
    if (this.#motion?.before !== before.index) {
      this.#motion = { before: before.index, motion: new Motion(before, after) };
    }
    const velocities = this.#motion.motion.velocities(fraction);
    const [first, last] = [this.#plane(before), this.#plane(after)];
    const { frame, mismatch } = carry(first, last, padded, worked, velocities, fraction, factor);
    return { picture: this.#part(frame, 3, 1), mismatch: this.#part(mismatch, 1, factor) };
  }

  #plane(frame: KeyFrame): Float32Array {
    const known = this.#planes.get(frame.index);
    if (known) return known;
    const { padded, worked } = this.#shape;
    const planar = this.#upsampler.fromRgba(frame.rgba);
    const { width, height } = worked;
    const whole = padded.width === width && padded.height === height;
    const plane = whole ? planar : padReflect(planar, 3, width, height, padded.width, padded.height);
    if (this.#planes.size >= 2) this.#planes.delete(this.#planes.keys().next().value!);
    this.#planes.set(frame.index, plane);
    return plane;
  }

  /** Of planes that have a value for every `unit` × `unit` pixels. */
  #part(planes: Float32Array, channels: number, unit: number): Float32Array {
    const { padded, part } = this.#shape;
    if (!part) return planes;
    const [width, height] = [padded.width / unit, padded.height / unit];
    const [x, y, across, down] = [part.x / unit, part.y / unit, part.width / unit, part.height / unit];
    const out = new Float32Array(channels * across * down);
    for (let row = 0; row < channels * down; row += 1) {
      const from = (Math.floor(row / down) * height + y + (row % down)) * width + x;
      out.set(planes.subarray(from, from + across), row * across);
    }
    return out;
  }
}
