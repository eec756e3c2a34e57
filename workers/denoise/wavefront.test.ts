import { describe, expect, test } from 'vitest';
import { EnhancerError } from '../errors.ts';
import type { Tile, Window } from '../plan/job-plan.ts';
import { accumulateTile, extractTile } from './blend.ts';
import { analyticX0, largestDifference } from './fixtures/analytic.ts';
import { fillNoise, START_STREAM } from './noise.ts';
import { applyUpdate, createProgram, type Evaluation, type Solver, type SolverProgram } from './solvers.ts';
import { runWavefront, type WavefrontState } from './wavefront.ts';

const CHANNELS = 2;
const WIDTH = 12;
const HEIGHT = 10;
const SIZE = CHANNELS * WIDTH * HEIGHT;

function window(index: number, startFrame: number, endFrame: number, shot = 0): Window {
  return { index, shot, startFrame, endFrame, overlapFrames: 0 };
}

/** Windows of `length` frames every `stride`, over `count` frames. */
function windowsOver(count: number, length: number, stride: number): Window[] {
  const windows: Window[] = [];
  for (let start = 0; ; start += stride) {
    windows.push(window(windows.length, start, Math.min(count, start + length)));
    if (start + length >= count) return windows;
  }
}

function startSample(frame: number, out: Float32Array): void {
  fillNoise(
    { seed: 1, stream: START_STREAM, frame, channels: CHANNELS, x: 0, y: 0, width: WIDTH, height: HEIGHT },
    out,
  );
}

function stepNoise(evaluation: number, frame: number, out: Float32Array): void {
  fillNoise({ seed: 1, stream: evaluation, frame, channels: CHANNELS, x: 0, y: 0, width: WIDTH, height: HEIGHT }, out);
}

const meanAt = (frame: number, i: number) => Math.sin(0.3 * frame + 0.7 * i);

/** A denoiser of single values: any layout gives the same. */
function predictFrame(frame: number, x: Float32Array, evaluation: Evaluation): Float32Array {
  return x.map((value, i) => analyticX0(value, meanAt(frame, i), evaluation.state));
}

/** A denoiser that mixes all frames it sees, so that the windows' layout and the order of work show. */
function predictMixed(frames: readonly Float32Array[], evaluation: Evaluation): Float32Array[] {
  const mean = new Float32Array(frames[0]!.length);
  for (const x of frames) for (let i = 0; i < x.length; i++) mean[i] = mean[i]! + x[i]! / frames.length;
  return frames.map((x) => x.map((value, i) => evaluation.state.alpha * (0.7 * value + 0.3 * mean[i]!)));
}

/** Every evaluation over the whole clip before the next: what the wavefront must equal (SPEC §2.5). */
function stepWhole(
  windows: readonly Window[],
  count: number,
  program: SolverProgram,
  predict: (window: Window, frames: readonly Float32Array[], evaluation: Evaluation) => readonly Float32Array[],
): Float32Array[] {
  const xs = Array.from({ length: count }, (_, frame) => {
    const x = new Float32Array(SIZE);
    startSample(frame, x);
    return x;
  });
  const saved = xs.map(() => new Float32Array(SIZE));
  const noise = new Float32Array(SIZE);
  for (const evaluation of program.evaluations) {
    const x0: (Float32Array | null)[] = xs.map(() => null);
    let previousEnd = 0;
    for (const w of windows) {
      const predicted = predict(w, xs.slice(w.startFrame, w.endFrame), evaluation);
      predicted.forEach((values, j) => {
        const frame = w.startFrame + j;
        const older = x0[frame];
        const overlap = previousEnd - w.startFrame;
        x0[frame] = older ? older.map((v, i) => v + (j / overlap) * (values[i]! - v)) : values.slice();
      });
      previousEnd = w.endFrame;
    }
    xs.forEach((x, frame) => {
      stepNoise(evaluation.index, frame, noise);
      applyUpdate(evaluation.update, x, x0[frame]!, saved[frame]!, noise);
    });
  }
  return xs;
}

async function collect(
  windows: Iterable<Window> | AsyncIterable<Window>,
  program: SolverProgram,
  predict: (window: Window, frames: readonly Float32Array[], evaluation: Evaluation) => readonly Float32Array[],
) {
  const frames: Float32Array[] = [];
  const report = await runWavefront<null>({
    windows,
    program,
    frameSize: SIZE,
    open: () => null,
    startFrame: (frame, _window, _condition, out) => startSample(frame, out),
    predictX0: async (w, _condition, xs, evaluation) => predict(w, xs, evaluation),
    noise: stepNoise,
    onFinal: (segment) => {
      expect(segment.startFrame).toBe(frames.length);
      frames.push(...segment.frames);
    },
  });
  return { frames, report };
}

const LAYOUTS: [string, Window[], number][] = [
  ['one window', windowsOver(9, 17, 12), 9],
  ['overlap of a quarter', windowsOver(41, 17, 12), 41],
  ['overlap of half', windowsOver(48, 16, 8), 48],
  ['three windows at a frame', windowsOver(46, 31, 15), 46],
  ['two thirds shared', windowsOver(40, 12, 4), 40],
  ['no overlap', windowsOver(24, 8, 8), 24],
  ['shots', [window(0, 0, 9), window(1, 6, 14), window(2, 14, 15, 1), window(3, 15, 24, 2), window(4, 20, 30, 2)], 30],
];
const PROGRAMS: [string, Solver, number][] = [
  ['ddim 1', 'ddim', 1],
  ['ddim 4', 'ddim', 4],
  ['dpmpp-2m-sde 5', 'dpmpp-2m-sde', 5],
  ['heun 3', 'heun', 3],
];

describe('the wavefront', () => {
  for (const [layout, windows, count] of LAYOUTS) {
    test.each(PROGRAMS)(`${layout}: %s equals stepping the whole clip`, async (_, solver, steps) => {
      const program = createProgram({ solver, steps });
      const predict = (_w: Window, xs: readonly Float32Array[], e: Evaluation) => predictMixed(xs, e);
      const { frames, report } = await collect(windows, program, predict);
      const expected = stepWhole(windows, count, program, predict);
      expect(frames).toHaveLength(count);
      frames.forEach((x, f) => {
        expect(largestDifference(x, expected[f]!)).toBeLessThan(1e-6);
      });
      expect(report.evaluations).toBe(windows.length * program.evaluations.length);
    });
  }

  test('windows and tiles together equal one window of whole frames', async () => {
    const columns = [
      [0, 7, 0, 3],
      [4, 8, 3, 0],
    ] as const;
    const rows = [
      [0, 6, 0, 3],
      [3, 7, 3, 0],
    ] as const;
    const tiles: Tile[] = columns.flatMap(([latentX, latentWidth, overlapLeft, overlapRight]) =>
      rows.map(([latentY, latentHeight, overlapTop, overlapBottom]) => ({
        latentX,
        latentWidth,
        overlapLeft,
        overlapRight,
        latentY,
        latentHeight,
        overlapTop,
        overlapBottom,
      })),
    );
    const means = (frame: number) => Float32Array.from({ length: SIZE }, (_, i) => meanAt(frame, i));
    const tiled = (w: Window, xs: readonly Float32Array[], evaluation: Evaluation) =>
      xs.map((x, j) => {
        const out = new Float32Array(SIZE);
        const mean = means(w.startFrame + j);
        for (const tile of tiles) {
          const cut = (frame: Float32Array) => {
            const part = new Float32Array(CHANNELS * tile.latentWidth * tile.latentHeight);
            extractTile(frame, CHANNELS, WIDTH, HEIGHT, tile, part);
            return part;
          };
          const m = cut(mean);
          const predicted = cut(x).map((value, i) => analyticX0(value, m[i]!, evaluation.state));
          accumulateTile(out, CHANNELS, WIDTH, HEIGHT, tile, predicted);
        }
        return out;
      });
    const whole = (w: Window, xs: readonly Float32Array[], evaluation: Evaluation) =>
      xs.map((x, j) => predictFrame(w.startFrame + j, x, evaluation));
    for (const [, solver, steps] of PROGRAMS) {
      const program = createProgram({ solver, steps });
      const parts = await collect(windowsOver(41, 17, 12), program, tiled);
      const one = await collect([window(0, 0, 41)], program, whole);
      parts.frames.forEach((x, f) => {
        expect(largestDifference(x, one.frames[f]!)).toBeLessThan(1e-5);
      });
    }
  });

  test('copies what it keeps: a model may hand out the same arrays every time', async () => {
    const program = createProgram({ solver: 'heun', steps: 3 });
    const windows = windowsOver(41, 17, 12);
    const buffers = Array.from({ length: 17 }, () => new Float32Array(SIZE));
    const fresh = (_w: Window, xs: readonly Float32Array[], e: Evaluation) => predictMixed(xs, e);
    const reused = (w: Window, xs: readonly Float32Array[], e: Evaluation) =>
      fresh(w, xs, e).map((x0, j) => {
        buffers[j]!.set(x0);
        return buffers[j]!;
      });
    expect((await collect(windows, program, reused)).frames).toEqual((await collect(windows, program, fresh)).frames);
  });

  for (const [layout, windows, count] of LAYOUTS) {
    test.each(PROGRAMS)(`${layout}: %s goes on from its states to the same values`, async (_, solver, steps) => {
      const program = createProgram({ solver, steps });
      const runFrom = async (from: WavefrontState | null, checkpoint: (state: WavefrontState) => void) => {
        const finished = new Map<number, Float32Array>();
        await runWavefront<null>({
          windows,
          program,
          frameSize: SIZE,
          open: () => null,
          startFrame: (frame, _w, _c, out) => startSample(frame, out),
          predictX0: async (_w, _c, xs, e) => predictMixed(xs, e),
          noise: stepNoise,
          onFinal: ({ startFrame, frames }) => {
            for (const [i, x] of frames.entries()) finished.set(startFrame + i, x);
          },
          checkpoint: (state) => checkpoint(structuredClone(state())),
          from,
        });
        return finished;
      };
      const states: WavefrontState[] = [];
      const whole = await runFrom(null, (state) => states.push(state));
      expect(whole.size).toBe(count);
      expect(states.length).toBe(windows.length * program.evaluations.length);
      for (const [i, state] of states.entries()) {
        if (i % 3 > 0 && i < states.length - 1) continue;
        let evaluations = i + 1;
        const rest = await runFrom(state, () => evaluations++);
        expect(evaluations).toBe(states.length);
        expect(rest.size).toBe(count - (windows[state.taken - state.done.length]?.startFrame ?? count));
        for (const [frame, x] of rest) expect(x).toEqual(whole.get(frame));
      }
    });
  }

  test('keeps no more windows open than evaluations + 1, however long the clip, and reads the sequence as it goes', async () => {
    const program = createProgram({ solver: 'ddim', steps: 4 });
    let read = 0;
    let emitted = 0;
    async function* endless() {
      for (;;) {
        expect(read - emitted).toBeLessThanOrEqual(program.evaluations.length + 2);
        yield window(read, 12 * read, 12 * read + 17);
        read++;
      }
    }
    const abort = new AbortController();
    let peak = 0;
    let live = 0;
    const run = runWavefront<null>({
      windows: endless(),
      program,
      frameSize: SIZE,
      open: () => {
        peak = Math.max(peak, ++live);
        return null;
      },
      close: () => {
        live--;
      },
      startFrame: (frame, _w, _c, out) => startSample(frame, out),
      predictX0: async (_w, _c, xs, e) => predictMixed(xs, e),
      noise: stepNoise,
      onFinal: ({ startFrame, endFrame }) => {
        expect([startFrame, endFrame]).toEqual([12 * emitted, 12 * emitted + 12]);
        if (++emitted === 60) abort.abort();
      },
      signal: abort.signal,
    });
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(emitted).toBe(60);
    expect(peak).toBe(program.evaluations.length);
    expect(live).toBe(0);
  });

  test('stops between evaluations when cancelled, and gives everything back', async () => {
    const abort = new AbortController();
    let evaluations = 0;
    let closed = 0;
    let opened = 0;
    const run = runWavefront<number>({
      windows: windowsOver(60, 17, 12),
      program: createProgram({ solver: 'ddim', steps: 4 }),
      frameSize: SIZE,
      open: ({ index }) => {
        opened++;
        return index;
      },
      close: () => {
        closed++;
      },
      startFrame: (frame, _w, _c, out) => startSample(frame, out),
      predictX0: async (_w, _c, xs, e) => {
        if (++evaluations === 5) abort.abort();
        return predictMixed(xs, e);
      },
      noise: stepNoise,
      onFinal: () => {},
      signal: abort.signal,
    });
    await expect(run).rejects.toBeInstanceOf(EnhancerError);
    expect(evaluations).toBe(5);
    expect(closed).toBe(opened);
  });

  test('an error in the model reaches the caller', async () => {
    const program = createProgram({ solver: 'ddim', steps: 2 });
    await expect(
      collect(windowsOver(30, 17, 12), program, () => {
        throw new EnhancerError('DEVICE_LOST', 'The GPU went away.', 'Try again.');
      }),
    ).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await expect(collect([window(0, 4, 9), window(1, 2, 12)], program, (_w, xs) => xs)).rejects.toThrow(RangeError);
  });
});
