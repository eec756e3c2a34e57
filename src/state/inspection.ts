/**
 * Looking at one result: which view, where the loupe is, which frame was asked for, and what the inspector found. No React, no DOM.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { Difference, Fidelity, FidelitySample, PairTimes } from '../../workers/inspection-protocol.ts';

export const VIEWS = ['wipe', 'side', 'difference', 'loupe'] as const;
export type View = (typeof VIEWS)[number];

/** Of the result's pixels; 1 is one of them on one of the screen's. */
export const ZOOMS = [1, 2, 4, 8] as const;
export type Zoom = (typeof ZOOMS)[number];

export interface Spot {
  /** 0–1 across and down the picture. */
  readonly x: number;
  readonly y: number;
}

export type FidelityState =
  | { readonly kind: 'measuring' }
  | { readonly kind: 'measured'; readonly fidelity: Fidelity }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export interface InspectionState {
  readonly view: View;
  readonly zoom: Zoom;
  readonly spot: Spot;
  /** When each frame is shown; null until both clips are open, and for good where they can't be. */
  readonly times: PairTimes | null;
  readonly fidelity: FidelityState;
  readonly difference: Difference | null;
  /** A frame that the player should go to; a new object for each wish. */
  readonly wish: { readonly frame: number } | null;
}

/** What the inspector of `client/` gives. */
export interface InspectsPair {
  readonly times: Promise<PairTimes>;
  difference(frame: number, maxWidth: number): Promise<Difference>;
  fidelity(): Promise<Fidelity>;
  close(): void;
}

export interface Inspection {
  readonly store: StoreApi<InspectionState>;
  show(view: View): void;
  /** One zoom nearer or further. */
  zoomBy(steps: number): void;
  moveTo(spot: Spot): void;
  /** The loupe on that place of that frame. */
  lookAt(sample: FidelitySample, sourceWidth: number, sourceHeight: number): void;
  /** Asks for a frame's difference; only the newest wish is kept while one is being made. */
  wantDifference(frame: number): void;
  close(): void;
}

export const DIFFERENCE_MAX_WIDTH = 1280;

export function createInspection(inspector: InspectsPair): Inspection {
  const store = createStore<InspectionState>(() => ({
    view: 'wipe',
    zoom: 4,
    spot: { x: 0.5, y: 0.5 },
    times: null,
    fidelity: { kind: 'measuring' },
    difference: null,
    wish: null,
  }));
  const set = (patch: Partial<InspectionState>): void => store.setState(patch);
  let making = false;
  let next: number | null = null;

  inspector.times.then(
    (times) => set({ times }),
    () => undefined,
  );
  inspector.fidelity().then(
    (fidelity) => set({ fidelity: { kind: 'measured', fidelity } }),
    (error: unknown) => set({ fidelity: { kind: 'failed', error: toErrorData(error) } }),
  );

  async function makeDifferences(): Promise<void> {
    if (making) return;
    making = true;
    while (next !== null) {
      const frame = next;
      next = null;
      const difference = await inspector.difference(frame, DIFFERENCE_MAX_WIDTH).catch(() => null);
      if (difference !== null) set({ difference });
    }
    making = false;
  }

  return {
    store,
    show: (view) => set({ view }),
    zoomBy(steps) {
      const at = ZOOMS.indexOf(store.getState().zoom) + steps;
      set({ zoom: ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, at))]! });
    },
    moveTo: ({ x, y }) => set({ spot: { x: bounded(x), y: bounded(y) } }),
    lookAt({ frame, worst }, sourceWidth, sourceHeight) {
      const spot = {
        x: bounded((worst.x + worst.width / 2) / sourceWidth),
        y: bounded((worst.y + worst.height / 2) / sourceHeight),
      };
      set({ view: 'loupe', spot, wish: { frame } });
    },
    wantDifference(frame) {
      if (store.getState().difference?.frame === frame && !making) return;
      next = frame;
      void makeDifferences();
    },
    close: () => inspector.close(),
  };
}

function bounded(value: number): number {
  return Math.max(0, Math.min(1, value));
}

/** The frame on screen at a time: the last that has begun. */
export function frameAt(timesUs: readonly number[], seconds: number): number {
  // Players round their position; a hundredth of a frame is nothing.
  const us = seconds * 1e6 + 100;
  let low = 0;
  let high = timesUs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (timesUs[middle]! <= us) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * A time in the middle of a frame, where rounding can't show its neighbour.
 * @param durationSeconds of the file, which the last frame ends with: a player that loops and is sent there begins anew.
 */
export function middleOf(timesUs: readonly number[], frame: number, durationSeconds: number): number {
  const start = timesUs[frame]! / 1e6;
  const next = timesUs[frame + 1];
  const end = next === undefined ? Math.max(start, durationSeconds) : next / 1e6;
  return (start + end) / 2;
}
