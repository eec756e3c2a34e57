/**
 * The source at the working size, for every output frame: upsampled and padded key frames, and between them what
 * their motion says (docs/nano-model.md "Between key frames").
 *
 * Holds two upsampled frames and the motion of one pair of key frames. Inserted frames are made anew each time they are asked for
 * (a second or less at 1080p): kept, they would be most of a job's memory.
 */

import { carry, Motion } from '../condition/motion.ts';
import { padReflect } from '../condition/padding.ts';
import { Upsampler } from '../condition/upsample.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { workedSize } from '../plan/borders.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { nextKeyFrame } from '../plan/shots.ts';
import type { FrameStore } from './frame-store.ts';

export interface SourceFrame {
  /** [3, H, W] in −1…1 of the padded size, or of the plan's crop of it. */
  readonly picture: Float32Array;
  /** How badly the key frames agree on an inserted frame, per latent pixel [h, w]; null where it is a key frame's picture. */
  readonly mismatch: Float32Array | null;
}

export class SourceFrames {
  readonly #plan: JobPlan;
  readonly #store: FrameStore;
  readonly #upsampler: Upsampler;
  /** Of the whole plane, by source index. */
  readonly #planes = new Map<number, Float32Array>();
  #motion: { readonly before: number; readonly motion: Motion } | null = null;

  constructor(clip: ClipInfo, plan: JobPlan, store: FrameStore) {
    this.#plan = plan;
    this.#store = store;
    const worked = plan.crop?.worked ?? workedSize(plan);
    this.#upsampler = new Upsampler(clip.width, clip.height, worked.width, worked.height);
  }

  /** Source frame of an output frame, or of the key frame before it where it is inserted. */
  index(frame: number): number {
    return this.#plan.sourceStart + Math.floor(frame / this.#plan.frameRateFactor);
  }

  /** How far output frame `frame` is from the key frame before it to the one after; 0 where there is none after: it stands still. */
  fraction(frame: number): number {
    const factor = this.#plan.frameRateFactor;
    return nextKeyFrame(this.#plan, frame) === null ? 0 : (frame % factor) / factor;
  }

  /** @throws EnhancerError `TRUNCATED` when the clip ends before it. */
  async frame(frame: number): Promise<SourceFrame> {
    const { crop, latentWidth, latentHeight } = this.#plan;
    const fraction = this.fraction(frame);
    const before = this.index(frame);
    await this.#store.reach(fraction === 0 ? before : before + 1);
    const factor = this.#plan.paddedWidth / latentWidth;
    const { paddedWidth: width, paddedHeight: height } = crop ?? this.#plan;
    const part = (planes: Float32Array, channels: number, unit: number) =>
      crop
        ? rectangle(planes, channels, width / unit, height / unit, {
            x: (crop.latentX * factor) / unit,
            y: (crop.latentY * factor) / unit,
            width: (latentWidth * factor) / unit,
            height: (latentHeight * factor) / unit,
          })
        : planes;
    if (fraction === 0) return { picture: part(this.#plane(before), 3, 1), mismatch: null };
    const between = carry(
      this.#plane(before),
      this.#plane(before + 1),
      { width, height },
      crop?.worked ?? workedSize(this.#plan),
      this.#motionFrom(before).velocity(fraction),
      fraction,
      factor,
    );
    return { picture: part(between.frame, 3, 1), mismatch: part(between.mismatch, 1, factor) };
  }

  #motionFrom(before: number): Motion {
    if (this.#motion?.before !== before) {
      this.#motion = { before, motion: new Motion(this.#store.get(before), this.#store.get(before + 1)) };
    }
    return this.#motion.motion;
  }

  #plane(index: number): Float32Array {
    const known = this.#planes.get(index);
    if (known) return known;
    const { paddedWidth, paddedHeight } = this.#plan.crop ?? this.#plan;
    const { width, height } = this.#plan.crop?.worked ?? workedSize(this.#plan);
    const planar = this.#upsampler.fromRgba(this.#store.get(index).rgba);
    const padded =
      paddedWidth === width && paddedHeight === height
        ? planar
        : padReflect(planar, 3, width, height, paddedWidth, paddedHeight);
    if (this.#planes.size >= 2) this.#planes.delete(this.#planes.keys().next().value!);
    this.#planes.set(index, padded);
    return padded;
  }
}

/** A rectangle of each of the planes [channels, height, width]. */
function rectangle(
  planes: Float32Array,
  channels: number,
  width: number,
  height: number,
  area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Float32Array {
  const out = new Float32Array(channels * area.width * area.height);
  for (let row = 0; row < channels * area.height; row += 1) {
    const plane = Math.floor(row / area.height);
    const from = (plane * height + area.y + (row % area.height)) * width + area.x;
    out.set(planes.subarray(from, from + area.width), row * area.width);
  }
  return out;
}
