/** Cancel takes a second at most, whenever it comes, and leaves a page that works. */

import { expect, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';

// While the model loads, in the middle of a long model run, and while frames come out.
for (const [moment, afterMs] of [
  ['at once', 0],
  ['in the middle of a run', 2500],
  ['late', 6000],
] as const) {
  test(`cancel ${moment}`, async ({ page }) => {
    const enhancer = new EnhancerPage(page);
    await enhancer.open('?provider=wasm');
    await enhancer.choose(CLIP);
    await enhancer.set({ Scale: 4, 'Frame rate': 2, Strength: 0.5, Steps: 8 });
    await expect(enhancer.enhance).toBeEnabled();
    await enhancer.enhance.click();
    await expect(enhancer.cancel).toBeVisible();
    await page.waitForTimeout(afterMs);
    // Timed in the page: a test's own polling is coarser than what is measured.
    const elapsed = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let start = 0;
          document.addEventListener('pointerdown', () => (start = performance.now()), { capture: true, once: true });
          const look = () => {
            if (start > 0 && !document.querySelector('[role=progressbar], progress'))
              resolve(performance.now() - start);
            else requestAnimationFrame(look);
          };
          look();
        }),
    );
    await enhancer.cancel.click();
    expect(await elapsed).toBeLessThanOrEqual(1000);
    await expect(enhancer.enhance).toBeVisible();
    await expect(enhancer.progress).toBeHidden();
  });
}

test('after a cancel the next job runs', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 3, 'Frame rate': 1, Steps: 8 });
  await enhancer.enhance.click();
  await page.waitForTimeout(1500);
  await enhancer.cancel.click();
  await enhancer.set({ Scale: 1, Steps: 1 });
  const output = await demux(await enhancer.run(180_000));
  expect(output.video.samples).toHaveLength(16);
  expect([output.video.width, output.video.height]).toEqual([160, 90]);
});
