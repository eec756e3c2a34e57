/** A recipe in a few words, the fields that matter first. */

import type { Settings } from '../../../workers/plan/settings.ts';
import { formatFactor } from '../format.ts';
import { words } from '../words.ts';

export function recipeSummary({ model, scale, frameRateFactor, strength, steps, seed }: Settings): string {
  return words.recipe.summary(model, formatFactor(scale), formatFactor(frameRateFactor), String(strength), steps, seed);
}
