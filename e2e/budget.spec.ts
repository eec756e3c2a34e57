/** What the first screen may weigh: its JavaScript, gzipped, without the engine and what a clip needs, which come after. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { BUILD_FOLDER } from '../playwright.config.ts';

const LIMIT_BYTES = 120_000;

test('the first screen’s JavaScript stays within 120 kB', async ({ page }) => {
  const needed = closure(scriptsOf(readFileSync(join(BUILD_FOLDER, 'index.html'), 'utf8')));
  const sizes = needed.map((path) => ({ path, bytes: gzipped(path) }));
  const bytes = sizes.reduce((sum, each) => sum + each.bytes, 0);
  console.log(`first screen: ${bytes} bytes of JavaScript gzipped in ${sizes.length} files`);
  expect(sizes.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES);

  // The list is what the browser loads: nothing that shows the first screen is missing from it.
  const wanted = new Set(needed.map((path) => `/${path}`));
  await page.route('**/*.js', (route) =>
    wanted.has(new URL(route.request().url()).pathname) ? route.continue() : route.abort(),
  );
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Choose a clip' })).toBeVisible();
});

function scriptsOf(html: string): string[] {
  return [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path!);
}

/** The files and all that they import before they run. */
function closure(entries: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    const code = readFileSync(join(BUILD_FOLDER, path), 'utf8');
    for (const [, name] of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) visit(`assets/${name}`);
  };
  for (const entry of entries) visit(entry);
  return [...found];
}

function gzipped(path: string): number {
  return gzipSync(readFileSync(join(BUILD_FOLDER, path)), { level: 9 }).length;
}
