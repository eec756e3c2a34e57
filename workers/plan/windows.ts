/**
 * Windows over shots: frames denoised together, with an overlap to cross-fade over (SPEC §2.5, generalised). Every window starts on
 * a key frame and, but for trailing frames of a shot that ends on an inserted one, ends on one, so that every inserted frame has
 * both its neighbours. Windows of a shot are equally long, so that sessions specialise to one shape.
 */

import type { Shot, Window } from './job-plan.ts';

/** Lengths in key-frame intervals: a window of n intervals at factor r has n·r + 1 frames. */
export interface WindowShape {
  readonly intervals: number;
  readonly overlapIntervals: number;
}

/**
 * Frames that windows aim at where a model names none, and of those that two share beyond the first: fixed, since it is the frames of the cross-fade
 * that hide a border, and the longer the window the less work is done twice (docs/performance.md). In a short clip they are shorter, so that its first
 * pictures come before its last, and an interruption costs a part of it. The nano model is trained on shorter ones.
 */
const LONG_WINDOW_FRAMES = 25;
const SHORT_WINDOW_FRAMES = 17;
const SHORT_SHOT_FRAMES = 48;
const SHARED_FRAMES = 4;

/** What windows of these shots aim at. */
export function targetWindowFrames(shots: readonly Shot[]): number {
  const longest = shots.reduce((most, { startFrame, endFrame }) => Math.max(most, endFrame - startFrame), 0);
  return longest > SHORT_SHOT_FRAMES ? LONG_WINDOW_FRAMES : SHORT_WINDOW_FRAMES;
}

/** A shot up to this much longer than a window is one window, as in the reference. */
const STRETCH = 1.33;

/**
 * From the longest wanted to the shortest possible, for a memory budget to choose from.
 * @param share of the longest that overlaps, as in the reference; absent: {@link SHARED_FRAMES}, and a quarter of shorter ones.
 */
export function windowShapes(frameRateFactor: number, targetFrames: number, share?: number): WindowShape[] {
  const most = Math.max(2, Math.floor((targetFrames - 1) / frameRateFactor));
  const shapes: WindowShape[] = [];
  for (let intervals = most; intervals >= 2; intervals--) {
    const part = Math.round(intervals * (share ?? 1 / 4));
    const shared = share === undefined ? Math.round(SHARED_FRAMES / frameRateFactor) : part;
    shapes.push({ intervals, overlapIntervals: Math.max(1, Math.min(part, shared)) });
  }
  shapes.push({ intervals: 1, overlapIntervals: 0 });
  return shapes;
}

export function windowFrames(intervals: number, frameRateFactor: number): number {
  return intervals * frameRateFactor + 1;
}

/**
 * Windows of all shots. Shots start on key frames, are in order and do not overlap.
 * @throws RangeError for a shot that starts between key frames or is empty.
 */
export function planWindows(shots: readonly Shot[], frameRateFactor: number, shape: WindowShape): Window[] {
  const windows: Window[] = [];
  shots.forEach((shot, index) => {
    if (shot.startFrame % frameRateFactor !== 0 || shot.endFrame <= shot.startFrame) {
      throw new RangeError(`shot ${index} [${shot.startFrame}, ${shot.endFrame}) does not start on a key frame`);
    }
    planShot(shot, index, frameRateFactor, shape, windows);
  });
  return windows;
}

/** The longest window that {@link planWindows} would lay, and the most new frames that a window brings. */
export function windowExtent(
  shots: readonly Shot[],
  frameRateFactor: number,
  shape: WindowShape,
): { readonly longest: number; readonly stride: number } {
  let longest = 0;
  let stride = 0;
  for (const shot of shots) {
    const { frames, total, count, length } = measure(shot, frameRateFactor, shape);
    const trailing = frames - windowFrames(total, frameRateFactor);
    longest = Math.max(longest, count === 1 ? frames : windowFrames(length, frameRateFactor) + trailing);
    stride = Math.max(stride, count === 1 ? frames : Math.ceil((total - length) / (count - 1)) * frameRateFactor);
  }
  return { longest, stride };
}

/** Number of windows of a shot and their length in intervals. */
function measure(shot: Shot, factor: number, { intervals, overlapIntervals }: WindowShape) {
  const frames = shot.endFrame - shot.startFrame;
  const total = Math.floor((frames - 1) / factor);
  const stretched = Math.floor((windowFrames(intervals, factor) * STRETCH - 1) / factor);
  if (total <= (intervals === 1 ? 1 : Math.max(intervals, stretched)))
    return { frames, total, count: 1, length: total };
  const count = Math.ceil((total - overlapIntervals) / (intervals - overlapIntervals));
  return { frames, total, count, length: Math.ceil((total + (count - 1) * overlapIntervals) / count) };
}

function planShot(shot: Shot, index: number, factor: number, shape: WindowShape, windows: Window[]): void {
  const { total, count, length } = measure(shot, factor, shape);
  const add = (startInterval: number, endFrame: number): void => {
    const startFrame = shot.startFrame + startInterval * factor;
    const previous = windows.at(-1);
    const overlapFrames = previous?.shot === index ? Math.max(0, previous.endFrame - startFrame) : 0;
    windows.push({ index: windows.length, shot: index, startFrame, endFrame, overlapFrames });
  };
  for (let i = 0; i < count; i++) {
    const start = count === 1 ? 0 : Math.round((i * (total - length)) / (count - 1));
    // Inserted frames after a shot's last key frame belong to its last window.
    add(start, i === count - 1 ? shot.endFrame : shot.startFrame + (start + length) * factor + 1);
  }
}
