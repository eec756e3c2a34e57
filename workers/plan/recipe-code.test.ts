import { expect, test } from 'vitest';
import { parseRecipe, recipeText } from './recipe-code.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

const UNUSUAL: Settings = {
  ...DEFAULT_SETTINGS,
  model: 'venhancer_v2',
  scale: 2.5,
  frameRateFactor: 3,
  strength: 0.35,
  steps: 12,
  solver: 'heun',
  guidance: 7.5,
  prompt: 'a raccoon & its guitar, 100% “alive”',
  negativePrompt: 'blurry\nnoisy',
  seed: 4_294_967_295,
  colourFix: 'off',
  range: { startUs: 500_000, endUs: 2_250_000 },
  codec: 'av1',
  quality: 'small',
};

test('what is written is read again', () => {
  for (const settings of [DEFAULT_SETTINGS, UNUSUAL]) {
    const text = recipeText(settings);
    expect(text).toMatch(/^recipe=1&[!-~]+$/);
    expect(parseRecipe(text)).toEqual(settings);
  }
});

test('it is found in an address, in a sentence, in a tag', () => {
  const text = recipeText(UNUSUAL);
  for (const around of [
    `https://example.org/enhance/?provider=wasm#${text}`,
    `Try this (${text}), it works.`,
    `"${text}"`,
    `\n  ${text}\n`,
  ]) {
    expect(parseRecipe(around)).toEqual(UNUSUAL);
  }
});

test('fields that are absent are the defaults', () => {
  expect(parseRecipe('recipe=1&scale=4')).toEqual({ ...DEFAULT_SETTINGS, scale: 4 });
  expect(parseRecipe('recipe=1')).toEqual(DEFAULT_SETTINGS);
});

test('what no job could have is no recipe', () => {
  for (const text of [
    '',
    'hello',
    'recipe=2&scale=4',
    'myrecipe=1&scale=2',
    'recipe=1&scale=9',
    'recipe=1&scale=',
    'recipe=1&scale=two',
    'recipe=1&frame-rate=1.5',
    'recipe=1&solver=euler',
    'recipe=1&codec=gif',
    'recipe=1&colour-fix=sepia',
    'recipe=1&range=all',
    'recipe=1&model=../../etc',
    'recipe=1&seed=-1',
    'recipe=1&range=9-3',
  ]) {
    expect(parseRecipe(text), text).toBeNull();
  }
});
