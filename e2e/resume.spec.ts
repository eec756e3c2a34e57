/**
 * A browser killed in the middle of a job, started again, goes on to the very file that it would have made. `npm run soak` spreads
 * twenty kills over the job, every other one in the middle of a write to its journal; two are enough between releases.
 */

import { readFileSync } from 'node:fs';
import { expect, type Page } from '@playwright/test';
import { PAGE_ORIGIN } from '../playwright.config.ts';
import { EnhancerPage } from './enhancer-page.ts';
import {
  begin,
  CLIP,
  FRAMES,
  goOn,
  isRemembered,
  outputFolders,
  PATIENCE,
  packets,
  QUERY,
  RECIPE,
  RECORD_WRITES,
  stoodStill,
  WINDOW_FRAMES,
  type Written,
} from './interrupted-job.ts';
import { KillableBrowser, killableTest as test } from './killable-browser.ts';

/** Of a journal whose plan is fixed. */
const FIRST_WRITES = 2 * RECORD_WRITES;
/** At least what one takes: frame, head, its frames' arrays. */
const WRITES_OF_A_STATE = 60;
const KILL_POINTS = Number(process.env.KILL_POINTS ?? 2);

let uninterrupted: readonly Buffer[];
let uninterruptedMs: number;

/** Read at once: waiting for it would let the job go on. */
function framesShown(page: Page): Promise<number> {
  return page.evaluate(() =>
    document.querySelector('[data-phase]')?.getAttribute('data-phase') === 'finished'
      ? 40
      : Number(/(\d+) \/ 40/.exec(document.body.innerText)?.[1] ?? 0),
  );
}

test.beforeAll('the job uninterrupted', async () => {
  test.setTimeout(400_000);
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const enhancer = await begin(page);
    const start = performance.now();
    await enhancer.enhance.click();
    const output = await enhancer.download(240_000);
    uninterruptedMs = performance.now() - start;
    uninterrupted = await packets(output);
    expect(uninterrupted).toHaveLength(FRAMES);
    // Until then a download that failed would need the journal.
    await expect.poll(() => isRemembered(page), PATIENCE).toBe(true);
    await enhancer.open(QUERY);
    await expect(page.getByText('Unfinished')).toBeHidden();
  } finally {
    await browser.dispose();
  }
});

test('killed in the middle of a journal’s first record, nothing was begun and nothing is in the way', async ({
  killable: browser,
}) => {
  test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
  const page = await browser.start();
  const written = await browser.watchWrites(RECORD_WRITES, true);
  await (await begin(page)).enhance.click();
  await stoodStill(written);
  await browser.kill();
  const again = await begin(await browser.start());
  await expect(again.offer).toHaveCount(0);
  expect(await packets(await again.run(120_000))).toEqual(uninterrupted);
});

test(`killed ${KILL_POINTS} times, it goes on to the same frames`, async () => {
  test.setTimeout((KILL_POINTS + 3) * 300_000);
  let kills = 0;
  // A job that is over before there were enough is followed by another.
  while (kills < KILL_POINTS) {
    const browser = new KillableBrowser(PAGE_ORIGIN);
    try {
      const page = await browser.start();
      let written = await browser.watchWrites(stopAt(kills + 1), inWrite(kills + 1));
      let enhancer = await begin(page);
      await enhancer.enhance.click();
      while (kills < KILL_POINTS && (await reached(enhancer, written))) {
        kills += 1;
        const shown = await framesShown(enhancer.page);
        const { count } = await written();
        await browser.kill();
        const next = await browser.start();
        written = await browser.watchWrites(kills < KILL_POINTS ? stopAt(kills + 1) : 0, inWrite(kills + 1));
        enhancer = new EnhancerPage(next);
        const kept = await goOn(enhancer);
        const where = `${inWrite(kills) ? 'in the middle of' : 'before'} write ${count} since it began or went on`;
        console.log(`kill ${kills}: ${where}, ${shown} of ${FRAMES} frames shown, ${kept} kept`);
        expect(kept).toBeGreaterThanOrEqual(shown - WINDOW_FRAMES);
      }
      const resumed = await packets(await enhancer.download(240_000));
      expect(resumed.map((data, i) => data.equals(uninterrupted[i]!))).toEqual(uninterrupted.map(() => true));
    } finally {
      await browser.dispose();
    }
  }
});

/** Each with the writes that it comes at: of which files, which one of them, and whether half of it is done. */
const ODD_MOMENTS = [
  { when: 'in the middle of keeping a copy of the clip', files: /^source$/, at: 1, half: true, kept: 0 },
  { when: 'in the middle of writing the plan down', files: /^journal$/, at: 2 * RECORD_WRITES, half: true, kept: 0 },
  { when: 'in the middle of keeping a picture', files: /^pictures$/, at: 8, half: true, kept: 0 },
  { when: 'as the only group is encoded', files: /^journal$/, at: 2 * RECORD_WRITES + 1, half: false, kept: FRAMES },
  { when: 'in the middle of the file', files: /\.mp4$/, at: 1, half: true, kept: FRAMES },
] as const;

for (const { when, files, at, half, kept } of ODD_MOMENTS) {
  test(`killed ${when}, it goes on to the same frames`, async ({ killable: browser }) => {
    test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
    const page = await browser.start();
    const written = await browser.watchWrites(at, half, files);
    // Half a copy is none: the clip is asked for.
    await (await begin(page, String(files) === '/^source$/')).enhance.click();
    await stoodStill(written);
    await browser.kill();
    const again = new EnhancerPage(await browser.start());
    expect(await goOn(again)).toBe(kept);
    // Nobody can be waiting for what the dead browser had begun of a file.
    expect(await outputFolders(again.page)).toEqual([]);
    expect(await packets(await again.download(240_000))).toEqual(uninterrupted);
  });
}

test('killed as the download begins, the result is with the finished ones', async ({ killable: browser }) => {
  test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
  const enhancer = await begin(await browser.start());
  await enhancer.enhance.click();
  const download = enhancer.page.getByRole('button', { name: 'Download', exact: true });
  await expect(download).toBeVisible(PATIENCE);
  await expect.poll(() => isRemembered(enhancer.page), PATIENCE).toBe(true);
  await download.evaluate((button: HTMLElement) => button.click());
  await browser.kill();
  const page = await browser.start();
  await new EnhancerPage(page).open(QUERY);
  const finished = page.locator('[data-history]');
  await expect(finished).toHaveCount(1, PATIENCE);
  await expect(page.locator('[data-job]')).toHaveCount(0);
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    finished.getByRole('button', { name: /^Download/ }).click(),
  ]);
  expect(await packets(readFileSync(await saved.path()))).toEqual(uninterrupted);
});

test('killed in a pause, it is offered as paused, and goes on with the clip’s own copy', async ({
  killable: browser,
}) => {
  test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
  const page = await browser.start();
  const enhancer = await begin(page, true);
  await enhancer.enhance.click();
  await page.waitForTimeout(uninterruptedMs / 3);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Paused' })).toBeVisible(PATIENCE);
  await browser.kill();
  const again = new EnhancerPage(await browser.start());
  await again.open(QUERY);
  await expect(again.offer).toContainText('Paused with', PATIENCE);
  await again.goOn();
  expect(await packets(await again.download(240_000))).toEqual(uninterrupted);
});

test('killed as the queue passes on to the next clip, both are made', async ({ killable: browser }) => {
  test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
  const page = await browser.start();
  // Three changes: two clips are added, the queue is begun; the fourth takes out the first, which is done.
  const written = await browser.watchWrites(3 * RECORD_WRITES + 1, true, /^queue-/);
  const enhancer = await begin(page, true);
  await enhancer.chooseAs(CLIP, ['one.mp4', 'two.mp4']);
  await enhancer.set(RECIPE);
  await page.getByRole('button', { name: 'Add all 2 to the queue' }).click();
  const queued = (on: Page) => on.locator('[data-queued]');
  await expect(queued(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await stoodStill(written);
  await browser.kill();

  const next = await browser.start();
  const again = new EnhancerPage(next);
  await again.open(QUERY);
  // The first is still there: all of it is kept, and only its file has to be made.
  await expect(queued(next)).toHaveCount(2, PATIENCE);
  await next.getByRole('button', { name: 'Start the queue' }).click();
  await again.until(async () => (await queued(next).count()) === 0, 120_000);
  // Until then the result is with its journal alone, and offered as all done.
  await expect.poll(() => isRemembered(next), PATIENCE).toBe(true);
  const finished = next.locator('[data-history]');
  await next.reload();
  await expect(finished).toHaveCount(2, PATIENCE);
  for (const place of [0, 1]) {
    const [saved] = await Promise.all([
      next.waitForEvent('download'),
      finished
        .nth(place)
        .getByRole('button', { name: /^Download/ })
        .click(),
    ]);
    expect(await packets(readFileSync(await saved.path()))).toEqual(uninterrupted);
  }
});

test('a worker that hangs in its storage is noticed, and nothing is lost by it', async ({ killable: browser }) => {
  test.skip(KILL_POINTS < 20, 'takes a minute of silence');
  const page = await browser.start();
  // Late in the job: one that goes on from there makes fewer.
  const written = await browser.watchWrites(100, false, /^pictures$/, 600_000);
  const enhancer = await begin(page, true);
  await enhancer.enhance.click();
  await stoodStill(written);
  await expect(enhancer.alert).toHaveAttribute('data-code', 'STORAGE_FAILED', PATIENCE);
  await expect(enhancer.offer).toHaveCount(1, PATIENCE);
  await enhancer.goOn();
  expect(await packets(await enhancer.download(240_000))).toEqual(uninterrupted);
});

/**
 * The first kill comes when the clip has been looked through, and no plan is fixed. Of the others every other one comes in the middle of a
 * write, another one each time, of a state or a finished window; the rest when something has been kept.
 */
const inWrite = (kill: number): boolean => kill % 2 === 0;
function stopAt(kill: number): number {
  if (kill === 1) return RECORD_WRITES + 1;
  return FIRST_WRITES + 1 + (inWrite(kill) ? (kill * 5) % WRITES_OF_A_STATE : WRITES_OF_A_STATE);
}

/** Whether it is time to kill, rather than over. */
async function reached({ page }: EnhancerPage, written: Written): Promise<boolean> {
  let outcome: 'now' | 'over' | null = null;
  const look = async () => {
    if ((await written()).stopped) outcome = 'now';
    else if ((await page.locator('[data-phase]').first().getAttribute('data-phase')) === 'finished') outcome = 'over';
    return outcome;
  };
  await expect.poll(look, { timeout: 240_000, intervals: [50] }).not.toBeNull();
  return outcome === 'now';
}

test('a machine that slept goes on by itself', async ({ killable: browser }) => {
  test.skip(KILL_POINTS < 20, 'takes a minute and a half of sleep');
  const page = await browser.start();
  const enhancer = await begin(page);
  await enhancer.enhance.click();
  await page.waitForTimeout(uninterruptedMs / 2);
  // Longer than the patience with a decoder or an encoder that says nothing.
  await browser.sleep(90_000);
  expect(await packets(await enhancer.download(240_000))).toEqual(uninterrupted);
});
