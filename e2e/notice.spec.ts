/** While a job runs and nobody looks: the title, the figures, and a notification when it is done. */

import { expect, test } from '@playwright/test';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/generated_80x44.mp4';

declare global {
  interface Window {
    noticed: string[];
  }
}

test('who looks elsewhere is told when it is done', async ({ page, context, baseURL }) => {
  await context.grantPermissions(['notifications'], { origin: baseURL! });
  await page.addInitScript(() => {
    window.noticed = [];
    const Shown = window.Notification;
    window.Notification = class extends Shown {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        window.noticed.push(title);
      }
    };
  });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 2, 'Frame rate': 2 });
  await enhancer.enhance.click();
  await expect(page.getByText('You will be notified when it is done.')).toBeVisible();
  // Another tab in front: what headless pages can't have.
  await page.evaluate(() => Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' }));
  await expect(page).toHaveTitle(/% · generated_80x44\.mp4/);
  await expect(page.locator('[data-frame]')).toBeVisible({ timeout: 120_000 });
  await expect(page).toHaveTitle(/^Done · generated_80x44\.mp4/, { timeout: 200_000 });
  await expect.poll(() => page.evaluate(() => window.noticed)).toEqual(['generated_80x44.mp4 is enhanced']);
});
