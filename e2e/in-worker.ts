/** A browser that lacks what this one has. */

import type { Page } from '@playwright/test';

/** Runs a line in a worker, the engine's where no other is named, before anything else does. */
export async function inWorker(page: Page, code: string, worker = 'enhancer.worker'): Promise<void> {
  await page.route(`**/${worker}*.js`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${code}\n${await response.text()}` });
  });
}
