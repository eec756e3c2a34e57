/** Nothing is interpolated across a cut. */

import { expect, test } from '@playwright/test';
import { engine } from './engine-harness.ts';
import { EnhancerPage } from './enhancer-page.ts';

test('the last frame before a cut stands still instead of blending into the next shot', async ({ page, context }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose('e2e/fixtures/clips/cut_96x64.mp4');
  await enhancer.set({ Scale: 1, 'Frame rate': 2, Strength: 0, Steps: 1 });
  const output = await enhancer.run(180_000);
  const { meanSquares } = await engine(context, { kind: 'changes', output: output.toString('base64') });
  expect(meanSquares).toHaveLength(30);
  // Output frame 14 is the last source frame of the first shot, 15 would lie between the shots, 16 begins the second.
  expect(meanSquares[14]!).toBeLessThan(2);
  expect(meanSquares[15]!).toBeGreaterThan(500);
});
