import { describe, expect, it } from 'vitest';
import type { JobPlan } from './job-plan.ts';
import { nextKeyFrame, shotsFromCuts } from './shots.ts';
import { planWindows, referenceShapes, windowShapes } from './windows.ts';

describe('shots from cuts', () => {
  it('begin on the key frame of the cut; inserted frames before it stay with the old shot', () => {
    const span = { sourceStart: 0, sourceEnd: 10, frameRateFactor: 4 };
    expect(shotsFromCuts([7, 3], span)).toEqual([
      { startFrame: 0, endFrame: 12 },
      { startFrame: 12, endFrame: 28 },
      { startFrame: 28, endFrame: 37 },
    ]);
  });

  it('count from the start of a range, whose own edges are no cuts', () => {
    const span = { sourceStart: 5, sourceEnd: 9, frameRateFactor: 2 };
    expect(shotsFromCuts([2, 5, 7, 7, 9, 12], span)).toEqual([
      { startFrame: 0, endFrame: 4 },
      { startFrame: 4, endFrame: 7 },
    ]);
    expect(shotsFromCuts([1], { sourceStart: 3, sourceEnd: 3, frameRateFactor: 2 })).toEqual([]);
  });

  it('give windows that never cross a cut, whatever the cuts', () => {
    for (const factor of [1, 2, 3, 8]) {
      for (const cuts of [[], [1], [1, 2, 3], [19], [5, 6, 13]]) {
        const shots = shotsFromCuts(cuts, { sourceStart: 0, sourceEnd: 20, frameRateFactor: factor });
        expect(shots[0]!.startFrame).toBe(0);
        expect(shots.at(-1)!.endFrame).toBe(19 * factor + 1);
        for (const shape of [...windowShapes(factor, 25), ...referenceShapes(factor, 32, 1 / 4)]) {
          for (const { startFrame, endFrame } of planWindows(shots, factor, shape)) {
            for (const cut of cuts) expect(startFrame < cut * factor && endFrame > cut * factor).toBe(false);
          }
        }
      }
    }
  });

  it('tell an inserted frame which key frame follows it in its shot', () => {
    const shots = shotsFromCuts([2], { sourceStart: 0, sourceEnd: 4, frameRateFactor: 3 });
    const plan = { shots, frameRateFactor: 3 } as unknown as JobPlan;
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((frame) => nextKeyFrame(plan, frame))).toEqual([
      3,
      3,
      3,
      null,
      null,
      null,
      9,
      9,
      9,
      null,
    ]);
  });
});
