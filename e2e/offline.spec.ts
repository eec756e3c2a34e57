/** The service worker, on a host that sends no header of ours: isolation, work without a network, a new version, installing. */

import { expect, type Page, test } from '@playwright/test';
import { BUILD_FOLDER } from '../playwright.config.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { type PlainHost, plainHost } from './plain-host.ts';

const CLIP = 'e2e/fixtures/clips/generated_80x44.mp4';

test.use({ serviceWorkers: 'allow' });

let host: PlainHost;

test.beforeEach(async () => {
  host = await plainHost(BUILD_FOLDER);
});
test.afterEach(async () => {
  await host.close();
});

const kept = (page: Page) => expect(page.locator('[data-offline="ready"]')).toBeVisible({ timeout: 60_000 });

test('isolated where the host can’t, and at work without a network', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  const first = await page.goto(`${host.origin}/?provider=wasm`);
  expect(first?.headers()['cross-origin-embedder-policy']).toBeUndefined();
  await expect.poll(() => page.evaluate(() => globalThis.crossOriginIsolated).catch(() => false)).toBe(true);
  await kept(page);

  await host.close();
  await page.reload();
  expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 1 });
  const output = await enhancer.run(200_000);
  expect(output.length).toBeGreaterThan(1000);

  // The sample comes along.
  await page.reload();
  await page.getByRole('button', { name: 'Try the sample clip' }).click();
  await expect(page.getByRole('heading', { name: 'sample.mp4' })).toBeVisible();
  expect(enhancer.strayRequests).toEqual([]);
});

test('a new version waits until it is let in, and takes over what is the same', async ({ page }) => {
  await page.goto(`${host.origin}/?provider=wasm`);
  await kept(page);
  const caches = () => page.evaluate(async () => (await globalThis.caches.keys()).length);
  expect(await caches()).toBe(1);

  const large = () => host.asked.filter((path) => /\.(wasm|bin)$/.test(path)).length;
  const before = large();
  expect(before).toBeGreaterThan(0);
  await host.replace('/service-worker.js', (code) =>
    code.replace(/"?version"?:\s*["'`][0-9a-f]{12}["'`]/, 'version:"000000000000"'),
  );
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  const reload = page.getByRole('button', { name: 'Load it now' });
  await expect(reload).toBeVisible();
  await Promise.all([page.waitForEvent('load'), reload.click()]);
  await kept(page);
  await expect(reload).toBeHidden();
  expect(await caches()).toBe(2);
  expect(large()).toBe(before);
  // The app and nano, nothing else: what was imported lies in the origin's own files, which no version touches.
  const models = await page.evaluate(async () => {
    const names = await globalThis.caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await globalThis.caches.open(name)).keys()));
    return requests
      .flat()
      .map(({ url }) => new URL(url).pathname)
      .filter((path) => path.includes('/models/'));
  });
  expect(models.length).toBeGreaterThan(0);
  expect(models.filter((path) => !path.startsWith('/models/nano/'))).toEqual([]);
});

test('it can be installed', async ({ page, context }) => {
  await page.goto(`${host.origin}/?provider=wasm`);
  await kept(page);
  const session = await context.newCDPSession(page);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([]);
});
