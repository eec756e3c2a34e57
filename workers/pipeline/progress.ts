/**
 * How far a job is: the plan's seconds by stage are the weights, what was measured so far corrects them.
 *
 * The estimate of time left is the plan's remaining seconds, each stage scaled by how much longer than planned it has taken.
 */

import type { JobPlan, StageSeconds } from '../plan/job-plan.ts';
import type { JobProgress, Stage } from '../protocol.ts';

type PlannedStage = keyof StageSeconds;
const PLANNED: readonly PlannedStage[] = ['decode', 'condition', 'denoise', 'reconstruct', 'encode'];

/** Below this much measured work an estimate of time left would only mislead. */
const ENOUGH_SECONDS = 1.5;

/** What a meter has counted so far: plain data, to go on from. */
export interface MeterState {
  readonly done: Readonly<Record<PlannedStage, number>>;
  readonly seconds: Readonly<Partial<Record<Stage, number>>>;
  readonly secondsElapsed: number;
  readonly framesDone: number;
}

export class ProgressMeter {
  readonly #plan: JobPlan;
  readonly #start: number;
  readonly #done: Record<PlannedStage, number> = { decode: 0, condition: 0, denoise: 0, reconstruct: 0, encode: 0 };
  readonly #seconds: Partial<Record<Stage, number>> = {};
  /** What is being timed now: some work advances its stage more than once before it is done. */
  readonly #running = new Set<{ readonly stage: Stage; readonly startMs: number }>();
  #pausedMs = 0;
  #framesDone = 0;

  constructor(plan: JobPlan, from: MeterState | null = null) {
    this.#plan = plan;
    this.#start = performance.now() - (from?.secondsElapsed ?? 0) * 1000;
    Object.assign(this.#done, from?.done);
    Object.assign(this.#seconds, from?.seconds);
    this.#framesDone = from?.framesDone ?? 0;
  }

  get state(): MeterState {
    const { secondsElapsed } = this;
    return { done: { ...this.#done }, seconds: { ...this.#seconds }, secondsElapsed, framesDone: this.#framesDone };
  }

  get secondsByStage(): Readonly<Partial<Record<Stage, number>>> {
    return this.#seconds;
  }

  get secondsElapsed(): number {
    return (performance.now() - this.#start - this.#pausedMs) / 1000;
  }

  /** Times a piece of work of a stage, pauses in it aside. */
  async time<T>(stage: Stage, work: () => Promise<T> | T): Promise<T> {
    const timed = { stage, startMs: performance.now() - this.#pausedMs };
    this.#running.add(timed);
    try {
      return await work();
    } finally {
      this.#running.delete(timed);
      this.#seconds[stage] = (this.#seconds[stage] ?? 0) + this.#secondsSince(timed.startMs);
    }
  }

  #secondsSince(startMs: number): number {
    return (performance.now() - this.#pausedMs - startMs) / 1000;
  }

  #spent(stage: Stage): number {
    let seconds = this.#seconds[stage] ?? 0;
    for (const timed of this.#running) if (timed.stage === stage) seconds += this.#secondsSince(timed.startMs);
    return seconds;
  }

  /** Adds to the share of a stage that is done, of 1 in all. */
  advance(stage: PlannedStage, share: number): void {
    this.#done[stage] = Math.min(1, this.#done[stage] + share);
  }

  framesFinished(count: number): void {
    this.#framesDone += count;
    this.advance('reconstruct', count / this.#plan.output.frameCount);
    this.advance('encode', count / this.#plan.output.frameCount);
  }

  paused(milliseconds: number): void {
    this.#pausedMs += milliseconds;
  }

  read(stage: Stage, gpuLedgerBytes: number): JobProgress {
    let planned = 0;
    let finished = 0;
    let left = 0;
    let measured = 0;
    for (const name of PLANNED) {
      const seconds = Math.max(1e-3, this.#plan.secondsByStage[name]);
      const share = this.#done[name];
      const spent = this.#spent(name);
      const actual = share > 0.01 ? spent / share : seconds;
      planned += actual;
      finished += actual * share;
      left += actual * (1 - share);
      measured += spent;
    }
    return {
      stage,
      fraction: Math.min(1, finished / planned),
      secondsElapsed: this.secondsElapsed,
      secondsLeft: measured >= ENOUGH_SECONDS ? left : null,
      framesDone: this.#framesDone,
      frameCount: this.#plan.output.frameCount,
      gpuLedgerBytes,
    };
  }
}
