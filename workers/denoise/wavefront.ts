/**
 * The wavefront (DESIGN "How data flows"): steps overlapping windows of frames through a solver's evaluations in an order
 * that gives the very result of stepping the whole clip together, while only about as many windows are open as there are
 * evaluations.
 *
 * A window may run evaluation i once every window that overlaps it has run evaluation i − 1, and the earlier ones i as well
 * (x0 predictions are cross-faded in order). Of the windows that may run, the oldest does; a new one is opened only when none may.
 * A frame's state (x, at most one saved array) exists once, however many windows overlap it, and is advanced as soon as its last window
 * has predicted it; only frames that a later window shares hold an x0 in between. Memory: (evaluations·stride + overlap) frames, one or two
 * arrays each, a third in overlaps. Between evaluations the whole of it is a {@link WavefrontState}, from which it can go on in another
 * process to the very same values. Pure; runs anywhere.
 */

import { throwIfAborted } from '../errors.ts';
import type { Window } from '../plan/job-plan.ts';
import { crossFade, crossFadeWeight } from './blend.ts';
import { applyUpdate, type Evaluation, type SolverProgram } from './solvers.ts';

/** Frames that will not change any more: one array of `frameSize` values each. */
export interface FinalSegment<Condition> {
  readonly window: Window;
  readonly condition: Condition;
  readonly startFrame: number;
  readonly endFrame: number;
  /** Latents of [startFrame, endFrame); owned by the receiver. */
  readonly frames: readonly Float32Array[];
}

/** One frame's arrays, `frameSize` values each. */
export interface WavefrontFrame {
  readonly frame: number;
  readonly x: Float32Array;
  /** What the solver keeps between evaluations; null where the program uses none. */
  readonly saved: Float32Array | null;
  /** Its x0 of the running evaluation as far as blended; null unless a later window has still to predict it. */
  readonly x0: Float32Array | null;
}

/** Everything that the rest of the work depends on, beside the options. */
export interface WavefrontState {
  /** Windows taken from the sequence, finished ones among them. */
  readonly taken: number;
  /** Evaluations done by each open window; these are the last of those taken. */
  readonly done: readonly number[];
  /** In ascending order. */
  readonly frames: readonly WavefrontFrame[];
}

export interface WavefrontOptions<Condition> {
  /** Extents in order: starts and ends rise; read only a window ahead of need, so the sequence may be endless. */
  readonly windows: Iterable<Window> | AsyncIterable<Window>;
  readonly program: SolverProgram;
  /** Values in one frame of latents. */
  readonly frameSize: number;
  /** Makes what a window's evaluations need (hints, decoded frames), just before its first. */
  open(window: Window): Promise<Condition> | Condition;
  /** Releases it, after the window's segment has been received. */
  close?(window: Window, condition: Condition): void;
  /** Fills the start sample of one output frame; called once a frame. */
  startFrame(frame: number, window: Window, condition: Condition, out: Float32Array): void;
  /** x0 of the window's frames; `frames` are the live states, not to be changed; what is returned is copied before the next call. */
  predictX0(
    window: Window,
    condition: Condition,
    frames: readonly Float32Array[],
    evaluation: Evaluation,
  ): Promise<readonly Float32Array[]>;
  /** Fills the noise of one frame after one evaluation; called only where the program uses noise. */
  noise(evaluation: number, frame: number, out: Float32Array): void;
  /** Receives segments in order, [start of this window, start of the next); awaited before more is computed. */
  onFinal(segment: FinalSegment<Condition>): Promise<void> | void;
  onEvaluation?(window: Window, evaluation: Evaluation): void;
  /**
   * Called after every evaluation and the segments that it finishes. What `state` returns holds live arrays: valid
   * until the promise settles and while `predictX0` runs.
   */
  checkpoint?(state: () => WavefrontState): Promise<void> | void;
  /** Goes on from here; its arrays are taken over. `windows` is the whole sequence again. */
  readonly from?: WavefrontState | null;
  readonly signal?: AbortSignal;
}

export interface WavefrontReport {
  readonly windows: number;
  readonly evaluations: number;
  readonly peakOpenWindows: number;
  readonly peakFrames: number;
}

interface FrameState {
  readonly x: Float32Array;
  readonly saved: Float32Array | null;
  /** x0 of the running evaluation as far as blended; null unless a later window has still to predict it. */
  x0: Float32Array | null;
}

interface OpenWindow<Condition> {
  readonly extent: Window;
  readonly condition: Condition;
  /** Frames shared with the window before. */
  readonly overlap: number;
  done: number;
}

/**
 * Runs every window to its end.
 * @throws EnhancerError CANCELLED when the signal is aborted, RangeError for windows out of order.
 */
export async function runWavefront<Condition>(options: WavefrontOptions<Condition>): Promise<WavefrontReport> {
  const { program, frameSize, signal } = options;
  const total = program.evaluations.length;
  const extents = lookAhead(options.windows);
  const frames = new Map<number, FrameState>();
  const open: OpenWindow<Condition>[] = [];
  const noise = program.usesNoise ? new Float32Array(frameSize) : null;
  const spare: Float32Array[] = [];
  let last: Window | null = null;
  const report = { windows: 0, evaluations: 0, peakOpenWindows: 0, peakFrames: 0 };

  const advance = (frame: number, state: FrameState, x0: Float32Array, { update, index }: Evaluation): void => {
    if (update.x.noise !== 0) options.noise(index, frame, noise!);
    applyUpdate(update, state.x, x0, state.saved, noise);
  };

  const hold = (x0: Float32Array): Float32Array => {
    const copy = spare.pop() ?? new Float32Array(frameSize);
    copy.set(x0);
    return copy;
  };

  let taken = 0;

  const state = (): WavefrontState => ({
    taken,
    done: open.map(({ done }) => done),
    frames: [...frames].sort(([a], [b]) => a - b).map(([frame, { x, saved, x0 }]) => ({ frame, x, saved, x0 })),
  });

  /** Opens the next window, without frames that are there already; `skipped` when it has long been finished. */
  const openNext = async (skipped = false): Promise<boolean> => {
    const extent = await extents.take();
    if (extent === null) return false;
    taken++;
    if (last !== null && (extent.startFrame <= last.startFrame || extent.endFrame <= last.endFrame)) {
      throw new RangeError(`window ${extent.index} does not follow window ${last.index}`);
    }
    const overlap = last === null ? 0 : Math.max(0, last.endFrame - extent.startFrame);
    last = extent;
    if (skipped) return true;
    const condition = await options.open(extent);
    for (let frame = extent.startFrame; frame < extent.endFrame; frame++) {
      if (frames.has(frame)) continue;
      const state: FrameState = {
        x: new Float32Array(frameSize),
        saved: program.usesSaved ? new Float32Array(frameSize) : null,
        x0: null,
      };
      options.startFrame(frame, extent, condition, state.x);
      frames.set(frame, state);
    }
    open.push({ extent, condition, overlap, done: 0 });
    report.windows++;
    report.peakOpenWindows = Math.max(report.peakOpenWindows, open.length);
    report.peakFrames = Math.max(report.peakFrames, frames.size);
    return true;
  };

  /** Predicts a window's frames; those that no window from `shared` on contains are advanced at once. */
  const run = async (window: OpenWindow<Condition>, shared: number): Promise<void> => {
    const { extent, condition, overlap } = window;
    const evaluation = program.evaluations[window.done]!;
    const states: FrameState[] = [];
    for (let frame = extent.startFrame; frame < extent.endFrame; frame++) states.push(frames.get(frame)!);
    const predicted = await options.predictX0(
      extent,
      condition,
      states.map((state) => state.x),
      evaluation,
    );
    states.forEach((state, j) => {
      const frame = extent.startFrame + j;
      const newer = predicted[j]!;
      const older = state.x0;
      if (older !== null) crossFade(older, newer, crossFadeWeight(j, overlap));
      if (frame >= shared) {
        state.x0 = older ?? hold(newer);
        return;
      }
      advance(frame, state, older ?? newer, evaluation);
      if (older !== null) spare.push(older);
      state.x0 = null;
    });
    window.done++;
    report.evaluations++;
    options.onEvaluation?.(extent, evaluation);
  };

  const finish = async (window: OpenWindow<Condition>): Promise<void> => {
    const { startFrame } = window.extent;
    const next = open[1]?.extent ?? (await extents.peek());
    const endFrame = next === null ? window.extent.endFrame : Math.min(window.extent.endFrame, next.startFrame);
    const finished: Float32Array[] = [];
    for (let frame = startFrame; frame < endFrame; frame++) {
      finished.push(frames.get(frame)!.x);
      frames.delete(frame);
    }
    await options.onFinal({
      window: window.extent,
      condition: window.condition,
      startFrame,
      endFrame,
      frames: finished,
    });
    open.shift();
    options.close?.(window.extent, window.condition);
  };

  const restore = async (from: WavefrontState): Promise<void> => {
    for (const { frame, x, saved, x0 } of from.frames) frames.set(frame, { x, saved, x0 });
    const finished = from.taken - from.done.length;
    for (let i = 0; i < from.taken; i++) {
      if (!(await openNext(i < finished))) throw new RangeError(`the state is of more than ${i} windows`);
      if (i >= finished) open.at(-1)!.done = from.done[i - finished]!;
    }
  };

  try {
    if (options.from) await restore(options.from);
    for (;;) {
      throwIfAborted(signal);
      const next = await extents.peek();
      const i = open.findIndex((_, at) => mayRun(open, at, next));
      if (i < 0) {
        if (await openNext()) continue;
        return report;
      }
      await run(open[i]!, (open[i + 1]?.extent ?? next)?.startFrame ?? Number.POSITIVE_INFINITY);
      while (open[0]?.done === total) await finish(open[0]);
      await options.checkpoint?.(state);
    }
  } finally {
    await extents.close();
    for (const window of open) options.close?.(window.extent, window.condition);
  }
}

function mayRun<Condition>(open: readonly OpenWindow<Condition>[], i: number, next: Window | null): boolean {
  const window = open[i]!;
  const { startFrame, endFrame } = window.extent;
  for (let j = i - 1; j >= 0 && open[j]!.extent.endFrame > startFrame; j--) {
    if (open[j]!.done <= window.done) return false;
  }
  for (let j = i + 1; j < open.length && open[j]!.extent.startFrame < endFrame; j++) {
    if (open[j]!.done < window.done) return false;
  }
  return window.done === 0 || next === null || next.startFrame >= endFrame;
}

/** One-item look-ahead over a sequence of either kind. */
function lookAhead(windows: Iterable<Window> | AsyncIterable<Window>) {
  const iterator = Symbol.asyncIterator in windows ? windows[Symbol.asyncIterator]() : windows[Symbol.iterator]();
  let ahead: Window | null | undefined;
  const peek = async (): Promise<Window | null> => {
    if (ahead === undefined) {
      const result = await iterator.next();
      ahead = result.done ? null : result.value;
    }
    return ahead;
  };
  return {
    peek,
    async take(): Promise<Window | null> {
      const window = await peek();
      if (window !== null) ahead = undefined;
      return window;
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
