import { describe, expect, it } from 'vitest';
import { frameIndexAt, stripFrames } from './glance.ts';

describe('stripFrames', () => {
  it('takes the middle of each part', () => {
    expect(stripFrames(16, 4, [0])).toEqual([0, 5, 9, 13]);
    expect(stripFrames(3, 8, [])).toEqual([0, 1, 2]);
    expect(stripFrames(1, 8, [0])).toEqual([0]);
  });

  it('prefers the key frame nearest to the middle of its part', () => {
    expect(stripFrames(1000, 4, [0, 100, 240, 300, 620])).toEqual([100, 300, 620, 874]);
  });
});

it('a moment is its frame, also before the first and after the last', () => {
  const clip = { info: { timestampsUs: [0, 40_000, 80_000] } } as unknown as Parameters<typeof frameIndexAt>[0];
  expect([-5, 0, 39_999, 40_000, 90_000].map((time) => frameIndexAt(clip, time))).toEqual([0, 0, 0, 1, 2]);
});
