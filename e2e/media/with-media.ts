/** The media room's harness page as a fixture: `media(command)` runs one command in its worker. */

import { test } from '@playwright/test';
import { HARNESS_ORIGIN } from '../../playwright.config.ts';
import type { Command, Result } from './harness.worker.ts';

// The development server: the harness imports the engine's sources, which the built page doesn't have.
const HARNESS = `${HARNESS_ORIGIN}/e2e/media/harness.html`;

export type Run = (command: Command) => Promise<Result>;

export const withMedia = test.extend<{ media: Run }>({
  media: async ({ page }, use) => {
    await page.goto(HARNESS);
    await page.waitForFunction('window.media');
    await use((command) =>
      page.evaluate((sent) => (window as unknown as { media: Run }).media(sent as Command), command as object),
    );
  },
});
