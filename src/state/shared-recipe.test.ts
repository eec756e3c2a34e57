import { expect, test } from 'vitest';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import { recipeText } from '../../workers/plan/recipe-code.ts';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import { HandEnhancer } from './fixtures/hand-enhancer.ts';
import { createSession } from './session.ts';
import { recipeLink, takeRecipe } from './shared-recipe.ts';

const RECIPE = { ...DEFAULT_SETTINGS, scale: 3, strength: 0.4, range: { startUs: 100, endUs: 900 } };

test('a link carries the recipe in its fragment, and nothing of this device', () => {
  const link = new URL(recipeLink(RECIPE, 'https://example.org/app/?provider=wasm&budget=40#old'));
  expect(link.search).toBe('');
  expect(link.origin + link.pathname).toBe('https://example.org/app/');
  expect(link.hash).toContain('scale=3');
});

test('what someone else copied is taken: link or text; other text is left alone', () => {
  const session = createSession((options) => new HandEnhancer(options), {
    provider: 'auto',
    memoryBudgetBytes: null,
    modelsUrl: '',
  });
  expect(takeRecipe(session, 'just some words')).toBe(false);
  expect(session.store.getState().settings).toEqual(DEFAULT_SETTINGS);
  expect(takeRecipe(session, recipeLink(RECIPE, 'https://example.org/'))).toBe(true);
  expect(session.store.getState().settings).toEqual({ ...RECIPE, range: null });
  expect(takeRecipe(session, recipeText({ ...RECIPE, seed: 9 }))).toBe(true);
  expect(session.store.getState().settings.seed).toBe(9);
});

test('its part of the clip is taken where the loaded clip is long enough', async () => {
  const made: HandEnhancer[] = [];
  const session = createSession(
    (options) => {
      made.push(new HandEnhancer(options));
      return made.at(-1)!;
    },
    { provider: 'auto', memoryBudgetBytes: null, modelsUrl: '' },
  );
  const load = async (durationUs: number): Promise<void> => {
    void session.open('clip.mp4', new File([], 'clip.mp4'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    made[0]!.probes.at(-1)!.answer.resolve({ durationUs, timestampsUs: [0] } as unknown as ClipInfo);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await load(500);
  takeRecipe(session, recipeText(RECIPE));
  expect(session.store.getState().settings.range).toBeNull();
  await load(1000);
  takeRecipe(session, recipeText(RECIPE));
  expect(session.store.getState().settings.range).toEqual(RECIPE.range);
});
