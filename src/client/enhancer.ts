/**
 * The engine as the page sees it: one interface, implemented by the worker's client and, in tests, in-thread.
 */

import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type {
  Glimpse,
  JobProgress,
  JobReport,
  LatestFrame,
  Measurement,
  PauseHoldings,
  Picture,
  Preview,
  PreviewPoint,
  QueueChange,
  QueueEntry,
  QueueView,
  UnfinishedJob,
} from '../../workers/protocol.ts';

export type JobUpdate =
  | { readonly kind: 'planned'; readonly plan: JobPlan }
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'frame'; readonly latest: LatestFrame }
  | { readonly kind: 'paused'; readonly holds?: PauseHoldings }
  | { readonly kind: 'resumed' };

export interface JobResult {
  readonly report: JobReport;
  /** The MP4; backed by the origin private file system where there is one. */
  readonly output: File;
}

/** A running job. Iterate its updates; `result` settles with the report, or rejects with an EnhancerError. */
export interface Job {
  readonly id: string;
  readonly updates: AsyncIterable<JobUpdate>;
  readonly result: Promise<JobResult>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  cancel(): Promise<void>;
}

/** The clip whose turn it is. Without a job: it has to be chosen again, by {@link Enhancer.giveQueued}, before its turn can begin. */
export interface QueueTurn {
  readonly entry: QueueEntry;
  readonly started: { readonly job: Job; readonly file: File } | null;
}

export interface Enhancer {
  /** Settles once the device is chosen and self-tested. */
  readonly device: Promise<DeviceInfo>;
  probe(file: File): Promise<ClipInfo>;
  /** The frame on screen at `timestampUs` of the clip; the first one when absent. */
  poster(file: File, maxWidth: number, timestampUs?: number): Promise<Picture>;
  /** `count` frames spread over the clip, fewer where it has fewer. */
  filmstrip(file: File, count: number, maxWidth: number): Promise<readonly Glimpse[]>;
  plan(clip: ClipInfo, settings: Settings): Promise<JobPlan>;
  /** A crop as a job with these settings would make it. Gives way to a job, and to another preview: it then rejects as `CANCELLED`. */
  preview(file: File, point: PreviewPoint, settings: Settings, signal: AbortSignal): Promise<Preview>;
  /** Times one tile of the plan on this device; plans rest on it from then on. Gives way as a preview does. */
  measure(clip: ClipInfo, settings: Settings): Promise<Measurement>;
  /** @param keepSource whether to keep a private copy of the clip until the job is done, so that it can go on by itself. */
  enhance(file: File, settings: Settings, keepSource: boolean): Job;
  /** Jobs that were interrupted, or finished and not discarded, newest first; those that run in another tab are left out. */
  unfinished(): Promise<readonly UnfinishedJob[]>;
  /** Settles once no tab works at a job; true where one did, and {@link unfinished} may have more to say. */
  workEnded(): Promise<boolean>;
  /** The clip of an interrupted job, as far as it can be had without choosing it again. Call it from a click: it may ask. */
  source(jobId: string): Promise<File | null>;
  /** Goes on with an interrupted job; `file` must be its clip. */
  continue(jobId: string, file: File): Job;
  /** What is finished of an interrupted job as a playable file, with sound where its clip is given. */
  save(jobId: string, file: File | null): Promise<JobResult>;
  discard(jobId: string): Promise<void>;
  /** Clips that wait for their turn, over visits; their jobs are left out of {@link unfinished}. */
  queue(): Promise<QueueView>;
  /** @param keepSource whether to keep a private copy of the clip, so that its turn can come in another visit too. */
  enqueue(file: File, settings: Settings, keepSource: boolean): Promise<QueueView>;
  /** Moves, removes, tries again (`failed` with null), starts or holds the queue. */
  changeQueue(change: QueueChange): Promise<QueueView>;
  /**
   * Begins, or goes on with, the first clip that waits and can be opened; null when none waits. When its job has settled, so has the queue: done
   * and it is removed, failed and it keeps the error (the next call passes it by), cancelled and the queue is held.
   */
  startNext(): Promise<QueueTurn | null>;
  /** A queued clip, chosen again. The next {@link startNext} takes it; a different one fails there as `SOURCE_CHANGED`. */
  giveQueued(id: string, file: File): void;
  close(): void;
}
