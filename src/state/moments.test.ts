import { expect, it } from 'vitest';
import type { LatestFrame } from '../../workers/protocol.ts';
import { keepMoment, MAX_MOMENTS, NO_MOMENTS } from './moments.ts';

const picture = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
const frameAt = (frame: number): LatestFrame => ({
  frame,
  timestampUs: frame * 40_000,
  enhanced: picture,
  source: picture,
});

const keptOf = (count: number) =>
  Array.from({ length: count }, (_, index) => frameAt(index)).reduce(keepMoment, NO_MOMENTS).frames;

it('keeps everything of a short run', () => {
  expect(keptOf(5).map((latest) => latest.frame)).toEqual([0, 1, 2, 3, 4]);
});

it.each([13, 50, 1000])('stays bounded and evenly spread over %i arrivals', (count) => {
  const frames = keptOf(count).map((latest) => latest.frame);
  expect(frames.length).toBeLessThanOrEqual(MAX_MOMENTS);
  expect(frames.length).toBeGreaterThanOrEqual(MAX_MOMENTS / 2);
  expect(frames[0]).toBe(0);
  const gaps = new Set(frames.slice(1).map((frame, index) => frame - frames[index]!));
  expect(gaps.size).toBe(1);
});
