import { describe, expect, it } from 'vitest';
import { factorToPlace, placeToFactor, placeToScale, rateRows, scaleTargets, scaleToPlace } from './pad-targets.ts';

describe('targets of the pad', () => {
  it('fits the clip into common sizes, whichever side is the long one', () => {
    const landscape = scaleTargets({ width: 512, height: 320 });
    expect(landscape).toEqual([
      { name: '720p', scale: 2.25 },
      { name: '1080p', scale: 3.375 },
      { name: '1440p', scale: 4.5 },
      { name: '4K', scale: 6.75 },
    ]);
    expect(scaleTargets({ width: 320, height: 512 })).toEqual(landscape);
    // A wide clip is held by its width.
    expect(scaleTargets({ width: 960, height: 400 })[1]).toEqual({ name: '1080p', scale: 2 });
  });

  it('leaves out what is smaller than the clip or out of reach', () => {
    expect(scaleTargets({ width: 1920, height: 1080 }).map(({ name }) => name)).toEqual(['1080p', '1440p', '4K']);
    expect(scaleTargets({ width: 64, height: 36 })).toEqual([]);
  });

  it('knows common frame rates, broadcast ones too', () => {
    const common = (numerator: number, denominator = 1) =>
      rateRows({ numerator, denominator })
        .filter((row) => row.common)
        .map(({ factor }) => factor);
    expect(common(10)).toEqual([3, 6]);
    expect(common(12)).toEqual([2, 5]);
    expect(common(30000, 1001)).toEqual([1, 2]);
    expect(common(25)).toEqual([]);
  });

  it('places scales by doublings and takes them back', () => {
    expect(scaleToPlace(1)).toBe(0);
    expect(scaleToPlace(2)).toBeCloseTo(1 / 3);
    expect(scaleToPlace(8)).toBe(1);
    for (const scale of [1, 1.5, 2, 3.35, 8]) expect(placeToScale(scaleToPlace(scale), [], 0)).toBeCloseTo(scale, 9);
    expect(placeToScale(-1, [], 0)).toBe(1);
    expect(placeToScale(2, [], 0)).toBe(8);
  });

  it('is drawn to a target that is near', () => {
    const targets = scaleTargets({ width: 512, height: 320 });
    const place = scaleToPlace(3.375);
    expect(placeToScale(place + 0.01, targets, 0.02)).toBe(3.375);
    expect(placeToScale(place + 0.03, targets, 0.02)).not.toBe(3.375);
  });

  it('gives every factor a row', () => {
    for (let factor = 1; factor <= 8; factor += 1) expect(placeToFactor(factorToPlace(factor))).toBe(factor);
    expect(placeToFactor(-0.2)).toBe(1);
    expect(placeToFactor(1)).toBe(8);
  });
});
