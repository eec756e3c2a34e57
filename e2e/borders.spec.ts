/** Black borders are left out of the work and put back: by the plan, by the pixels, and after an interruption all the same. */

import { expect, test } from '@playwright/test';
import { demux } from './demux.ts';
import { CLIPS_URL, engine } from './engine-harness.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'letterboxed_160x120.mp4';
const AREA = { x: 0, y: 16, width: 160, height: 88 };
const RECIPE = { Scale: 2, 'Frame rate': 1, Strength: 0, Seed: 3, Steps: 1 } as const;
const PLACED = { x: 0, y: 32, width: 320, height: 176 };

test('the picture between black borders is enhanced, and the borders come back, after a pause and a reload too', async ({
  page,
  context,
}) => {
  test.setTimeout(420_000);
  page.on('dialog', (dialog) => void dialog.accept());
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(`e2e/fixtures/clips/${CLIP}`);
  await enhancer.set(RECIPE);
  // Said before the start, by a look at a few frames.
  await expect(page.getByText('160×88 of its 160×120').first()).toBeVisible();
  await expect(page.getByText(/320\s*×\s*240/).first()).toBeVisible();
  const whole = await enhancer.run(180_000);
  const { video } = await demux(whole);
  expect([video.width, video.height]).toEqual([320, 240]);
  const seen = await engine(context, {
    kind: 'borders',
    output: whole.toString('base64'),
    sourceUrl: `${CLIPS_URL}/${CLIP}`,
    area: AREA,
    placed: PLACED,
  });
  console.info(`borders: brightest level ${seen.brightest}, inside ${seen.psnr.toFixed(1)} dB from plain enlargement`);
  expect(seen.frames).toBe(16);
  // Coding noise beside the edge.
  expect(seen.brightest).toBeLessThan(32);
  expect(seen.psnr).toBeGreaterThan(28);

  await page.reload();
  await enhancer.choose(`e2e/fixtures/clips/${CLIP}`);
  await enhancer.set(RECIPE);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await enhancer.enhance.click();
  await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Paused' })).toBeVisible({ timeout: 90_000 });
  await page.reload();
  await enhancer.goOn();
  const resumed = await demux(await enhancer.download(180_000));
  expect(resumed.video.samples).toHaveLength(16);
  resumed.video.samples.forEach(({ data }, i) => {
    expect(Buffer.compare(Buffer.from(data), Buffer.from(video.samples[i]!.data)), `packet ${i}`).toBe(0);
  });
});
