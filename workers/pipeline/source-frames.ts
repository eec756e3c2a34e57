/**
 * The source at the working size for every output frame, made ahead of need by workers where there are any, and kept until its last
 * use as far as there is room: a frame is looked at when its window is conditioned and again when it is reconstructed.
 *
 * Holds {@link picturesHeld} pictures, made ones and those under way; what doesn't fit is made when it is asked for, and again the next time.
 * Which those are changes the time it takes, never a picture. One reader.
 */

import { isRepeat } from '../condition/repeats.ts';
import { type PictureShape, type SourceFrame, SourcePictures } from '../condition/source-pictures.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { workedSize } from '../plan/borders.ts';
import { picturesHeld } from '../plan/cost.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { nextKeyFrame } from '../plan/shots.ts';
import type { FrameStore, SourceStore } from './frame-store.ts';
import { PictureWorkers } from './picture-workers.ts';

export type { SourceFrame } from '../condition/source-pictures.ts';

let jobs = 0;

export class SourceFrames {
  readonly #plan: JobPlan;
  readonly #store: SourceStore;
  readonly #originals: FrameStore;
  readonly #shape: PictureShape;
  readonly #job = jobs++;
  readonly #room: number;
  readonly #made = new Map<number, Promise<SourceFrame>>();
  /** Those of them that were asked for once and will be again. */
  readonly #kept = new Set<number>();
  /** Output frames that will be asked for, the next one first. */
  #expected: number[] = [];
  #reading: Promise<unknown> = Promise.resolve();
  /** Where there are no workers. */
  #own: SourcePictures | null = null;
  #closed = false;

  /** @param originals frames as they are in the clip; `store` reads through them. */
  constructor(clip: Pick<ClipInfo, 'width' | 'height'>, plan: JobPlan, store: SourceStore, originals: FrameStore) {
    this.#plan = plan;
    this.#store = store;
    this.#originals = originals;
    this.#shape = shapeOf(clip, plan);
    const { width, height } = this.#shape.part ?? this.#shape.padded;
    this.#room = picturesHeld(width * height);
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

  /** Whether output frame `frame` shows what key frame `key`, before it in its shot, shows. @throws as {@link frame}. */
  async repeats(frame: number, key: number): Promise<boolean> {
    const index = this.index(frame) + (this.fraction(frame) === 0 ? 0 : 1);
    await this.#reach(index);
    return isRepeat(this.#originals.get(this.index(key)), this.#originals.get(index));
  }

  /** Output frames that will be asked for, in that order, after those told of before. A hint: it may be wrong. */
  expect(frames: Iterable<number>): void {
    this.#expected.push(...frames);
    this.#makeAhead();
  }

  /** @throws EnhancerError `TRUNCATED` when the clip ends before it, or what decoding throws. */
  async frame(frame: number): Promise<SourceFrame> {
    const at = this.#expected.indexOf(frame);
    if (at >= 0) this.#expected.splice(at, 1);
    const making = this.#made.get(frame) ?? this.#make(frame);
    // Half of the room is for what is to be made.
    if (this.#expected.includes(frame) && this.#kept.size < this.#room / 2) {
      this.#kept.add(frame);
      this.#made.set(frame, making);
    } else {
      this.#kept.delete(frame);
      this.#made.delete(frame);
    }
    this.#makeAhead();
    return making;
  }

  /** Output frames before `frame` won't be asked for any more. */
  dropBefore(frame: number): void {
    this.#expected = this.#expected.filter((each) => each >= frame);
    for (const held of this.#made.keys()) {
      if (held >= frame) continue;
      this.#made.delete(held);
      this.#kept.delete(held);
    }
  }

  close(): void {
    this.#closed = true;
    this.#expected = [];
    this.#made.clear();
    PictureWorkers.forget();
  }

  #makeAhead(): void {
    if (PictureWorkers.shared() === null) return;
    for (const frame of this.#expected) {
      if (this.#made.size >= this.#room) return;
      if (this.#made.has(frame)) continue;
      const making = this.#make(frame);
      // Whoever asks for it hears of it.
      making.catch(() => undefined);
      this.#made.set(frame, making);
    }
  }

  async #make(frame: number): Promise<SourceFrame> {
    const fraction = this.fraction(frame);
    const index = this.index(frame);
    await this.#reach(fraction === 0 ? index : index + 1);
    const before = await this.#store.get(index);
    const after = fraction === 0 ? null : await this.#store.get(index + 1);
    const workers = PictureWorkers.shared();
    if (workers) {
      try {
        return await workers.make(this.#job, this.#shape, before, after, fraction);
      } catch (error) {
        if (this.#closed) throw error;
        // A worker that doesn't start, or ran out of memory, need not end a job.
      }
    }
    this.#own ??= new SourcePictures(this.#shape);
    return after ? this.#own.between(before, after, fraction) : this.#own.key(before);
  }

  /** One after the other: the store has one reader. */
  #reach(index: number): Promise<void> {
    const reached = this.#reading.then(() => this.#store.reach(index));
    this.#reading = reached.catch(() => undefined);
    return reached;
  }
}

function shapeOf(source: Pick<ClipInfo, 'width' | 'height'>, plan: JobPlan): PictureShape {
  const { crop, latentWidth, latentHeight, paddedWidth, paddedHeight } = plan;
  const factor = paddedWidth / latentWidth;
  return {
    source: { width: source.width, height: source.height },
    worked: crop?.worked ?? workedSize(plan),
    padded: crop
      ? { width: crop.paddedWidth, height: crop.paddedHeight }
      : { width: paddedWidth, height: paddedHeight },
    factor,
    part: crop
      ? {
          x: crop.latentX * factor,
          y: crop.latentY * factor,
          width: latentWidth * factor,
          height: latentHeight * factor,
        }
      : null,
  };
}
