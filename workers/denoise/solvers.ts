/**
 * Solvers as programs: DDIM, DPM-Solver++(2M) SDE and Heun (SPEC §2.2, §2.3), each a list of evaluations whose updates are
 * linear per element. One interpreter therefore runs them all, on the CPU here, in one small GPU kernel later, and every frame
 * may advance on its own (the wavefront): a frame's whole history is its state `x` and at most one saved array.
 *
 * The state is kept variance-preserving, x = αx0 + σε, bounded at every noise level: the reference's state is x·√(1+k²), and
 * what it feeds to the network, x/√(1+k²) there, is simply `x` here.
 */

import { edmSigma, levelOfEdmSigma, type NoiseLevel, noiseLevel } from './schedule.ts';
import { DEFAULT_START_TIMESTEP, networkTimestep, type StepMode, stepTimesteps } from './timesteps.ts';

export type Solver = 'ddim' | 'dpmpp-2m-sde' | 'heun';

/** next x = x·x + x0·x0 + saved·saved + noise·noise; next saved likewise, where there is one to keep. */
export interface LinearUpdate {
  readonly x: { readonly x: number; readonly x0: number; readonly saved: number; readonly noise: number };
  readonly saved: { readonly x: number; readonly x0: number } | null;
}

/** One call of the network on every frame, and what follows from its x0. */
export interface Evaluation {
  readonly index: number;
  /** Whole timestep whose sinusoid the network gets. */
  readonly timestep: number;
  /** α, σ of `timestep`: what the reference turns velocity into x0 with. */
  readonly network: NoiseLevel;
  /** α, σ of the state itself, whose timestep is real-valued. */
  readonly state: NoiseLevel;
  readonly update: LinearUpdate;
}

export interface SolverProgram {
  readonly solver: Solver;
  readonly evaluations: readonly Evaluation[];
  /** Level that the start sample is drawn at. */
  readonly start: NoiseLevel;
  /** The reference multiplies its (unit-variance) start by k, not by √(1+k²): σ of the start; 1 for DDIM. */
  readonly startScale: number;
  readonly usesNoise: boolean;
  readonly usesSaved: boolean;
}

export interface ProgramOptions {
  readonly solver: Solver;
  /** Solver steps; Heun takes 2·steps − 1 evaluations, the others as many as steps. Ignored by the fast mode. */
  readonly steps: number;
  readonly mode?: StepMode;
  readonly startTimestep?: number;
  /** Stochasticity of the SDE solver, 0–1; 1 is the reference's. */
  readonly eta?: number;
}

/** @throws RangeError for steps or a start that no plan has. */
export function createProgram(options: ProgramOptions): SolverProgram {
  const { solver, steps, mode = 'normal', startTimestep = DEFAULT_START_TIMESTEP, eta = 1 } = options;
  const timesteps = stepTimesteps({ mode, steps, startTimestep, dropLast: solver !== 'heun' });
  const points = timesteps.map((t) => ({ timestep: networkTimestep(t), k: edmSigma(t) }));
  const updates = solver === 'heun' ? heun(points) : solver === 'ddim' ? ddim(points) : dpmSolver2mSde(points, eta);
  const evaluations = updates.map(({ point, update }, index) => ({
    index,
    timestep: point.timestep,
    network: noiseLevel(point.timestep),
    state: levelOfEdmSigma(point.k),
    update,
  }));
  const start = evaluations[0]!.state;
  return {
    solver,
    evaluations,
    start,
    startScale: solver === 'ddim' ? 1 : start.sigma,
    usesNoise: updates.some(({ update }) => update.x.noise !== 0),
    usesSaved: updates.some(({ update }) => update.saved !== null),
  };
}

/**
 * Advances one frame: overwrites `x`, and `saved` where the update keeps something. Arrays of equal length; `noise` may be
 * null where the update has none, `saved` where the program uses none.
 */
export function applyUpdate(
  update: LinearUpdate,
  x: Float32Array,
  x0: Float32Array,
  saved: Float32Array | null,
  noise: Float32Array | null,
): void {
  const { x: cx, x0: c0, saved: cs, noise: cn } = update.x;
  const count = x.length;
  const old = cs === 0 ? null : saved;
  if (cs !== 0 && saved === null) throw new RangeError('this update needs what an earlier one saved');
  if (cn !== 0 && noise === null) throw new RangeError('this update needs noise');
  if (update.saved === null) {
    if (old === null && cn === 0) for (let i = 0; i < count; i++) x[i] = cx * x[i]! + c0 * x0[i]!;
    else if (old === null) for (let i = 0; i < count; i++) x[i] = cx * x[i]! + c0 * x0[i]! + cn * noise![i]!;
    else if (cn === 0) for (let i = 0; i < count; i++) x[i] = cx * x[i]! + c0 * x0[i]! + cs * old[i]!;
    else for (let i = 0; i < count; i++) x[i] = cx * x[i]! + c0 * x0[i]! + cs * old[i]! + cn * noise![i]!;
    return;
  }
  if (saved === null) throw new RangeError('this update needs an array to save into');
  const { x: sx, x0: s0 } = update.saved;
  for (let i = 0; i < count; i++) {
    const xi = x[i]!;
    const di = x0[i]!;
    const si = cs === 0 ? 0 : saved[i]!;
    x[i] = cx * xi + c0 * di + cs * si + (cn === 0 ? 0 : cn * noise![i]!);
    saved[i] = sx * xi + s0 * di;
  }
}

interface Point {
  readonly timestep: number;
  /** EDM sigma, +∞ at timestep 999. */
  readonly k: number;
}

interface Step {
  readonly point: Point;
  readonly update: LinearUpdate;
}

const TO_X0: LinearUpdate = { x: { x: 0, x0: 1, saved: 0, noise: 0 }, saved: null };

/** One deterministic first-order step, k → next: x' = α'(k'/k·x/α + (1−k'/k)·x0); from k = ∞, x' = α'x0 + σ'x. */
function firstOrder(k: number, next: number): { x: number; x0: number } {
  const to = levelOfEdmSigma(next);
  if (k === Number.POSITIVE_INFINITY) return { x: to.sigma, x0: to.alpha };
  const from = levelOfEdmSigma(k);
  return { x: to.sigma / from.sigma, x0: to.alpha * (1 - next / k) };
}

/** η = 0: x' = α'x0 + σ'(x − αx0)/σ. */
function ddim(points: readonly Point[]): Step[] {
  return points.map((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return { point, update: TO_X0 };
    return { point, update: { x: { ...firstOrder(point.k, next.k), saved: 0, noise: 0 }, saved: null } };
  });
}

/** SPEC §2.3, times α' for the variance-preserving state; what it saves is the last x0. */
function dpmSolver2mSde(points: readonly Point[], eta: number): Step[] {
  let previousH: number | null = null;
  return points.map((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return { point, update: TO_X0 };
    if (point.k === Number.POSITIVE_INFINITY) {
      return { point, update: { x: { ...firstOrder(point.k, next.k), saved: 0, noise: 0 }, saved: null } };
    }
    const from = levelOfEdmSigma(point.k);
    const to = levelOfEdmSigma(next.k);
    const h = Math.log(point.k / next.k);
    const a = -Math.expm1(-(1 + eta) * h);
    const second = previousH === null ? 0 : (0.5 * a * h) / previousH;
    previousH = h;
    const update: LinearUpdate = {
      x: {
        x: (to.sigma / from.sigma) * Math.exp(-eta * h),
        x0: to.alpha * (a + second),
        saved: -to.alpha * second,
        noise: to.sigma * Math.sqrt(-Math.expm1(-2 * eta * h)),
      },
      saved: i + 2 < points.length ? { x: 0, x0: 1 } : null,
    };
    return { point, update };
  });
}

/** Karras' Algorithm 2 without churn: an Euler step, its end evaluated again, the two slopes' mean; Euler at either end. */
function heun(points: readonly Point[]): Step[] {
  return points.flatMap((point, i): Step[] => {
    const next = points[i + 1];
    if (next === undefined) return [{ point, update: TO_X0 }];
    const euler = firstOrder(point.k, next.k);
    if (point.k === Number.POSITIVE_INFINITY) {
      return [{ point, update: { x: { ...euler, saved: 0, noise: 0 }, saved: null } }];
    }
    const from = levelOfEdmSigma(point.k);
    const to = levelOfEdmSigma(next.k);
    const half = (next.k - point.k) / (2 * point.k);
    const halfAtEnd = (next.k - point.k) / (2 * next.k);
    const predictor: LinearUpdate = {
      x: { ...euler, saved: 0, noise: 0 },
      saved: { x: (to.alpha / from.alpha) * (1 + half), x0: -to.alpha * half },
    };
    const corrector: LinearUpdate = {
      x: { x: halfAtEnd, x0: -to.alpha * halfAtEnd, saved: 1, noise: 0 },
      saved: null,
    };
    return [
      { point, update: predictor },
      { point: next, update: corrector },
    ];
  });
}
