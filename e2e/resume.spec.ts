/**
 * A browser killed in the middle of a job, started again, goes on to the very file that it would have made. `KILL_POINTS=20` spreads
 * twenty kills over the job (the README's developer part); two are enough between releases.
 */

import { expect, type Page, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { KillableBrowser } from './killable-browser.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const QUERY = '?provider=wasm&budget=12';
const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 2 } as const;
/** Of the plan that this recipe and budget have: five windows, an overlap of two. */
const WINDOW_FRAMES = 5;
const KILL_POINTS = Number(process.env.KILL_POINTS ?? 2);

test.describe.configure({ mode: 'serial' });

let uninterrupted: readonly Buffer[];
let uninterruptedMs: number;

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

test('the same job gives the same file twice', async ({ baseURL }) => {
  const browser = new KillableBrowser(baseURL!);
  try {
    const enhancer = await begin(await browser.start());
    await enhancer.enhance.click();
    await expect(enhancer.page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
    const start = performance.now();
    const output = await enhancer.download(120_000);
    uninterruptedMs = performance.now() - start;
    uninterrupted = await packets(output);
    expect(uninterrupted).toHaveLength(16);
    await enhancer.open(QUERY);
    await expect(enhancer.page.getByText('Unfinished')).toBeHidden();
  } finally {
    await browser.dispose();
  }
});

for (let point = 1; point <= KILL_POINTS; point += 1) {
  test(`killed at moment ${point} of ${KILL_POINTS}, it goes on to the same frames`, async ({ baseURL }) => {
    const browser = new KillableBrowser(baseURL!);
    try {
      const first = await begin(await browser.start());
      await first.enhance.click();
      await expect(first.page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
      await first.page.waitForTimeout((uninterruptedMs * (point - 0.5)) / KILL_POINTS);
      const shown = await framesShown(first.page);
      await browser.kill();

      const page = await browser.start();
      const enhancer = new EnhancerPage(page);
      await enhancer.open(QUERY);
      const offer = page.locator('[data-job]');
      await expect(offer).toHaveCount(1);
      const framesDone = Number(await offer.getAttribute('data-frames-done'));
      expect(framesDone).toBeGreaterThanOrEqual(shown - WINDOW_FRAMES);
      await offer.getByRole('button', { name: /^Go on/ }).click();
      await expect(page.getByText(/Choose real_160x90.mp4 again/)).toBeVisible();
      await enhancer.choose(CLIP);
      const resumed = await packets(await enhancer.download(120_000));
      console.log(`kill ${point} of ${KILL_POINTS}: the page showed ${shown} frames, ${framesDone} of 16 were kept`);
      expect(resumed).toHaveLength(16);
      expect(resumed.map((data, i) => data.equals(uninterrupted[i]!))).toEqual(resumed.map(() => true));
    } finally {
      await browser.dispose();
    }
  });
}
