/**
 * Which of a model's parts are in memory together: what leaves the picture in the fewest tiles and the longest windows, and of that what
 * reloads least. Reading a part anew costs seconds, a tile more costs quality. Pure.
 */

import type { ModelInfo, Residency } from './job-plan.ts';

const MOST_RESIDENT_FIRST: readonly Residency[] = ['all', 'stages', 'parts'];

/** The model as it weighs at each residency that makes a difference. */
export function residencies(model: ModelInfo): { readonly residency: Residency; readonly model: ModelInfo }[] {
  const { residentWeightBytes } = model;
  if (!residentWeightBytes) return [{ residency: 'all', model }];
  return MOST_RESIDENT_FIRST.map((residency) => {
    return { residency, model: { ...model, weightBytes: residentWeightBytes[residency] } };
  });
}

/** Fewer tiles first, then longer windows; equals keep their order. */
export function bestLayout<T extends { readonly tiles: number; readonly frames: number }>(
  layouts: readonly T[],
): T | null {
  let best: T | null = null;
  for (const layout of layouts) {
    const better =
      best === null || layout.tiles < best.tiles || (layout.tiles === best.tiles && layout.frames > best.frames);
    if (better) best = layout;
  }
  return best;
}
