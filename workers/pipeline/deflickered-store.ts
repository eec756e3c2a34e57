/**
 * Source frames in the mean light of their neighbours of the same shot (condition/deflicker.ts): a frame store over another.
 *
 * Reads {@link DEFLICKER_REACH} frames further than it is asked for and keeps as many behind; costs a flow a frame, a worker's where there are any,
 * which are asked as soon as the frames are read. What comes out depends on the
 * frames of the shot within the job's range alone, so a job that goes on makes the same: its reader begins as many frames earlier.
 */

import { DEFLICKER_REACH, MeanLight } from '../condition/deflicker.ts';
import type { DecodedFrame } from '../media/decode.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { SourceStore } from './frame-store.ts';
import { PictureWorkers } from './picture-workers.ts';

interface Span {
  readonly first: number;
  readonly last: number;
}

/** Source frames of the shot that source frame `index` belongs to. */
export function sourceShot({ shots, sourceStart, frameRateFactor }: ShotPlan, index: number): Span {
  const output = (index - sourceStart) * frameRateFactor;
  const shot = shots.find(({ startFrame, endFrame }) => output >= startFrame && output < endFrame);
  if (!shot) return { first: index, last: index };
  const source = (frame: number) => sourceStart + Math.floor(frame / frameRateFactor);
  return { first: source(shot.startFrame), last: source(shot.endFrame - 1) };
}

type ShotPlan = Pick<JobPlan, 'shots' | 'sourceStart' | 'frameRateFactor'>;

/** Where reading has to begin so that source frame `index` comes out as in a whole job. */
export function deflickerStart(plan: ShotPlan, index: number): number {
  return Math.max(sourceShot(plan, index).first, index - DEFLICKER_REACH);
}

let jobs = 0;

export class DeflickeredStore implements SourceStore {
  readonly #store: SourceStore;
  readonly #plan: ShotPlan;
  readonly #first: number;
  readonly #made = new Map<number, Promise<DecodedFrame>>();
  readonly #job = jobs++;
  /** Where there are no workers. */
  #own: MeanLight | null = null;
  #next: number;
  #closed = false;

  /** @param first source frame that will be asked for first; the store begins at its `deflickerStart`. */
  constructor(store: SourceStore, plan: ShotPlan, first: number) {
    this.#store = store;
    this.#plan = plan;
    this.#first = deflickerStart(plan, first);
    this.#next = first;
  }

  /** What has been reached may still be in the making. */
  async reach(index: number): Promise<void> {
    for (; this.#next <= index; this.#next += 1) {
      const shot = sourceShot(this.#plan, this.#next);
      const span = {
        first: Math.max(shot.first, this.#first, this.#next - DEFLICKER_REACH),
        last: Math.min(shot.last, this.#next + DEFLICKER_REACH),
      };
      for (let frame = span.first; frame <= span.last; frame += 1) await this.#store.reach(frame);
      const frames: DecodedFrame[] = [];
      for (let frame = span.first; frame <= span.last; frame += 1) frames.push(await this.#store.get(frame));
      const making = this.#inMeanLight(frames, this.#next - span.first);
      // Whoever asks for it hears of it.
      making.catch(() => undefined);
      this.#made.set(this.#next, making);
    }
  }

  get(index: number): Promise<DecodedFrame> {
    const frame = this.#made.get(index);
    if (!frame) throw new RangeError(`source frame ${index} is not held`);
    return frame;
  }

  dropBefore(index: number): void {
    for (const held of this.#made.keys()) if (held < index) this.#made.delete(held);
    const needed = Math.min(index, this.#next) - DEFLICKER_REACH;
    this.#store.dropBefore(needed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#made.clear();
    await this.#store.close();
  }

  async #inMeanLight(neighbourhood: readonly DecodedFrame[], at: number): Promise<DecodedFrame> {
    const frame = neighbourhood[at]!;
    try {
      const rgba = await PictureWorkers.shared()?.inMeanLight(this.#job, neighbourhood, at);
      if (rgba) return { ...frame, rgba };
    } catch (error) {
      if (this.#closed) throw error;
      // A worker that doesn't start, or ran out of memory, need not end a job.
    }
    this.#own ??= new MeanLight();
    return { ...frame, rgba: this.#own.of(neighbourhood, at) };
  }
}
