import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../workers/errors.ts';
import { words } from '../words.ts';
import { type Occasion, whatIsSafe } from './what-is-safe.ts';

const NOTHING = { hasResults: false, hasUnfinished: false };

test('every code has an answer on every occasion', () => {
  for (const code of ERROR_CODES) {
    for (const occasion of Object.keys(words.failure.safeDuring) as Occasion[]) {
      expect(whatIsSafe(code, occasion, NOTHING)).toMatch(/\.$/);
    }
  }
});

test('a job that ended early is said to be kept only where it is', () => {
  expect(whatIsSafe('DEVICE_LOST', 'enhance', NOTHING)).not.toContain('Unfinished');
  expect(whatIsSafe('DEVICE_LOST', 'enhance', { ...NOTHING, hasUnfinished: true })).toContain('Unfinished');
});

test('results are mentioned where there are any', () => {
  expect(whatIsSafe('NOT_A_VIDEO', 'open', { ...NOTHING, hasResults: true })).toContain(words.failure.safe);
});
