import { expect, test } from 'vitest';
import { groupBytes, MOST_GROUP_BYTES, planGroups } from './groups.ts';
import { planWindows } from './windows.ts';

const LIMITS = { pixels: 320 * 180, frameRate: 30, bytes: MOST_GROUP_BYTES };

/** Windows of 17 frames, 12 or so apart. */
const windowsOf = (...shots: readonly number[]) => {
  let startFrame = 0;
  const extents = shots.map((frames) => {
    const shot = { startFrame, endFrame: startFrame + frames };
    startFrame += frames;
    return shot;
  });
  return planWindows(extents, 1, { strideIntervals: 12, sharedFrames: 5 });
};

test('groups cover the output, each of whole windows, at most five seconds, and end at cuts', () => {
  for (const shots of [[1], [17], [31], [400], [40, 40, 9], [300, 5, 300]]) {
    const frameCount = shots.reduce((a, b) => a + b);
    const windows = windowsOf(...shots);
    const groups = planGroups(windows, frameCount, LIMITS);
    expect(groups[0]!.startFrame).toBe(0);
    expect(groups.at(-1)!.endFrame).toBe(frameCount);
    let index = 0;
    for (const [i, group] of groups.entries()) {
      const own = windows.slice(index, index + group.windows);
      index += group.windows;
      expect(own[0]!.startFrame).toBe(group.startFrame);
      expect(group.endFrame).toBe(groups[i + 1]?.startFrame ?? frameCount);
      expect(new Set(own.map(({ shot }) => shot)).size).toBe(1);
      expect(group.endFrame - group.startFrame).toBeLessThanOrEqual(150);
    }
    expect(index).toBe(windows.length);
    const fewest = shots.reduce((sum, frames) => sum + Math.ceil(frames / 150), 0);
    expect(groups.length).toBeLessThanOrEqual(fewest + shots.filter((frames) => frames > 150).length);
  }
});

test('a slow clip’s groups are longer, of frames that are decoded at once; a fast one’s shorter', () => {
  const longest = (frameRate: number) =>
    Math.max(
      ...planGroups(windowsOf(600), 600, { ...LIMITS, frameRate }).map(
        ({ startFrame, endFrame }) => endFrame - startFrame,
      ),
    );
  expect(longest(1)).toBeGreaterThan(45);
  expect(longest(1)).toBeLessThanOrEqual(60);
  expect(longest(240)).toBeGreaterThan(235);
  expect(longest(240)).toBeLessThanOrEqual(250);
});

test('no more pictures wait than fit', () => {
  const windows = windowsOf(400);
  const picture = (3840 * 2160 * 3) / 2;
  for (const bytes of [0, picture * 13, picture * 40, MOST_GROUP_BYTES]) {
    const groups = planGroups(windows, 400, { pixels: 3840 * 2160, frameRate: 60, bytes });
    expect(groups.at(-1)!.endFrame).toBe(400);
    expect(groupBytes(groups, 3840 * 2160)).toBeLessThanOrEqual(bytes);
  }
  const alone = planGroups(windows, 400, { pixels: 3840 * 2160, frameRate: 60, bytes: 0 });
  expect(alone.map(({ windows: count }) => count)).toEqual(windows.map(() => 1));
});
