/**
 * The engine as the page sees it: one interface, implemented by the worker's client and, in tests, in-thread.
 */

import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { JobProgress, JobReport, LatestFrame, Picture } from '../../workers/protocol.ts';

export type JobUpdate =
  | { readonly kind: 'planned'; readonly plan: JobPlan }
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'frame'; readonly latest: LatestFrame }
  | { readonly kind: 'paused' | 'resumed' };

export interface JobResult {
  readonly report: JobReport;
  /** The MP4; backed by the origin private file system for large jobs. */
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

export interface Enhancer {
  /** Settles once the device is chosen and self-tested. */
  readonly device: Promise<DeviceInfo>;
  probe(file: File): Promise<ClipInfo>;
  poster(file: File, maxWidth: number): Promise<Picture>;
  plan(clip: ClipInfo, settings: Settings): Promise<JobPlan>;
  preview(
    file: File,
    timestampUs: number,
    settings: readonly Settings[],
  ): Promise<{ readonly source: Picture; readonly pictures: readonly Picture[] }>;
  enhance(file: File, settings: Settings): Job;
  close(): void;
}
