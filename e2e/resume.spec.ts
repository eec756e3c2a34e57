/**
 * A browser killed in the middle of a job, started again, goes on to the very file that it would have made. `npm run soak` spreads
 * twenty kills over the job, every other one in the middle of a write to its journal; two are enough between releases.
 */

import { expect, type Page, test } from '@playwright/test';
import { PAGE_ORIGIN } from '../playwright.config.ts';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';
import { KillableBrowser } from './killable-browser.ts';

/** Small pictures: three windows, twelve evaluations, over in seconds. */
const CLIP = 'e2e/fixtures/clips/self__loop_32x32.mp4';
const FRAMES = 40;
const QUERY = '?provider=wasm';
const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 4 } as const;
const WINDOW_FRAMES = 17;
/** With a busy machine. */
const PATIENCE = { timeout: 120_000 };
/** Frame, head: what makes a job known. */
const FIRST_RECORD_WRITES = 2;
/** At least what one takes: frame, head, its frames' arrays. */
const WRITES_OF_A_STATE = 60;
const KILL_POINTS = Number(process.env.KILL_POINTS ?? 2);

let uninterrupted: readonly Buffer[];
let uninterruptedMs: number;

type Written = () => Promise<{ readonly count: number; readonly stopped: boolean }>;

async function begin(page: Page): Promise<EnhancerPage> {
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await expect(enhancer.enhance).toBeEnabled(PATIENCE);
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible(PATIENCE);
  return enhancer;
}

/** Read at once: waiting for it would let the job go on. */
function framesShown(page: Page): Promise<number> {
  return page.evaluate(() =>
    document.querySelector('[data-phase]')?.getAttribute('data-phase') === 'finished'
      ? 40
      : Number(/(\d+) \/ 40/.exec(document.body.innerText)?.[1] ?? 0),
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
    const enhancer = await begin(page);
    const start = performance.now();
    await enhancer.enhance.click();
    const output = await enhancer.download(240_000);
    uninterruptedMs = performance.now() - start;
    uninterrupted = await packets(output);
    expect(uninterrupted).toHaveLength(FRAMES);
    await enhancer.open(QUERY);
    await expect(page.getByText('Unfinished')).toBeHidden();
  } finally {
    await browser.dispose();
  }
});

test('killed in the middle of a journal’s first record, nothing was begun and nothing is in the way', async () => {
  test.skip(KILL_POINTS < 20, 'one of the kills of the soak');
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const written = await browser.watchWrites(FIRST_RECORD_WRITES, true);
    await (await begin(page)).enhance.click();
    await expect.poll(async () => (await written()).stopped, PATIENCE).toBe(true);
    await browser.kill();
    const again = await begin(await browser.start());
    await expect(again.page.locator('[data-job]')).toHaveCount(0);
    expect(await packets(await again.run(120_000))).toEqual(uninterrupted);
  } finally {
    await browser.dispose();
  }
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

/** Every other kill comes in the middle of a write, another one each time, of a state or a finished window; the others when something has been kept. */
const inWrite = (kill: number): boolean => kill % 2 === 0;
const stopAt = (kill: number): number =>
  FIRST_RECORD_WRITES + 1 + (inWrite(kill) ? (kill * 5) % WRITES_OF_A_STATE : WRITES_OF_A_STATE);

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

test('a machine that slept goes on by itself', async () => {
  test.skip(KILL_POINTS < 20, 'takes a minute and a half of sleep');
  const browser = new KillableBrowser(PAGE_ORIGIN);
  try {
    const page = await browser.start();
    const enhancer = await begin(page);
    await enhancer.enhance.click();
    await page.waitForTimeout(uninterruptedMs / 2);
    // Longer than the patience with a decoder or an encoder that says nothing.
    await browser.sleep(90_000);
    expect(await packets(await enhancer.download(240_000))).toEqual(uninterrupted);
  } finally {
    await browser.dispose();
  }
});

/** Chooses the clip again, since a file input leaves no handle. @returns the frames that were kept. */
async function goOn(enhancer: EnhancerPage): Promise<number> {
  await enhancer.open(QUERY);
  const offer = enhancer.page.locator('[data-job]');
  await expect(offer).toHaveCount(1, PATIENCE);
  const kept = Number(await offer.getAttribute('data-frames-done'));
  await offer.getByRole('button', { name: /^Go on/ }).click();
  await expect(enhancer.page.getByText(/Choose self__loop_32x32.mp4 again/)).toBeVisible(PATIENCE);
  await enhancer.choose(CLIP);
  return kept;
}
