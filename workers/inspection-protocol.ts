/**
 * Messages between the page and the inspector, a small worker of its own beside the engine's: results are looked at while the next job
 * runs. One worker, one pair of clips.
 */

import type { ErrorData } from './errors.ts';
import type { Picture } from './protocol.ts';
import type { FrameFidelity } from './reconstruct/fidelity.ts';

/** A result and what it was made from. Output frame f shows the moment of source frame `sourceStart + f / frameRateFactor`. */
export interface InspectedPair {
  readonly source: File;
  readonly output: File;
  readonly sourceStart: number;
  readonly frameRateFactor: number;
}

/** Presentation timestamps of every frame, in microseconds of each file's own time. */
export interface PairTimes {
  readonly sourceUs: readonly number[];
  readonly outputUs: readonly number[];
}

export interface Difference {
  readonly frame: number;
  /** Of the output and the source brought to its size, `gain` times as bright. */
  readonly picture: Picture;
  readonly gain: number;
  /** Mean difference of the bytes, 0–255, before it was made brighter. */
  readonly mean: number;
  /** False where the output frame was inserted between two of the source's: it is held against the one before. */
  readonly exact: boolean;
}

export interface FidelitySample extends FrameFidelity {
  readonly frame: number;
  readonly timestampUs: number;
}

/** How far the result is from the source, over frames that both have, spread evenly. */
export interface Fidelity {
  readonly structure: number;
  readonly colourShift: number;
  readonly samples: readonly FidelitySample[];
  /** Frames of the result that stand between two of the source's and have nothing to be held against. */
  readonly insertedFrames: number;
  /** The sample with the least kept place, and that place in both pictures, at the result's size. */
  readonly worst: FidelitySample;
  readonly worstBefore: Picture;
  readonly worstAfter: Picture;
}

export type InspectionRequest =
  | { readonly kind: 'open'; readonly requestId: number; readonly pair: InspectedPair }
  | { readonly kind: 'difference'; readonly requestId: number; readonly frame: number; readonly maxWidth: number }
  | { readonly kind: 'fidelity'; readonly requestId: number };

export type InspectionAnswer =
  | { readonly kind: 'times'; readonly requestId: number; readonly times: PairTimes }
  | { readonly kind: 'difference'; readonly requestId: number; readonly difference: Difference }
  | { readonly kind: 'fidelity'; readonly requestId: number; readonly fidelity: Fidelity }
  | { readonly kind: 'failed'; readonly requestId: number; readonly error: ErrorData };
