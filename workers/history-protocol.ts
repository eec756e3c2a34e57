/** Messages between the page and the keeper of finished results, a small worker of its own: it answers while the engine's is at work. */

import type { ErrorData } from './errors.ts';
import type { StorageEvent } from './jobs/storage-watch.ts';
import type { Settings } from './plan/settings.ts';
import type { JobReport } from './protocol.ts';

/** A finished result as it is remembered. Plain data, as it lies beside the file. */
export interface HistoryRecord {
  readonly version: 1;
  readonly jobId: string;
  /** The clip's. */
  readonly fileName: string;
  readonly finishedAtMs: number;
  readonly settings: Settings;
  readonly report: JobReport;
}

export interface HistoryEntry extends HistoryRecord {
  readonly id: string;
  /** On disk, with all that belongs to it. */
  readonly bytes: number;
  /** A small picture; null where none could be made. */
  readonly thumbnail: Blob | null;
}

export type HistoryRequest =
  | { readonly kind: 'add'; readonly requestId: number; readonly record: HistoryRecord; readonly output: File }
  | { readonly kind: 'list'; readonly requestId: number }
  /** What a file says of itself: results carry their recipe. */
  | { readonly kind: 'comment'; readonly requestId: number; readonly file: File }
  | { readonly kind: 'output' | 'remove'; readonly requestId: number; readonly id: string };

export type HistoryAnswer =
  /** Newest first. */
  | { readonly kind: 'entries'; readonly requestId: number; readonly entries: readonly HistoryEntry[] }
  | { readonly kind: 'output'; readonly requestId: number; readonly output: File | null }
  | { readonly kind: 'comment'; readonly requestId: number; readonly comment: string | null }
  | { readonly kind: 'failed'; readonly requestId: number; readonly error: ErrorData };

export type FromHistory = HistoryAnswer | StorageEvent;
