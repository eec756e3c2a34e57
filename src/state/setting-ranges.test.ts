import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import { nearestInRange, parseInRange, SETTING_RANGES } from './setting-ranges.ts';

describe('parseInRange', () => {
  it('takes any real scale, with a comma too', () => {
    expect(parseInRange('3.456', SETTING_RANGES.scale)).toBe(3.456);
    expect(parseInRange(' 1,5 ', SETTING_RANGES.scale)).toBe(1.5);
  });

  it.each(['', 'two', '0.9', '8.1', 'Infinity'])('gives nothing for the scale "%s"', (text) => {
    expect(parseInRange(text, SETTING_RANGES.scale)).toBeNull();
  });

  it('takes only whole frame rate factors', () => {
    expect(parseInRange('4', SETTING_RANGES.frameRateFactor)).toBe(4);
    expect(parseInRange('1.5', SETTING_RANGES.frameRateFactor)).toBeNull();
  });

  it('takes the whole of an unsigned 32-bit seed', () => {
    expect(parseInRange('4294967295', SETTING_RANGES.seed)).toBe(4_294_967_295);
    expect(parseInRange('4294967296', SETTING_RANGES.seed)).toBeNull();
  });
});

describe('nearestInRange', () => {
  it('moves what lies outside to the nearest end, and rounds where only whole numbers go', () => {
    expect(nearestInRange('20', SETTING_RANGES.scale)).toBe(8);
    expect(nearestInRange('-3', SETTING_RANGES.strength)).toBe(0);
    expect(nearestInRange('2.6', SETTING_RANGES.frameRateFactor)).toBe(3);
    expect(nearestInRange('', SETTING_RANGES.scale)).toBeNull();
  });
});

it('accepts the default recipe', () => {
  for (const key of Object.keys(SETTING_RANGES) as (keyof typeof SETTING_RANGES)[]) {
    expect(parseInRange(String(DEFAULT_SETTINGS[key]), SETTING_RANGES[key]), key).toBe(DEFAULT_SETTINGS[key]);
  }
});
