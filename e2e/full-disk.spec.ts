/**
 * A disk that is really full: the browser's profile lies on a small one, filled to the last page in the middle of a job. By command,
 * `npm run faults`: it takes the right to mount.
 */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { PAGE_ORIGIN } from '../playwright.config.ts';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { isRemembered, PATIENCE, packets, stoodStill } from './interrupted-job.ts';
import { KillableBrowser } from './killable-browser.ts';
import { SmallDisk } from './small-disk.ts';

test.skip(process.env.FAULT_POINTS === undefined, 'by command: npm run faults');

/** Several windows, each of which takes more than what is left over of a file's last page. */
const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const FRAMES = 16;
const QUERY = '?provider=wasm&budget=28';
const RECIPE = { Scale: 3, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 2 } as const;
/** Of which a fresh profile takes a quarter. */
const DISK_BYTES = 256 * 2 ** 20;

let disk: SmallDisk | null;
let browser: KillableBrowser;

test.beforeEach(() => {
  disk = SmallDisk.mount(DISK_BYTES);
  test.skip(disk === null, 'takes the right to mount a file system');
  browser = new KillableBrowser(PAGE_ORIGIN, disk!.path);
});

test.afterEach(async () => {
  if (disk === null) return;
  // A browser can't put its things away on a full disk.
  disk.free();
  try {
    await browser.dispose();
  } finally {
    disk.dispose();
  }
});

async function begin(page: Page): Promise<EnhancerPage> {
  page.on('dialog', (dialog) => void dialog.accept());
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await expect(enhancer.enhance).toBeEnabled(PATIENCE);
  return enhancer;
}

/** Told by the write that failed; or, where Chromium never comes back from a call on a full disk, by the page a minute later (docs/reliability.md). */
const REFUSED = /^(QUOTA_EXCEEDED|STORAGE_FAILED)$/;

/** In which the disk is filled. */
const STANDS_STILL_MS = 10_000;

test('full in the middle: stopped at the last window, offered, handed out; refused anew; with room again, the same file', async () => {
  test.setTimeout(900_000);
  const page = await browser.start();
  const enhancer = await begin(page);
  const uninterrupted = await packets(await enhancer.run(240_000));
  expect(uninterrupted).toHaveLength(FRAMES);
  await expect.poll(() => isRemembered(page), PATIENCE).toBe(true);

  const again = await begin(page);
  await again.enhance.click();
  // Frames are shown before their window is finished: that of so many is, and not all of them are.
  const shown = page.getByText(new RegExp(`^(9|1[0-4]) / ${FRAMES}$`));
  await expect.poll(() => shown.isVisible(), { timeout: 240_000, intervals: [20] }).toBe(true);
  disk!.fill();
  await expect(again.alert).toHaveAttribute('data-code', REFUSED, PATIENCE);

  const { offer } = again;
  await expect(offer).toHaveCount(1, PATIENCE);
  const kept = Number(await offer.getAttribute('data-frames-done'));
  console.log(
    `disk full: ${await again.alert.getAttribute('data-code')}, stopped with ${kept} of ${FRAMES} frames kept`,
  );
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(FRAMES);
  const save = offer.getByRole('button', { name: 'Save what is finished' });
  const [part] = await Promise.all([page.waitForEvent('download'), save.click()]);
  expect((await demux(readFileSync(await part.path()))).video.samples).toHaveLength(kept);

  // Offered to the next visit as well, while the disk is still full.
  await again.open(QUERY);
  await expect(offer).toHaveCount(1, PATIENCE);
  await again.goOn();
  await expect(again.alert).toHaveAttribute('data-code', REFUSED, PATIENCE);
  console.log(`disk full, gone on with: ${await again.alert.getAttribute('data-code')}`);
  await expect(offer).toHaveAttribute('data-frames-done', String(kept), PATIENCE);

  disk!.free();
  // As the page says to where the browser's storage stopped answering.
  await again.open(QUERY);
  await expect(offer).toHaveCount(1, PATIENCE);
  await again.goOn();
  expect(await packets(await again.download(240_000))).toEqual(uninterrupted);
});

test('full as the file is written: made in memory, and its job stays until it is kept somewhere', async () => {
  test.setTimeout(600_000);
  const page = await browser.start();
  const written = await browser.watchWrites(1, false, /\.mp4$/, STANDS_STILL_MS);
  const enhancer = await begin(page);
  await enhancer.enhance.click();
  await stoodStill(written);
  disk!.fill();
  const made = await packets(await enhancer.download(240_000));
  expect(made).toHaveLength(FRAMES);

  await enhancer.open(QUERY);
  const { offer } = enhancer;
  await expect(offer).toHaveAttribute('data-frames-done', String(FRAMES), PATIENCE);
  disk!.free();
  await enhancer.goOn();
  expect(await packets(await enhancer.download(240_000))).toEqual(made);
  await expect.poll(() => isRemembered(page), PATIENCE).toBe(true);
  await enhancer.open(QUERY);
  await expect(page.locator('[data-history]')).toHaveCount(1, PATIENCE);
  await expect(offer).toHaveCount(0);
});
