/** Calls the engine's test harness (e2e/engine) in a page of its own. */

import type { BrowserContext } from '@playwright/test';
import { HARNESS_ORIGIN } from '../playwright.config.ts';
import type { Command, Result } from './engine/harness.worker.ts';

/** The development server serves sources; the built page has no harness. */
export const SOURCES_URL = HARNESS_ORIGIN;
export const CLIPS_URL = `${SOURCES_URL}/e2e/fixtures/clips`;
export const MODELS_URL = `${SOURCES_URL}/models/`;

declare global {
  interface Window {
    engine(command: Command): Promise<Result>;
  }
}

export async function engine<Kind extends Command['kind']>(
  context: BrowserContext,
  command: Extract<Command, { kind: Kind }>,
): Promise<Extract<Result, { kind: Kind }>> {
  const page = await context.newPage();
  try {
    await page.goto(`${SOURCES_URL}/e2e/engine/harness.html`);
    await page.waitForFunction(() => 'engine' in window);
    const result = await page.evaluate((each) => window.engine(each), command as Command);
    if (result.kind === 'error') throw new Error(`${result.code}: ${result.message}`);
    return result as Extract<Result, { kind: Kind }>;
  } finally {
    await page.close();
  }
}
