/**
 * Windows over shots: frames denoised together, with an overlap to cross-fade over (SPEC §2.5, generalised). Every window starts on
 * a key frame. Windows of a shot are equally long to within a key-frame interval, and share exactly what is asked.
 */

import type { Shot, Window } from './job-plan.ts';

/** A window that is not its shot's only one has strideIntervals·r + sharedFrames frames at most, at factor r. */
export interface WindowShape {
  /** Key-frame intervals from a window's start to the next one's, at most. */
  readonly strideIntervals: number;
  /** Frames that two windows share: 1 is a key frame that ends one and begins the next. */
  readonly sharedFrames: number;
}

/**
 * Frames that windows aim at where a model names none, and that two of them share: it is these that hide a border, and three do it as well as five
 * (docs/performance.md, "Borders"); the longer the window the less work is done twice. In a short clip they are shorter, so that its first
 * pictures come before its last, and an interruption costs a part of it; not where tiles do work twice already. The nano model is trained on shorter ones.
 */
const LONG_WINDOW_FRAMES = 25;
const SHORT_WINDOW_FRAMES = 17;
const SHORT_SHOT_FRAMES = 48;
const SHARED_FRAMES = 3;
/** Of a window, so that memory's shortest ones don't do much twice. */
const MOST_SHARED = 0.23;

/** What windows of these shots aim at, the shortest first. */
export function targetWindowFrames(shots: readonly Shot[]): readonly number[] {
  const longest = shots.reduce((most, { startFrame, endFrame }) => Math.max(most, endFrame - startFrame), 0);
  return longest > SHORT_SHOT_FRAMES ? [LONG_WINDOW_FRAMES] : [SHORT_WINDOW_FRAMES, LONG_WINDOW_FRAMES];
}

/** A shot up to this much longer than a window is one window, as in the reference. */
const STRETCH = 1.33;

/** From the longest wanted to the shortest possible, for a memory budget to choose from; then those again that can do with a single shared frame. */
export function windowShapes(frameRateFactor: number, targetFrames: number): WindowShape[] {
  const most = Math.max(1, Math.round((targetFrames - SHARED_FRAMES) / frameRateFactor));
  const shapes: WindowShape[] = [];
  for (let strideIntervals = most; strideIntervals >= 1; strideIntervals--) {
    const stride = strideIntervals * frameRateFactor;
    const share = Math.floor((stride * MOST_SHARED) / (1 - MOST_SHARED));
    shapes.push({ strideIntervals, sharedFrames: Math.max(1, Math.min(SHARED_FRAMES, share)) });
  }
  const least = shapes.filter(({ sharedFrames }) => sharedFrames > 1).map((shape) => ({ ...shape, sharedFrames: 1 }));
  return [...shapes, ...least];
}

/** The same as in the reference: both ends on key frames, `share` of a window shared. */
export function referenceShapes(frameRateFactor: number, targetFrames: number, share: number): WindowShape[] {
  const most = Math.max(2, Math.floor((targetFrames - 1) / frameRateFactor));
  const shapes: WindowShape[] = [];
  for (let intervals = most; intervals >= 2; intervals--) {
    const shared = Math.max(1, Math.round(intervals * share));
    shapes.push({ strideIntervals: intervals - shared, sharedFrames: shared * frameRateFactor + 1 });
  }
  shapes.push({ strideIntervals: 1, sharedFrames: 1 });
  return shapes;
}

/** Whether as many frames are shared as hide a border best. */
export function sharesEnough({ sharedFrames }: WindowShape): boolean {
  return sharedFrames >= SHARED_FRAMES;
}

export function windowFrames({ strideIntervals, sharedFrames }: WindowShape, frameRateFactor: number): number {
  return strideIntervals * frameRateFactor + sharedFrames;
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
    const { count, strides } = measure(shot, frameRateFactor, shape);
    const startOf = (i: number) => shot.startFrame + Math.round((i * strides) / count) * frameRateFactor;
    for (let i = 0; i < count; i++) {
      const startFrame = startOf(i);
      const endFrame = i === count - 1 ? shot.endFrame : startOf(i + 1) + shape.sharedFrames;
      const overlapFrames = i === 0 ? 0 : windows.at(-1)!.endFrame - startFrame;
      windows.push({ index: windows.length, shot: index, startFrame, endFrame, overlapFrames });
    }
  });
  return windows;
}

/** Of the windows that {@link planWindows} would lay: the longest, the most new frames that one brings, and the frames of all together. */
export function windowExtent(
  shots: readonly Shot[],
  frameRateFactor: number,
  shape: WindowShape,
): { readonly longest: number; readonly stride: number; readonly total: number } {
  let longest = 0;
  let stride = 0;
  let total = 0;
  for (const shot of shots) {
    const frames = shot.endFrame - shot.startFrame;
    const { count, strides } = measure(shot, frameRateFactor, shape);
    const most = Math.ceil(strides / count) * frameRateFactor;
    longest = Math.max(longest, count === 1 ? frames : most + shape.sharedFrames);
    stride = Math.max(stride, count === 1 ? frames : most);
    total += frames + (count - 1) * shape.sharedFrames;
  }
  return { longest, stride, total };
}

/** Number of windows of a shot, and the key-frame intervals that their starts are spread over. */
function measure({ startFrame, endFrame }: Shot, factor: number, shape: WindowShape) {
  const { strideIntervals, sharedFrames } = shape;
  const frames = endFrame - startFrame;
  const wanted = windowFrames(shape, factor);
  const isShortest = strideIntervals === 1 && sharedFrames === 1;
  const strides = Math.ceil((frames - sharedFrames) / factor);
  const alone = frames <= (isShortest ? wanted : Math.floor(wanted * STRETCH));
  return { count: alone ? 1 : Math.ceil(strides / strideIntervals), strides };
}
