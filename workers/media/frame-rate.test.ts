import { describe, expect, test } from 'vitest';
import { frameRateOf } from './frame-rate.ts';

const grid = (rate: number, count: number, tickUs: number) =>
  Array.from({ length: count }, (_, i) => Math.round(((i / rate) * 1e6) / tickUs) * tickUs);

describe('constant rates', () => {
  test.each([
    [24000 / 1001, 24000, 1001],
    [24, 24, 1],
    [25, 25, 1],
    [30000 / 1001, 30000, 1001],
    [30, 30, 1],
    [60000 / 1001, 60000, 1001],
    [120, 120, 1],
    [240, 240, 1],
    [1, 1, 1],
    [12.5, 25, 2],
  ])('%f frames a second, in exact ticks and in milliseconds', (rate, numerator, denominator) => {
    for (const tickUs of [1e6 / 90000, 1000]) {
      const times = grid(rate, 90, tickUs);
      expect(frameRateOf(times, 1e6 / rate, tickUs)).toEqual({ rate: { numerator, denominator }, variable: false });
    }
  });

  test('a rate that is no standard, as its ticks state it', () => {
    const times = grid(600 / 19, 50, 1e6 / 600);
    expect(frameRateOf(times, 19e6 / 600, 1e6 / 600)).toEqual({
      rate: { numerator: 600, denominator: 19 },
      variable: false,
    });
  });

  test('one frame: its duration', () => {
    expect(frameRateOf([0], 41667, 1000)).toEqual({ rate: { numerator: 24, denominator: 1 }, variable: false });
  });
});

describe('variable rates', () => {
  test('one frame missing from a grid', () => {
    const times = grid(30, 60, 1e6 / 90000).filter((_, i) => i !== 20);
    const { rate, variable } = frameRateOf(times, 33333, 1e6 / 90000);
    expect(variable).toBe(true);
    expect(rate.numerator / rate.denominator).toBeCloseTo(58 / (59 / 30), 1);
  });
});
