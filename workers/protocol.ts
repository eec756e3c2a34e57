/**
 * Every message between the page and the worker, one discriminated union each way.
 *
 * Requests carry a `requestId`; answers carry it back. A running job's events carry its `jobId`. Files and blobs are sent by
 * structured clone (no copy of their bytes); pixel buffers are transferred.
 */

import type { ErrorData } from './errors.ts';
import type { StorageEvent } from './jobs/storage-watch.ts';
import type { ClipInfo } from './media/clip-info.ts';
import type { DeviceInfo, JobPlan, Provider } from './plan/job-plan.ts';
import type { Settings } from './plan/settings.ts';

export const PROTOCOL_VERSION = 3;

/** The Web Lock that a job holds as long as it runs, in whichever tab. */
export const JOB_LOCK = 'venhancer job';

export type Stage = 'prepare' | 'decode' | 'condition' | 'denoise' | 'reconstruct' | 'encode' | 'mux';

/** RGBA pixels, row-major, 8 bits a channel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** A source frame for the screen, at its place in the clip. */
export interface Glimpse {
  readonly timestampUs: number;
  readonly picture: Picture;
}

/** Where a preview looks. */
export interface PreviewPoint {
  /** On the clip's own timeline. */
  readonly timestampUs: number;
  /** The middle of the crop, 0–1 along each side of the picture. */
  readonly x: number;
  readonly y: number;
}

/** A crop as a job would make it, and the same crop of the enlarged source; of one size, at the output's scale. */
export interface Preview {
  readonly enhanced: Picture;
  readonly source: Picture;
  /** Where the crop lies, 0–1 along each side of the picture. */
  readonly region: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What one tile of a plan took on this device. */
export interface Measurement {
  readonly tileSeconds: number;
  /** Of device memory, while a whole tile runs. */
  readonly deviceBytes: number;
  /** Whether that was counted rather than worked out. */
  readonly bytesMeasured: boolean;
  /** The longest window, in frames, that the memory budget would hold at this tile's size. */
  readonly largestWindowFrames: number;
}

/** An output frame beside its source at the same moment, scaled down for the screen where they are large. */
export interface LatestFrame {
  readonly frame: number;
  readonly timestampUs: number;
  readonly enhanced: Picture;
  readonly source: Picture;
}

export interface JobProgress {
  readonly stage: Stage;
  /** 0–1 of the whole job. */
  readonly fraction: number;
  readonly secondsElapsed: number;
  /** null until enough has been measured. */
  readonly secondsLeft: number | null;
  readonly framesDone: number;
  readonly frameCount: number;
  readonly gpuLedgerBytes: number;
}

/** What a paused job keeps from others, in bytes. */
export interface PauseHoldings {
  /** Buffers on the GPU: weights above all. Nothing is computed. */
  readonly gpuBytes: number;
  /** Pictures and latents in flight, as planned; in the tab's memory. */
  readonly heapBytes: number;
  /** Journal and states in private storage. */
  readonly storageBytes: number;
}

export interface JobReport {
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  readonly durationUs: number;
  readonly videoCodec: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly secondsByStage: { readonly [stage in Stage]?: number };
  readonly provider: Provider;
  readonly windows: number;
  readonly tiles: number;
  readonly peakGpuLedgerBytes: number;
  readonly audioTracksCopied: number;
  readonly notices: readonly string[];
}

/** A job that was interrupted, as its journal tells. */
export interface UnfinishedJob {
  readonly id: string;
  readonly fileName: string;
  readonly fileBytes: number;
  /** Whether a private copy of the clip is kept with it. */
  readonly hasSource: boolean;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  readonly settings: Settings;
  readonly plan: JobPlan;
  readonly framesDone: number;
  /** Whether a person had paused it. */
  readonly paused: boolean;
}

/** A clip that waits for its turn, or had it and failed. */
export interface QueueEntry {
  /** Its job's, once that has begun. */
  readonly id: string;
  readonly fileName: string;
  readonly fileBytes: number;
  readonly settings: Settings;
  readonly addedAtMs: number;
  /** Whether a private copy of the clip is kept with it. */
  readonly hasSource: boolean;
  /** Null until its job has begun; while that runs, as it was when it began. */
  readonly frameCount: number | null;
  readonly framesDone: number;
  /** Why its turn ended early; null while it waits. */
  readonly error: ErrorData | null;
}

export interface QueueView {
  /** Whether the next clip begins by itself when one is done. */
  readonly going: boolean;
  /** In the order of their turns; the one at work stays until it is done. */
  readonly entries: readonly QueueEntry[];
}

/** What a person or a job's end does to the queue; ids that are not there change nothing. */
export type QueueChange =
  /** To a place among those that remain; beyond the end is the end. */
  | { readonly kind: 'move'; readonly id: string; readonly to: number }
  /** What its job has done stays, among the interrupted ones. */
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'going'; readonly going: boolean }
  /** Null: its turn comes again. */
  | { readonly kind: 'failed'; readonly id: string; readonly error: ErrorData | null };

/** Options that a URL or a person may force. */
export interface EngineOptions {
  readonly provider: Provider | 'auto';
  /** Memory that a job may use; null: chosen from the device. */
  readonly memoryBudgetBytes: number | null;
  /** Absolute base URL of the model packages, ending in a slash. */
  readonly modelsUrl: string;
  /** The page's (`jobs/visit.ts`), which outlives its workers; where absent, the worker's own. */
  readonly visit?: string;
}

export type Request =
  | { readonly kind: 'hello'; readonly requestId: number; readonly version: number; readonly options: EngineOptions }
  | { readonly kind: 'probe'; readonly requestId: number; readonly file: File }
  | {
      readonly kind: 'poster';
      readonly requestId: number;
      readonly file: File;
      readonly maxWidth: number;
      readonly timestampUs: number;
    }
  | {
      readonly kind: 'filmstrip';
      readonly requestId: number;
      readonly file: File;
      readonly count: number;
      readonly maxWidth: number;
    }
  | { readonly kind: 'plan'; readonly requestId: number; readonly clip: ClipInfo; readonly settings: Settings }
  | {
      readonly kind: 'preview';
      readonly requestId: number;
      readonly file: File;
      readonly point: PreviewPoint;
      readonly settings: Settings;
    }
  | { readonly kind: 'measure'; readonly requestId: number; readonly clip: ClipInfo; readonly settings: Settings }
  /** Ends the preview, or the measuring, of that request, which then fails as `CANCELLED`. */
  | { readonly kind: 'end-preview'; readonly requestId: number; readonly previewId: number }
  | {
      readonly kind: 'enhance';
      readonly requestId: number;
      readonly jobId: string;
      readonly file: File;
      readonly settings: Settings;
      /** Whether to keep a private copy of the clip until the job is done. */
      readonly keepSource: boolean;
    }
  | { readonly kind: 'unfinished'; readonly requestId: number }
  | { readonly kind: 'discard'; readonly requestId: number; readonly jobId: string }
  /** The job's clip; `offered` is what its handle gives now. */
  | { readonly kind: 'source'; readonly requestId: number; readonly jobId: string; readonly offered: File | null }
  | { readonly kind: 'continue'; readonly requestId: number; readonly jobId: string; readonly file: File }
  /** The finished part as a file; `file` for its sound. */
  | { readonly kind: 'save'; readonly requestId: number; readonly jobId: string; readonly file: File | null }
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly requestId: number; readonly jobId: string }
  | { readonly kind: 'queue'; readonly requestId: number; readonly change: QueueChange | null }
  | {
      readonly kind: 'enqueue';
      readonly requestId: number;
      readonly jobId: string;
      readonly file: File;
      readonly settings: Settings;
      readonly keepSource: boolean;
    };

export type Answer =
  | { readonly kind: 'ready'; readonly requestId: number; readonly device: DeviceInfo }
  | { readonly kind: 'clip'; readonly requestId: number; readonly clip: ClipInfo }
  | { readonly kind: 'poster'; readonly requestId: number; readonly picture: Picture }
  | { readonly kind: 'filmstrip'; readonly requestId: number; readonly glimpses: readonly Glimpse[] }
  | { readonly kind: 'plan'; readonly requestId: number; readonly plan: JobPlan }
  | { readonly kind: 'preview'; readonly requestId: number; readonly preview: Preview }
  | { readonly kind: 'measured'; readonly requestId: number; readonly measurement: Measurement }
  | { readonly kind: 'unfinished'; readonly requestId: number; readonly jobs: readonly UnfinishedJob[] }
  | { readonly kind: 'source'; readonly requestId: number; readonly isOffered: boolean; readonly copy: File | null }
  | { readonly kind: 'queue'; readonly requestId: number; readonly queue: QueueView }
  | { readonly kind: 'done'; readonly requestId: number }
  | { readonly kind: 'finished'; readonly requestId: number; readonly report: JobReport; readonly output: File }
  | { readonly kind: 'failed'; readonly requestId: number; readonly error: ErrorData };

export type JobEvent =
  | { readonly kind: 'planned'; readonly jobId: string; readonly plan: JobPlan }
  | { readonly kind: 'progress'; readonly jobId: string; readonly progress: JobProgress }
  | { readonly kind: 'frame'; readonly jobId: string; readonly latest: LatestFrame }
  | { readonly kind: 'paused'; readonly jobId: string; readonly holds: PauseHoldings }
  | { readonly kind: 'resumed'; readonly jobId: string }
  /** This worker's memory is used up: the job ends with its error here, and goes on in a fresh worker. */
  | { readonly kind: 'spent'; readonly jobId: string };

export type FromWorker = Answer | JobEvent | StorageEvent;
