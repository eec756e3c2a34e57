/**
 * Source frames in the mean light of their neighbours of the same shot (condition/deflicker.ts): a frame store over another.
 *
 * Reads {@link DEFLICKER_REACH} frames further than it is asked for and keeps as many behind; costs a flow a frame. What comes out depends on the
 * frames of the shot within the job's range alone, so a job that goes on makes the same: its reader begins as many frames earlier.
 */

import {
  DEFLICKER_REACH,
  inMeanLight,
  type LightChange,
  lightChange,
  type SmallFrame,
  smallFrame,
} from '../condition/deflicker.ts';
import type { DecodedFrame } from '../media/decode.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { SourceStore } from './frame-store.ts';

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

export class DeflickeredStore implements SourceStore {
  readonly #store: SourceStore;
  readonly #plan: ShotPlan;
  readonly #first: number;
  /** From each frame to the next. */
  readonly #changes = new Map<number, LightChange>();
  readonly #made = new Map<number, DecodedFrame>();
  #small: { readonly index: number; readonly frame: SmallFrame } | null = null;
  #next: number;

  /** @param first source frame that will be asked for first; the store begins at its `deflickerStart`. */
  constructor(store: SourceStore, plan: ShotPlan, first: number) {
    this.#store = store;
    this.#plan = plan;
    this.#first = deflickerStart(plan, first);
    this.#next = first;
  }

  async reach(index: number): Promise<void> {
    for (; this.#next <= index; this.#next += 1) {
      const shot = sourceShot(this.#plan, this.#next);
      const span = {
        first: Math.max(shot.first, this.#first, this.#next - DEFLICKER_REACH),
        last: Math.min(shot.last, this.#next + DEFLICKER_REACH),
      };
      for (let frame = span.first; frame <= span.last; frame += 1) await this.#store.reach(frame);
      this.#made.set(this.#next, this.#inMeanLight(this.#next, span));
    }
  }

  get(index: number): DecodedFrame {
    const frame = this.#made.get(index);
    if (!frame) throw new RangeError(`source frame ${index} is not held`);
    return frame;
  }

  dropBefore(index: number): void {
    for (const held of this.#made.keys()) if (held < index) this.#made.delete(held);
    const needed = Math.min(index, this.#next) - DEFLICKER_REACH;
    for (const held of this.#changes.keys()) if (held < needed) this.#changes.delete(held);
    this.#store.dropBefore(needed);
  }

  async close(): Promise<void> {
    this.#made.clear();
    await this.#store.close();
  }

  #inMeanLight(index: number, { first, last }: Span): DecodedFrame {
    const changes = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => this.#changeFrom(from + i));
    const frame = this.#store.get(index);
    return { ...frame, rgba: inMeanLight(frame, changes(first, index), changes(index, last)) };
  }

  #changeFrom(index: number): LightChange {
    const known = this.#changes.get(index);
    if (known) return known;
    const before = this.#small?.index === index ? this.#small.frame : smallFrame(this.#store.get(index));
    const after = smallFrame(this.#store.get(index + 1));
    const change = lightChange(before, after);
    this.#small = { index: index + 1, frame: after };
    this.#changes.set(index, change);
    return change;
  }
}
