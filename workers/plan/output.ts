/** What comes out: size, frames, timestamps, frame rate (SPEC §2.4, DESIGN). Pure. */

import type { ClipInfo, Rational } from '../media/clip-info.ts';
import type { Settings } from './settings.ts';

/** source·scale, each side rounded to even, at least 2: what 4:2:0 video can be. */
export function outputSide(source: number, scale: number): number {
  return Math.max(2, 2 * Math.round((source * scale) / 2));
}

/** (K−1)·factor + 1: the intervals between K source frames are divided, the last frame has none. */
export function outputFrameCount(sourceFrames: number, frameRateFactor: number): number {
  return sourceFrames === 0 ? 0 : (sourceFrames - 1) * frameRateFactor + 1;
}

/** The output's frame rate, reduced. */
export function outputFrameRate(frameRate: Rational, frameRateFactor: number): Rational {
  const numerator = frameRate.numerator * frameRateFactor;
  const divisor = greatestCommonDivisor(numerator, frameRate.denominator);
  return { numerator: numerator / divisor, denominator: frameRate.denominator / divisor };
}

/** Source frames [sourceStart, sourceEnd) on screen at some moment of the range; the whole clip for null. */
export function sourceFrames(
  clip: ClipInfo,
  range: Settings['range'],
): { readonly sourceStart: number; readonly sourceEnd: number } {
  const times = clip.timestampsUs;
  if (range === null || times.length === 0) return { sourceStart: 0, sourceEnd: times.length };
  const first = times[0]!;
  const endOf = (i: number) => times[i + 1] ?? times[i]! + clip.lastFrameDurationUs;
  let sourceStart = 0;
  while (sourceStart < times.length && endOf(sourceStart) - first <= range.startUs) sourceStart++;
  let sourceEnd = sourceStart;
  while (sourceEnd < times.length && times[sourceEnd]! - first < range.endUs) sourceEnd++;
  return { sourceStart, sourceEnd };
}

export interface FrameTime {
  /** On the source's timeline. */
  readonly timestampUs: number;
  readonly durationUs: number;
}

/** What of a plan the timestamps depend on. */
export interface FrameSpan {
  readonly sourceStart: number;
  readonly sourceEnd: number;
  readonly frameRateFactor: number;
}

/**
 * When output frame f is shown, and for how long: each source interval is divided evenly; the last frame keeps its source's
 * duration. Whole microseconds whose durations add up without a gap.
 * @throws RangeError for a frame outside the output.
 */
export function outputFrameTime(clip: ClipInfo, span: FrameSpan, frame: number): FrameTime {
  const { sourceStart, sourceEnd, frameRateFactor } = span;
  const count = outputFrameCount(sourceEnd - sourceStart, frameRateFactor);
  if (!(frame >= 0 && frame < count)) throw new RangeError(`output frame ${frame} of ${count}`);
  const timestampUs = timestamp(clip, sourceStart, frameRateFactor, frame);
  if (frame + 1 < count) {
    return { timestampUs, durationUs: timestamp(clip, sourceStart, frameRateFactor, frame + 1) - timestampUs };
  }
  const last = sourceEnd - 1;
  const next = clip.timestampsUs[sourceEnd];
  return { timestampUs, durationUs: next === undefined ? clip.lastFrameDurationUs : next - clip.timestampsUs[last]! };
}

function timestamp(clip: ClipInfo, sourceStart: number, factor: number, frame: number): number {
  const source = sourceStart + Math.floor(frame / factor);
  const part = frame % factor;
  const start = clip.timestampsUs[source]!;
  return part === 0 ? start : Math.round(start + ((clip.timestampsUs[source + 1]! - start) * part) / factor);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
