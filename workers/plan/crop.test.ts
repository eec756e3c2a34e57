import { describe, expect, it } from 'vitest';
import { croppedPlan } from './crop.ts';
import type { JobPlan, ModelInfo } from './job-plan.ts';

const MODEL = {
  latentFactor: 8,
  latentWidthRule: { modulus: 2, remainder: 0 },
  latentHeightRule: { modulus: 2, remainder: 0 },
} as ModelInfo;

/** 1000 × 562 pixels, padded to 126 × 72 latents. */
const PLAN = {
  output: { width: 1000, height: 562 },
  latentWidth: 126,
  latentHeight: 72,
  paddedWidth: 1008,
  paddedHeight: 576,
  tiles: [],
} as unknown as JobPlan;

describe('croppedPlan', () => {
  const places = [0, 0.1, 0.37, 0.5, 0.81, 1];
  const cases = places.flatMap((x) => places.map((y) => ({ x, y })));

  it.each(cases)('holds the shown part, with its margin, inside of the plane, at %o', (centre) => {
    const { plan, shown, offset } = croppedPlan(PLAN, MODEL, centre, 256);
    const { crop } = plan;
    expect([shown.width, shown.height]).toEqual([256, 256]);
    expect(shown.x).toBeGreaterThanOrEqual(0);
    expect(shown.x + shown.width).toBeLessThanOrEqual(1000);
    expect(shown.y + shown.height).toBeLessThanOrEqual(562);
    // What is shown lies where the crop's own pictures have it.
    expect(crop!.latentX * 8 + offset.x).toBe(shown.x);
    expect(crop!.latentY * 8 + offset.y).toBe(shown.y);
    expect(offset.x + shown.width).toBeLessThanOrEqual(plan.output.width);
    expect(offset.y + shown.height).toBeLessThanOrEqual(plan.output.height);
    // A margin of 32 pixels, but at the picture's edge.
    expect(offset.x >= 32 || crop!.latentX === 0).toBe(true);
    expect(plan.output.height - offset.y - 256 >= 32 || crop!.latentY + plan.latentHeight === 72).toBe(true);
    expect(crop!.latentX + plan.latentWidth).toBeLessThanOrEqual(126);
    expect([plan.latentWidth % 2, plan.latentHeight % 2]).toEqual([0, 0]);
    expect(plan.tiles).toHaveLength(1);
  });

  it('is the whole plane where that is small', () => {
    const { plan, shown, offset } = croppedPlan(PLAN, MODEL, { x: 0.2, y: 0.9 }, 4000);
    expect(shown).toEqual({ x: 0, y: 0, width: 1000, height: 562 });
    expect(offset).toEqual({ x: 0, y: 0 });
    expect([plan.latentWidth, plan.latentHeight]).toEqual([126, 72]);
    expect([plan.output.width, plan.output.height]).toEqual([1000, 562]);
  });
});
