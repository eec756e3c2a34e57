/** What the page is told about files that a person chose for a model. Plain data. */

import type { ErrorData } from '../../errors.ts';
import type { CheckpointKind } from '../checkpoint/fit.ts';
import type { Precision } from '../manifest.ts';

export interface InspectedFile {
  readonly name: string;
  readonly bytes: number;
  readonly kind: CheckpointKind | null;
  /** What it looks like; empty where it can't be read. */
  readonly description: string;
  /** Why it can't be used; null where it can. */
  readonly error: ErrorData | null;
}

export interface Inspection {
  readonly files: readonly InspectedFile[];
  readonly missing: readonly CheckpointKind[];
  /** A finished package among them, and then nothing else matters; null where there is none. */
  readonly packed: { readonly name: string; readonly bytes: number } | null;
  /** What a package would take at each precision, smallest first; empty until the files are complete and fit one another. */
  readonly sizes: readonly { readonly precision: Precision; readonly bytes: number }[];
  /** Null where the browser doesn't say. */
  readonly freeBytes: number | null;
  /** The first thing that stands in the way; null where there is none. */
  readonly error: ErrorData | null;
}
