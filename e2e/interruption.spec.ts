/** What stops a job short of a dead browser: a pause and a reload, a cancel, another tab, a GPU that goes away. */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { inWorker } from './in-worker.ts';
import { isRemembered, outputFolders } from './interrupted-job.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const QUERY = '?provider=wasm&budget=28';
const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 2 } as const;

/** Takes some ten seconds on two idle cores: enough to be caught in the middle. */
const LONG_RECIPE = { ...RECIPE, Scale: 3 } as const;
/** WebAssembly's memory of a worker, as on a machine that has no more: a job of this size takes 198 MiB in one tile. */
const heapOf = (mebibytes: number) => `
  const Plain = WebAssembly.Memory;
  WebAssembly.Memory = class extends Plain {
    constructor(descriptor) {
      super({ ...descriptor, maximum: ${mebibytes} * 16 });
    }
  };
`;
/** How many hold the screen on. */
const COUNT_SCREEN_LOCKS = `
  window.screenLocks = 0;
  WakeLock.prototype.request = async () => {
    window.screenLocks += 1;
    return { release: async () => { window.screenLocks -= 1; } };
  };
`;
/** How often a running job is looked at. */
const POLLING = { timeout: 60_000, intervals: [50] };

async function begin(page: Page, recipe: Parameters<EnhancerPage['set']>[0] = RECIPE): Promise<EnhancerPage> {
  page.on('dialog', (dialog) => void dialog.accept());
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(recipe);
  await expect(enhancer.enhance).toBeEnabled();
  await enhancer.enhance.click();
  return enhancer;
}

const framesShown = async (page: Page): Promise<number> =>
  Number(/(\d+) \/ \d+/.exec((await page.getByText(/^\d+ \/ \d+$/).textContent()) ?? '')?.[1] ?? 0);

test('a pause holds everything still, survives a reload with the clip’s own copy, and goes on from there', async ({
  page,
}) => {
  page.on('dialog', (dialog) => void dialog.accept());
  await page.addInitScript(COUNT_SCREEN_LOCKS);
  const screenLocks = () => page.evaluate('window.screenLocks');
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(LONG_RECIPE);
  expect(await screenLocks()).toBe(0);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await enhancer.enhance.click();
  await expect.poll(() => framesShown(page), POLLING).toBeGreaterThan(1);
  expect(await screenLocks()).toBe(1);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Paused' })).toBeVisible();
  await expect.poll(screenLocks).toBe(0);
  const percent = await enhancer.progress.getAttribute('value');
  await page.waitForTimeout(1500);
  expect(await enhancer.progress.getAttribute('value')).toBe(percent);

  await page.reload();
  await expect(enhancer.offer).toContainText('Paused with');
  await enhancer.goOn();
  await expect(enhancer.progress).toBeVisible();
  await expect.poll(screenLocks).toBe(1);
  const output = await demux(await enhancer.download(120_000));
  await expect.poll(screenLocks).toBe(0);
  expect(output.video.samples).toHaveLength(16);
  expect(output.audio).toHaveLength(1);
  await expect.poll(() => isRemembered(page)).toBe(true);
  await page.reload();
  await expect(enhancer.page.locator('input[type=file]')).toBeAttached();
  await page.waitForTimeout(1000);
  await expect(enhancer.offer).toHaveCount(0);
});

test('after a cancel, what is finished can be saved, with its sound; and thrown away', async ({ page }) => {
  const enhancer = await begin(page, LONG_RECIPE);
  await expect.poll(() => framesShown(page), POLLING).toBeGreaterThan(1);
  await enhancer.cancel.click();
  const offer = page.locator('[data-job]');
  await expect(enhancer.offer).toHaveCount(1);
  const framesDone = Number(await offer.getAttribute('data-frames-done'));
  expect(framesDone).toBeGreaterThan(0);
  const save = offer.getByRole('button', { name: 'Save what is finished' });
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  const part = await demux(readFileSync(await download.path()));
  expect(part.video.samples).toHaveLength(framesDone);
  expect(part.audio).toHaveLength(1);
  const seconds = ({ samples, timescale }: typeof part.video) =>
    samples.reduce((sum, { duration }) => sum + duration, 0) / timescale;
  expect(Math.abs(seconds(part.video) - seconds(part.audio[0]!))).toBeLessThan(0.1);
  await offer.getByRole('button', { name: /^Discard/ }).click();
  await expect(enhancer.offer).toHaveCount(0);
});

test('memory that runs out on the processor: on by itself in a fresh worker with smaller tiles', async ({ page }) => {
  page.on('dialog', (dialog) => void dialog.accept());
  const workers: string[] = [];
  page.on('worker', (worker) => worker.url().includes('enhancer.worker') && workers.push(worker.url()));
  const enhancer = new EnhancerPage(page);
  await inWorker(page, heapOf(150));
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set(LONG_RECIPE);
  await expect(enhancer.enhance).toBeEnabled({ timeout: 60_000 });
  await enhancer.enhance.click();
  const output = await demux(await enhancer.download(120_000));
  expect(output.video.samples).toHaveLength(16);
  await expect(page.getByText(/Memory ran out with 1 tile; it went on with \d+/)).toBeVisible();
  expect(workers.length).toBeGreaterThan(1);
  await expect.poll(() => isRemembered(page)).toBe(true);
});

test('a second tab says where the first is, and is offered its job once that is gone', async ({ page, context }) => {
  const first = await begin(page, LONG_RECIPE);
  await expect(first.progress).toBeVisible();
  await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
  const other = await context.newPage();
  const second = await begin(other);
  await expect(second.alert).toHaveAttribute('data-code', 'BUSY', { timeout: 60_000 });
  await expect(second.alert).toContainText('Another tab is enhancing real_160x90.mp4');
  await expect(other.locator('[data-job]')).toHaveCount(0);
  // Closed at its work, it leaves its job to the other.
  await page.close();
  await expect(other.locator('[data-job]')).toHaveCount(1, { timeout: 60_000 });
});

test('a GPU that dies is replaced, and the job goes on', async ({ page, browser }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=webgpu');
  await expect(page.locator('[data-provider=webgpu]').first()).toBeVisible({ timeout: 60_000 });
  await enhancer.choose('e2e/fixtures/clips/self__2x2.mp4');
  await enhancer.set({ Scale: 8, 'Frame rate': 1, Strength: 0, Steps: 2 });
  await enhancer.enhance.click();
  await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
  const session = await browser.newBrowserCDPSession();
  // It answers by dying.
  session.send('Browser.crashGpuProcess').catch(() => undefined);
  const output = await demux(await enhancer.download(180_000));
  expect([output.video.width, output.video.height]).toEqual([16, 16]);
  await expect(page.getByText(/GPU stopped responding/)).toBeVisible();
});

test('what a tab that died left of a file is cleared away at the next start, and nobody else’s is', async ({
  page,
  context,
}) => {
  const visits = () =>
    page.evaluate(async () => {
      const { held = [] } = await navigator.locks.query();
      return held.flatMap(({ name }) => /^venhancer visit (.*)$/.exec(name ?? '')?.[1] ?? []);
    });
  await page.goto('/');
  await expect.poll(visits).toHaveLength(1);
  const [own] = await visits();
  await (await context.newPage()).goto('/');
  await expect.poll(visits).toHaveLength(2);
  const other = (await visits()).find((visit) => visit !== own)!;

  // Half a file of this page, of the other one, which stays open, and of one that is long gone; and one that was finished and kept.
  const now = Date.now();
  const kept = `${now - 1000}-kept`;
  const [left, open] = [`${now}-${own}`, `${now}-${other}`];
  await page.evaluate(
    async ({ names, kept }) => {
      const outputs = await (await navigator.storage.getDirectory()).getDirectoryHandle('outputs', { create: true });
      for (const name of names) {
        const folder = await outputs.getDirectoryHandle(name, { create: true });
        await folder.getFileHandle('clip-enhanced.mp4', { create: true });
        // Half a record keeps nothing: the tab died, or the disk was full, as it was written.
        const record = name === kept ? '{}' : name.endsWith('half') ? '{"version":1,' : null;
        if (record === null) continue;
        const writable = await (await folder.getFileHandle('history.json', { create: true })).createWritable();
        await writable.write(record);
        await writable.close();
      }
    },
    { names: [kept, left, open, `${now}-gone`, `${now}-half`], kept },
  );
  await page.reload();
  await expect.poll(async () => (await outputFolders(page)).sort()).toEqual([kept, open].sort());
});
