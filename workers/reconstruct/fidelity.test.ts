import { expect, test } from 'vitest';
import type { RgbaPicture } from '../media/rgba.ts';
import { differencePicture, frameFidelity } from './fidelity.ts';

const WIDTH = 160;
const HEIGHT = 96;

function painted(paint: (x: number, y: number) => readonly [number, number, number]): RgbaPicture {
  const rgba = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) rgba.set([...paint(x, y), 255], (y * WIDTH + x) * 4);
  }
  return { width: WIDTH, height: HEIGHT, rgba };
}

/** Waves of three directions: structure everywhere. */
const waves = (x: number, y: number): [number, number, number] => [
  128 + 60 * Math.sin(x / 3) + 40 * Math.sin(y / 4),
  128 + 60 * Math.sin((x + y) / 5),
  128 + 50 * Math.cos(y / 3),
];
const SOURCE = painted(waves);

test('the source itself is kept wholly', () => {
  const { structure, colourShift, worst } = frameFidelity(SOURCE, SOURCE);
  expect(structure).toBeCloseTo(1, 6);
  expect(colourShift).toBe(0);
  expect(worst.structure).toBeCloseTo(1, 6);
});

test('a tint is a shift of colour, hardly one of structure', () => {
  const tinted = painted((x, y) => {
    const [red, green, blue] = waves(x, y);
    return [red + 12, green, blue - 12];
  });
  const { structure, colourShift } = frameFidelity(SOURCE, tinted);
  expect(colourShift).toBeGreaterThan(3);
  expect(structure).toBeGreaterThan(0.97);
});

test('fine texture is a change of structure, not of colour', () => {
  const textured = painted((x, y) => {
    const grain = (x + y) % 2 === 0 ? 18 : -18;
    return waves(x, y).map((value) => value + grain) as [number, number, number];
  });
  const { structure, colourShift } = frameFidelity(SOURCE, textured);
  expect(structure).toBeLessThan(0.97);
  expect(colourShift).toBeLessThan(1.2);
});

test('the place that was redrawn is found, however good the mean', () => {
  const face = { x: 100, y: 50, width: 24, height: 24 };
  const redrawn = painted((x, y) => {
    const inside = x >= face.x && x < face.x + face.width && y >= face.y && y < face.y + face.height;
    return inside ? waves(y * 1.7, x * 1.3) : waves(x, y);
  });
  const { structure, worst } = frameFidelity(SOURCE, redrawn);
  expect(structure).toBeGreaterThan(0.9);
  expect(worst.structure).toBeLessThan(0.5);
  expect(Math.abs(worst.x + worst.width / 2 - 112)).toBeLessThanOrEqual(24);
  expect(Math.abs(worst.y + worst.height / 2 - 62)).toBeLessThanOrEqual(24);
});

test('more noise, less structure', () => {
  const noisy = (amount: number) =>
    painted(
      (x, y) => waves(x, y).map((value) => value + amount * Math.sin(x * 12.9 + y * 78.2)) as [number, number, number],
    );
  const kept = [0, 5, 15, 40].map((amount) => frameFidelity(SOURCE, noisy(amount)).structure);
  expect(kept).toEqual([...kept].sort((a, b) => b - a));
});

test('pictures smaller than a window are judged too, those of other sizes are not', () => {
  const tiny = { width: 2, height: 2, rgba: new Uint8ClampedArray(16).fill(90) };
  expect(frameFidelity(tiny, tiny).structure).toBeCloseTo(1, 6);
  expect(() => frameFidelity(SOURCE, tiny)).toThrow(RangeError);
});

test('a difference is shown as many times as bright', () => {
  const brighter = painted((x, y) => waves(x, y).map((value) => Math.round(value) + 10) as [number, number, number]);
  const rounded = painted((x, y) => waves(x, y).map(Math.round) as [number, number, number]);
  const { picture, mean } = differencePicture(rounded, brighter, 4);
  expect(mean).toBeCloseTo(10, 5);
  expect([...picture.rgba.subarray(0, 4)]).toEqual([40, 40, 40, 255]);
});
