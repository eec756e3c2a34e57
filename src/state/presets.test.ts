import { expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import { carePatch, carePreset, farPatch, farPreset } from './presets.ts';

it('a preset is recognised by what it sets, for any model', () => {
  for (const model of ['nano', 'venhancer-v2']) {
    const settings = { ...DEFAULT_SETTINGS, model };
    for (const far of ['faithful', 'balanced', 'reimagine'] as const) {
      expect(farPreset({ ...settings, ...farPatch(far) })).toBe(far);
    }
    for (const care of ['fast', 'fine'] as const) {
      expect(carePreset({ ...settings, ...carePatch(model, care) })).toBe(care);
    }
  }
});

it('the default recipe is faithful and fast; a recipe of one’s own is none', () => {
  expect([farPreset(DEFAULT_SETTINGS), carePreset(DEFAULT_SETTINGS)]).toEqual(['faithful', 'fast']);
  const own = { ...DEFAULT_SETTINGS, strength: 0.42, steps: 7 };
  expect([farPreset(own), carePreset(own)]).toEqual([null, null]);
});
