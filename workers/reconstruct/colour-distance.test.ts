import { expect, test } from 'vitest';
import { colourDistance, labOf, linearOf } from './colour-distance.ts';

const lab = (lightness: number, a: number, b: number) => ({ lightness, a, b });

/** From the test data of Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula" (2005), table 1: the pairs that catch wrong hues. */
const PUBLISHED = [
  [lab(50, 2.6772, -79.7751), lab(50, 0, -82.7485), 2.0425],
  [lab(50, -1.3802, -84.2814), lab(50, 0, -82.7485), 1],
  [lab(50, 0, 0), lab(50, -1, 2), 2.3669],
  [lab(50, 2.49, -0.001), lab(50, -2.49, 0.0009), 7.1792],
  [lab(50, 2.49, -0.001), lab(50, -2.49, 0.0011), 7.2195],
  [lab(50, 2.5, 0), lab(50, 0, -2.5), 4.3065],
  [lab(50, 2.5, 0), lab(73, 25, -18), 27.1492],
  [lab(50, 2.5, 0), lab(61, -5, 29), 22.8977],
  [lab(60.2574, -34.0099, 36.2677), lab(60.4626, -34.1751, 39.4387), 1.2644],
  [lab(63.0109, -31.0961, -5.8663), lab(62.8187, -29.7946, -4.0864), 1.263],
  [lab(90.8027, -2.0831, 1.441), lab(91.1528, -1.6435, 0.0447), 1.4441],
  [lab(2.0776, 0.0795, -1.135), lab(0.9033, -0.0636, -0.5514), 0.9082],
] as const;

test('distances are those that the formula’s authors publish', () => {
  for (const [one, other, distance] of PUBLISHED) {
    expect(colourDistance(one, other)).toBeCloseTo(distance, 4);
    expect(colourDistance(other, one)).toBeCloseTo(distance, 4);
  }
});

test('white is 100 light and colourless; red is where sRGB has it', () => {
  const white = labOf(1, 1, 1);
  expect(white.lightness).toBeCloseTo(100, 3);
  expect(Math.hypot(white.a, white.b)).toBeLessThan(0.02);
  const red = labOf(linearOf(255), linearOf(0), linearOf(0));
  expect(red.lightness).toBeCloseTo(53.24, 1);
  expect(red.a).toBeCloseTo(80.09, 1);
  expect(red.b).toBeCloseTo(67.2, 1);
});
