/**
 * A browser killed in the middle of a job, started again, goes on to the very file that it would have made. `npm run soak` spreads
 * twenty kills over the job, every other one in the middle of a write to its journal; two are enough between releases.
 */

import { expect, type Page, test } from '@playwright/test';
import { PAGE_ORIGIN } from '../playwright.config.ts';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { KillableBrowser } from './killable-browser.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const QUERY = '?provider=wasm&budget=12';
const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 2 } as const;
/** Of the plan that this recipe and budget have: five windows, an overlap of two. */
const WINDOW_FRAMES = 5;
/** Frame, head: what makes a job known. */
const FIRST_RECORD_WRITES = 2;
const KILL_POINTS = Number(process.env.KILL_POINTS ?? 2);

let uninterrupted: readonly Buffer[];
let uninterruptedMs: number;
/** To the origin private file system: journal, states and the finished file. */
let writes: number;

async function begin(page: Page): Promise<EnhancerPage> {
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await expect(enhancer.enhance).toBeEnabled();
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible();
  return enhancer;
}

/** Read at once: waiting for it would let the job go on. */
function framesShown(page: Page): Promise<number> {
  return page.evaluate(() =>
    document.querySelector('[data-phase]')?.getAttribute('data-phase') === 'finished'
      ? 16
      : Number(/(\d+) \/ 16/.exec(document.body.innerText)?.[1] ?? 0),
  );
}

async function packets(output: Buffer): Promise<Buffer[]> {
  return (await demux(output)).video.samples.map(({ data }) => Buffer.from(data));
}

test.beforeAll('the job uninterrupted', async () => {
  test.setTimeout(400_000);
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const written = await browser.watchWrites(0);
    const enhancer = await begin(page);
    await enhancer.enhance.click();
    await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
    const start = performance.now();
    const output = await enhancer.download(240_000);
    uninterruptedMs = performance.now() - start;
    uninterrupted = await packets(output);
    writes = (await written()).count;
    expect(uninterrupted).toHaveLength(16);
    await enhancer.open(QUERY);
    await expect(page.getByText('Unfinished')).toBeHidden();
  } finally {
    await browser.dispose();
  }
});

for (let point = 1; point <= KILL_POINTS; point += 1) {
  const inWrite = point % 2 === 0;
  test(`killed at ${inWrite ? 'write' : 'moment'} ${point} of ${KILL_POINTS}, it goes on to the same frames`, async () => {
    const share = (point - 0.5) / KILL_POINTS;
    const browser = new KillableBrowser(PAGE_ORIGIN);
    try {
      const page = await browser.start();
      const atWrite = inWrite ? Math.max(FIRST_RECORD_WRITES + 1, Math.round(writes * share)) : 0;
      const written = await browser.watchWrites(atWrite);
      const first = await begin(page);
      await first.enhance.click();
      await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
      if (inWrite) await expect.poll(async () => (await written()).stopped, { timeout: 120_000 }).toBe(true);
      else await page.waitForTimeout(uninterruptedMs * share);
      const shown = await framesShown(page);
      const { count } = await written();
      await browser.kill();
      const { kept, resumed } = await goOn(browser);
      console.log(
        `kill ${point}: ${inWrite ? 'in' : 'after'} write ${count}, ${shown} of 16 frames shown, ${kept} kept`,
      );
      expect(kept).toBeGreaterThanOrEqual(shown - WINDOW_FRAMES);
      expect(resumed.map((data, i) => data.equals(uninterrupted[i]!))).toEqual(uninterrupted.map(() => true));
    } finally {
      await browser.dispose();
    }
  });
}

test('a machine that slept goes on by itself', async () => {
  test.skip(KILL_POINTS < 20, 'takes a minute and a half of sleep');
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const enhancer = await begin(page);
    await enhancer.enhance.click();
    await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
    await page.waitForTimeout(uninterruptedMs / 2);
    // Longer than the patience with a decoder or an encoder that says nothing.
    await browser.sleep(90_000);
    expect(await packets(await enhancer.download(240_000))).toEqual(uninterrupted);
  } finally {
    await browser.dispose();
  }
});

test('killed in the middle of a journal’s first record, nothing was begun and nothing is in the way', async () => {
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const written = await browser.watchWrites(FIRST_RECORD_WRITES);
    await (await begin(page)).enhance.click();
    await expect.poll(async () => (await written()).stopped, { timeout: 120_000 }).toBe(true);
    await browser.kill();
    const again = await begin(await browser.start());
    await expect(again.page.locator('[data-job]')).toHaveCount(0);
    expect(await packets(await again.run(120_000))).toEqual(uninterrupted);
  } finally {
    await browser.dispose();
  }
});

/** Chooses the clip again, since a file input leaves no handle, and waits for the file. */
async function goOn(browser: KillableBrowser): Promise<{ kept: number; resumed: readonly Buffer[] }> {
  const page = await browser.start();
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  const offer = page.locator('[data-job]');
  await expect(offer).toHaveCount(1);
  const kept = Number(await offer.getAttribute('data-frames-done'));
  await offer.getByRole('button', { name: /^Go on/ }).click();
  await expect(page.getByText(/Choose real_160x90.mp4 again/)).toBeVisible();
  await enhancer.choose(CLIP);
  return { kept, resumed: await packets(await enhancer.download(120_000)) };
}
