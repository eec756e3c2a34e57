/**
 * Where the person is: one discriminated union. A failure is not a place: the page stays where it was, usable, with the
 * failure shown above it, and what was already made stays in {@link SessionState.results}.
 *
 *   empty → probing → ready → running → finished
 *
 * From `finished` the settings can be changed and a further run started; a run that is cancelled or fails returns to
 * where it was started from.
 */

import type { ErrorData } from '../../workers/errors.ts';
import type { ClipInfo, Rational } from '../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type {
  EngineOptions,
  JobProgress,
  JobReport,
  LatestFrame,
  PauseHoldings,
  Picture,
  UnfinishedJob,
} from '../../workers/protocol.ts';
import type { Estimate } from './estimate.ts';
import type { Moments } from './moments.ts';

export type DeviceState =
  | { readonly kind: 'checking' }
  | { readonly kind: 'found'; readonly info: DeviceInfo }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export interface LoadedClip {
  readonly file: File;
  readonly info: ClipInfo;
}

/** `previous` stays on screen while the next plan is on its way, so that the figures don't flicker. */
export type PlanState =
  | { readonly kind: 'pending'; readonly previous: JobPlan | null }
  | { readonly kind: 'made'; readonly plan: JobPlan }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export interface FinishedResult {
  readonly id: number;
  /** Its job's, whose journal stays until the output has been downloaded. */
  readonly jobId: string;
  readonly clip: LoadedClip;
  readonly settings: Settings;
  /** Of the plan that was run: the last frame may last longer, so frames over duration is not it. */
  readonly frameRate: Rational | null;
  /** The plan that was run; null where the engine never said. */
  readonly plan: JobPlan | null;
  readonly report: JobReport;
  readonly output: File;
  readonly moments: readonly LatestFrame[];
}

export interface Run {
  readonly id: number;
  readonly settings: Settings;
  readonly progress: JobProgress | null;
  readonly estimate: Estimate;
  readonly latest: LatestFrame | null;
  readonly moments: Moments;
  /** What it keeps from others since it was last paused; null before that. */
  readonly holds: PauseHoldings | null;
  readonly flow: 'going' | 'pausing' | 'paused' | 'resuming' | 'cancelling';
}

export interface EmptyPhase {
  readonly kind: 'empty';
}
export interface ReadyPhase {
  readonly kind: 'ready';
  readonly clip: LoadedClip;
  readonly plan: PlanState;
}
export interface FinishedPhase {
  readonly kind: 'finished';
  readonly clip: LoadedClip;
  readonly plan: PlanState;
  readonly result: FinishedResult;
}
export interface ProbingPhase {
  readonly kind: 'probing';
  readonly fileName: string;
  /** Where to return to if the file turns out to be unusable. */
  readonly before: EmptyPhase | ReadyPhase | FinishedPhase;
}
export interface RunningPhase {
  readonly kind: 'running';
  readonly clip: LoadedClip;
  readonly plan: PlanState;
  readonly run: Run;
  /** Where to return to if the run is cancelled or fails. */
  readonly before: ReadyPhase | FinishedPhase;
}

export type Phase = EmptyPhase | ProbingPhase | ReadyPhase | RunningPhase | FinishedPhase;

export interface Failure {
  readonly during: 'open' | 'enhance' | 'control' | 'save';
  /** The file that it was about. */
  readonly fileName: string;
  readonly error: ErrorData;
}

/** Something worth saying that is not a failure. */
export type Remark = 'cancelled' | 'busy';

export interface SessionState {
  readonly engine: EngineOptions;
  readonly device: DeviceState;
  readonly settings: Settings;
  readonly phase: Phase;
  /** First frame of the loaded clip; null until it has been decoded, and for good where it could not be. */
  readonly poster: Picture | null;
  readonly failure: Failure | null;
  readonly remark: Remark | null;
  /** Every output of this visit, newest first; nothing takes one away. */
  readonly results: readonly FinishedResult[];
  readonly downloadedResultIds: readonly number[];
  /** Interrupted jobs that can go on, newest first. */
  readonly unfinished: readonly UnfinishedJob[];
  /** The one of them that waits for its clip: the next file chosen is taken for that. */
  readonly wanted: UnfinishedJob | null;
  /** Whether jobs keep a private copy of their clip until they are done. */
  readonly keepSource: boolean;
}

/** The plan on screen, be it the newest or the one before it. */
export function shownPlan(plan: PlanState): JobPlan | null {
  if (plan.kind === 'made') return plan.plan;
  return plan.kind === 'pending' ? plan.previous : null;
}

/**
 * Whether Enhance may be pressed. A plan that is still on its way does not take the button away from a person who has
 * just changed a number (the engine plans again anyway), unless the last known plan was refused.
 */
export function canEnhance(plan: PlanState): boolean {
  const shown = shownPlan(plan);
  return shown !== null && shown.refusals.length === 0;
}

/** Whether closing the tab would lose work: a run under way, or an output that was neither downloaded nor kept in the history. */
export function wouldLoseWork(state: SessionState, isKept: (jobId: string) => boolean = () => false): boolean {
  const { phase, results, downloadedResultIds } = state;
  return (
    phase.kind === 'running' || results.some(({ id, jobId }) => !downloadedResultIds.includes(id) && !isKept(jobId))
  );
}
