/**
 * Every message between the page and the worker that keeps the installed models. It is not the engine's: a conversion needs no GPU, fills
 * memory of its own, and goes on beside nothing; the page ends it when it is done with it.
 */

import type { ErrorData } from './errors.ts';
import type { StorageEvent } from './jobs/storage-watch.ts';
import type { Precision } from './models/manifest.ts';
import type { Inspection } from './models/store/inspection.ts';
import type { InstalledModel, UnfinishedImport } from './models/store/package-store.ts';

export interface Library {
  readonly models: readonly InstalledModel[];
  readonly unfinished: readonly UnfinishedImport[];
  /** Free bytes of the origin's storage; null where the browser doesn't say. */
  readonly freeBytes: number | null;
}

export type LibraryRequest =
  | { readonly kind: 'list'; readonly requestId: number }
  | { readonly kind: 'inspect'; readonly requestId: number; readonly files: readonly File[] }
  | {
      readonly kind: 'import';
      readonly requestId: number;
      readonly files: readonly File[];
      readonly precision: Precision;
    }
  | { readonly kind: 'verify' | 'remove'; readonly requestId: number; readonly id: string }
  | {
      readonly kind: 'export';
      readonly requestId: number;
      readonly id: string;
      readonly folder: FileSystemDirectoryHandle;
    };

export type FromLibrary =
  | StorageEvent
  | { readonly kind: 'library'; readonly requestId: number; readonly library: Library }
  | { readonly kind: 'inspected'; readonly requestId: number; readonly inspection: Inspection }
  | { readonly kind: 'imported'; readonly requestId: number; readonly id: string }
  | { readonly kind: 'done'; readonly requestId: number }
  | { readonly kind: 'progress'; readonly requestId: number; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'failed'; readonly requestId: number; readonly error: ErrorData };
