import { expect, it } from 'vitest';
import { activePart } from './borders.ts';
import { outputSide } from './output.ts';

it('puts a letterboxed picture back where it was', () => {
  const area = { x: 0, y: 140, width: 1920, height: 800 };
  const clip = { width: 1920, height: 1080 };
  expect(activePart(clip, area, 2)).toEqual({ source: area, output: { x: 0, y: 280, width: 3840, height: 1600 } });
  expect(activePart(clip, area, 1)).toEqual({ source: area, output: area });
});

it('stays inside and on even places, whatever the sizes', () => {
  for (const width of [97, 128, 321]) {
    for (const x of [2, 8, 14]) {
      for (const right of [2, 7, 15]) {
        for (const scale of [1, 1.37, 2.5, 3, 7.9]) {
          const area = { x, y: 0, width: width - x - right, height: 60 };
          const placed = activePart({ width, height: 60 }, area, scale).output;
          expect(placed.x % 2).toBe(0);
          expect(placed.x).toBeGreaterThanOrEqual(0);
          expect(placed.width).toBe(outputSide(area.width, scale));
          expect(placed.x + placed.width).toBeLessThanOrEqual(outputSide(width, scale));
          expect(Math.abs(placed.x - x * scale)).toBeLessThanOrEqual(2.5);
          expect(placed.y).toBe(0);
        }
      }
    }
  }
});
