/** Recipes that come from outside: in the address's fragment, which no server sees, and in pasted text. */

import { parseRecipe, recipeText } from '../../workers/plan/recipe-code.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { Session } from './session.ts';

/** The page's address with a recipe in it. What the address forces on the engine is this device's own business and left out. */
export function recipeLink(settings: Settings, address: string): string {
  const link = new URL(address);
  link.search = '';
  link.hash = recipeText(settings);
  return link.href;
}

/**
 * Takes a recipe from a text, if it holds one. A part of a clip is taken only where the loaded clip has it.
 * @returns whether it did.
 */
export function takeRecipe(session: Session, text: string): boolean {
  const recipe = parseRecipe(text);
  if (recipe === null) return false;
  const { phase } = session.store.getState();
  if (phase.kind === 'running') return false;
  const durationUs = 'clip' in phase ? phase.clip.info.durationUs : 0;
  const range = recipe.range !== null && recipe.range.endUs <= durationUs ? recipe.range : null;
  session.changeSettings({ ...recipe, range });
  return true;
}
