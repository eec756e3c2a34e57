/** Before a job, through the real page and engine: the pad, presets, a chosen part, the strength ladder, the measured estimate. */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

/** 160 × 90, 15 frames a second, 16 frames, with sound. */
const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';

async function opened(page: Page): Promise<EnhancerPage> {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await expect(enhancer.enhance).toBeEnabled({ timeout: 60_000 });
  return enhancer;
}

test('a clip is dropped anywhere on the page, or pasted', async ({ page }) => {
  await new EnhancerPage(page).open('?provider=wasm');
  await expect(page.getByRole('button', { name: 'Choose a clip' })).toBeVisible();
  for (const kind of ['drop', 'paste'] as const) {
    await page.evaluate(async (how) => {
      const data = new DataTransfer();
      const bytes = await (await fetch('samples/sample.mp4')).blob();
      data.items.add(new File([bytes], `${how}.mp4`, { type: 'video/mp4' }));
      const given = { bubbles: true, cancelable: true };
      window.dispatchEvent(
        how === 'drop'
          ? new DragEvent('drop', { ...given, dataTransfer: data })
          : new ClipboardEvent('paste', { ...given, clipboardData: data }),
      );
    }, kind);
    await expect(page.getByRole('heading', { name: `${kind}.mp4` })).toBeVisible({ timeout: 60_000 });
  }
});

test('one point sets scale and frame rate: by pointer, keys, targets and numbers', async ({ page }) => {
  await opened(page);
  const pad = page.locator('[data-scale]');
  const scale = page.getByLabel('Scale', { exact: true });
  const rate = page.getByLabel('Frame rate', { exact: true });

  await page.getByRole('button', { name: '720p' }).click();
  await page.getByRole('button', { name: '60 frames a second' }).click();
  await expect(pad).toHaveAttribute('data-scale', '8');
  await expect(rate).toHaveValue('4');
  await expect(page.getByText('1280 × 720', { exact: true }).first()).toBeVisible();
  await expect(page.getByText('60 fps').first()).toBeVisible();

  // On either of the point's sliders the arrow keys go both ways.
  await page.getByLabel('Scale slider').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowDown');
  await expect(scale).toHaveValue('7.9');
  await expect(rate).toHaveValue('3');

  const box = (await page.locator('[data-scale] > div:last-child > div').first().boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 3, box.y + box.height - 4, { steps: 4 });
  await page.mouse.up();
  await expect(scale).toHaveValue('2');
  await expect(rate).toHaveValue('1');

  await scale.fill('2.5');
  await expect(page.getByText('400 × 226', { exact: true }).first()).toBeVisible();

  await page.getByLabel('Re-imagine').check({ force: true });
  await expect(page.getByLabel('Strength', { exact: true })).toHaveValue('0.6');
  await page.getByLabel('Fine').check({ force: true });
  await expect(page.getByLabel('Re-imagine')).toBeChecked();
  await page.getByLabel('Strength', { exact: true }).fill('0.42');
  await expect(page.getByLabel('Re-imagine')).not.toBeChecked();
});

test.describe('with a finger', () => {
  test.use({ hasTouch: true, isMobile: true });

  test('nobody is asked to drop what a finger can’t hold', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByText('Begin with a clip')).toBeVisible();
    await expect(page.getByText('Drop a clip here')).toBeHidden();
  });

  test('the point is dragged, targets are tapped', async ({ page }) => {
    await opened(page);
    const pad = page.locator('[data-scale]');
    await page.getByRole('button', { name: '720p' }).tap();
    await expect(pad).toHaveAttribute('data-scale', '8');
    const point = (await page.locator('[data-scale] [class*=point]').boundingBox())!;
    // At the plane's edge half of it is out of reach.
    const from = { x: point.x + point.width / 2 - 8, y: point.y + point.height / 2 - 4 };
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints });
    await touch('touchStart', [from]);
    for (let step = 1; step <= 5; step += 1)
      await touch('touchMove', [{ x: from.x - 20 * step, y: from.y - 8 * step }]);
    await touch('touchEnd', []);
    await expect.poll(async () => Number(await pad.getAttribute('data-scale'))).toBeLessThan(5);
    expect(Number(await pad.getAttribute('data-factor'))).toBeGreaterThan(1);
  });
});

test('a part of the clip, chosen on its timeline, is what comes out, sound and all', async ({ page }) => {
  const enhancer = await opened(page);
  await expect(page.locator('section[aria-label="Timeline"] canvas')).toHaveCount(12);
  await page.getByLabel('Start of the part').focus();
  for (let press = 0; press < 4; press += 1) await page.keyboard.press('ArrowRight');
  await page.getByLabel('End of the part').focus();
  for (let press = 0; press < 8; press += 1) await page.keyboard.press('ArrowLeft');
  await expect(page.getByLabel('From', { exact: true })).not.toHaveValue('0');
  await enhancer.set({ Scale: 1 });
  const output = await demux(await enhancer.run(200_000));
  expect(output.video.samples).toHaveLength(4);
  const seconds = (track: typeof output.video) =>
    track.samples.reduce((sum, { duration }) => sum + duration, 0) / track.timescale;
  expect(output.audio).toHaveLength(1);
  // A little of it comes before the start, unheard, to warm the decoder.
  const extra = seconds(output.audio[0]!) - seconds(output.video);
  expect(extra).toBeGreaterThan(-0.03);
  expect(extra).toBeLessThan(0.3);
  const source = await demux(readFileSync(CLIP));
  expect(output.audio[0]!.samples.length).toBeLessThan(source.audio[0]!.samples.length);
});

test('one crop at four strengths within seconds; a click takes one over; Enhance goes before previews', async ({
  page,
}) => {
  const enhancer = await opened(page);
  await page.getByLabel('Moment to look at').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText('Looking at 0:00.13')).toBeVisible();
  const started = Date.now();
  await page.getByRole('button', { name: 'Compare strengths here' }).click();
  const ladder = page.getByRole('region', { name: 'The same crop at four strengths' });
  await expect(ladder).toHaveAttribute('data-made', '4', { timeout: 60_000 });
  console.info(`four strengths after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  // Different strengths are different pictures.
  const pictures = await ladder.locator('canvas').evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
      return { width, height, sum: data.reduce((sum, value, index) => (sum + value * (index % 251)) % 1e9, 0) };
    }),
  );
  expect(pictures).toHaveLength(5);
  expect(new Set(pictures.map(({ sum }) => sum)).size).toBe(5);
  for (const { width, height } of pictures) expect([width, height]).toEqual([256, 180]);

  await page.getByRole('button', { name: 'Strength 0.6 Use' }).click();
  await expect(page.getByLabel('Strength', { exact: true })).toHaveValue('0.6');
  await expect(page.getByLabel('Re-imagine')).toBeChecked();
  await expect(ladder).toHaveAttribute('data-made', '4');

  // One loupe for all five.
  await ladder.getByRole('group').first().focus();
  for (const key of ['+', '+', '+', 'ArrowRight']) await page.keyboard.press(key);
  await expect(ladder.locator('[data-zoomed=true]')).toHaveCount(5);
  await expect(ladder.getByRole('slider', { name: 'Zoom' })).toHaveValue('4');

  // Another seed makes them stale, the one before brings them back at once; the job does not wait for their ladder.
  await page.getByText('Advanced', { exact: true }).click();
  const seed = page.getByLabel('Seed', { exact: true });
  const before = await seed.inputValue();
  await page.getByRole('button', { name: 'New seed' }).click();
  await expect(ladder).toHaveAttribute('data-made', '0');
  await seed.fill(before);
  await expect(ladder).toHaveAttribute('data-made', '4', { timeout: 1000 });
  await page.getByRole('button', { name: 'New seed' }).click();
  await enhancer.enhance.click();
  await expect(enhancer.progress).toBeVisible();
  await expect(enhancer.alert).toHaveCount(0);
  await enhancer.cancel.click();
  await expect(enhancer.enhance).toBeVisible();
});

test('the estimate is measured on this device before the start, and told against what it takes', async ({ page }) => {
  const enhancer = await opened(page);
  await expect(page.locator('[data-measured="true"]')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('measured here')).toBeVisible();
  await expect(page.getByText('Largest window')).toBeVisible();
  await enhancer.set({ Scale: 2, Steps: 6 });
  const errors = await page.evaluateHandle(() => {
    const seconds: number[] = [];
    new MutationObserver(() => {
      const [, minutes, rest] =
        /± (?:(\d+) min )?([\d.]+) s/.exec(document.querySelector('main')?.textContent ?? '') ?? [];
      if (rest !== undefined) seconds.push(Number(minutes ?? 0) * 60 + Number(rest));
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return seconds;
  });
  await enhancer.enhance.click();
  const panel = page.getByRole('region', { name: 'Enhancing' });
  for (const fact of ['Estimated before', 'Time left', 'Memory', 'Frames']) await expect(panel).toContainText(fact);
  await expect(panel.getByText('frames a second')).toBeVisible({ timeout: 60_000 });
  await enhancer.download(200_000);
  const told = await errors.jsonValue();
  expect(told.length).toBeGreaterThan(1);
  expect(told.at(-1)!).toBeLessThanOrEqual(told[0]!);

  // From the result back to where a moment, a part or a strength is chosen; the result stays.
  await page.getByRole('button', { name: 'Back to the clip' }).click();
  await expect(page.getByRole('region', { name: 'Timeline' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Download real_160x90-enhanced.mp4' })).toBeVisible();
});
