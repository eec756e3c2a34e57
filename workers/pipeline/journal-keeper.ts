/**
 * Keeps a running job's states in its journal, as often as they cost little, and at a pause at once.
 *
 * A state that can't be written (a full disk, most often) costs the job nothing: it goes on, and says that after an interruption more
 * would have to be done again.
 */

import { toErrorData } from '../errors.ts';
import type { Journal, Mark } from '../jobs/journal.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { JobState, StateKeeper } from './job.ts';
import type { PauseGate } from './pause-gate.ts';
import type { MeterState } from './progress.ts';

export type JobJournal = Journal<MeterState>;

/** The last state; null where there is none, or where pictures that it takes for made were lost with the machine's power. */
export function stateToGoOnFrom(journal: JobJournal, { windows }: JobPlan): JobState | null {
  const kept = journal.readState();
  if (!kept) return null;
  const { taken, done } = kept.state;
  const firstOpen = windows[taken - done.length];
  const made = firstOpen ? firstOpen.startFrame : windows.at(-1)!.endFrame;
  return made <= journal.framesDone ? kept : null;
}

export class JournalKeeper implements StateKeeper {
  /** States written. */
  written = 0;
  readonly #journal: JobJournal;
  readonly #onHeld: () => void;
  readonly #onReleased: () => void;
  #failed = false;
  /** Evaluations since a state was last written. */
  #unkept = 0;
  #release = (): void => {};

  constructor(journal: JobJournal, onHeld: () => void, onReleased: () => void) {
    this.#journal = journal;
    this.#onHeld = onHeld;
    this.#onReleased = onReleased;
  }

  passed(state: () => JobState, evaluationsOfAWindow: number): void {
    this.#unkept += 1;
    if (!this.#failed && this.#journal.stateDue(this.#unkept >= evaluationsOfAWindow)) this.#write(state);
  }

  held(state: (() => JobState) | null): void {
    if (state !== null && !this.#failed) this.#write(state);
    this.#mark({ paused: true });
    this.#onHeld();
    this.#release = () => {
      this.#mark({ paused: false });
      this.#onReleased();
    };
  }

  released(): void {
    this.#release();
    this.#release = () => {};
  }

  /** For work without a state between its steps. @returns milliseconds that it waited. @throws EnhancerError `CANCELLED`. */
  async holdWhilePaused(gate: PauseGate, signal: AbortSignal): Promise<number> {
    if (!gate.paused) return 0;
    const waitedMs = await gate.pass(signal, () => this.held(null));
    this.released();
    return waitedMs;
  }

  #write(state: () => JobState): void {
    const now = state();
    try {
      this.#journal.writeState(now.state, now.extra);
      this.written += 1;
      this.#unkept = 0;
    } catch (error) {
      this.#failed = true;
      const { code } = toErrorData(error);
      const why = code === 'QUOTA_EXCEEDED' ? 'storage is full' : 'storage failed';
      this.#mark({ notice: `Work in progress could not be kept on disk, for ${why}; finished windows are.` });
    }
  }

  /** What can't be noted (a full disk) is no reason to stop: the next window will say so. */
  #mark(mark: Mark): void {
    try {
      this.#journal.mark(mark);
    } catch {
      // Neither pause nor notice is worth the job.
    }
  }
}
