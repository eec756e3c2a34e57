/**
 * A person who has never seen the page gets from its address to a compared, downloaded clip by what is in sight alone: with a mouse on a
 * screen and with a thumb on a phone; and by keyboard.
 */

import { expect, type Locator, type Page, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
/** More presses than any screen has stops. */
const MOST_STOPS = 60;

/** There without scrolling, whatever the screen. */
async function inSight(page: Page, part: Locator): Promise<Locator> {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await expect(part).toBeInViewport({ ratio: 1 });
  }
  return part;
}

test('in sight at every step: a clip, what it becomes, how far it is, the comparison, the download', async ({
  page,
}) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open();
  await (await inSight(page, page.getByRole('button', { name: 'Try the sample clip' }))).click();

  await expect(enhancer.enhance).toBeEnabled({ timeout: 60_000 });
  // What comes out and how long it takes stand beside the button.
  await inSight(page, page.getByText(/^1024 × 640, 10 fps/).last());
  await (await inSight(page, enhancer.enhance)).click();

  await inSight(page, enhancer.progress);
  await inSight(page, page.getByText('You can use other tabs. Keep this one open.'));
  await inSight(page, enhancer.cancel);

  const line = page.getByLabel('Wipe between before and after');
  await expect(line).toBeVisible({ timeout: 220_000 });
  await inSight(page, page.getByRole('radio', { name: 'Side by side' }).locator('..'));
  await inSight(page, page.getByRole('button', { name: 'Play', exact: true }));
  const box = (await line.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2, { steps: 3 });
  await page.mouse.up();
  expect(Number(await line.inputValue())).toBeLessThan(40);

  await inSight(page, page.getByRole('button', { name: 'Download', exact: true }));
  const output = await demux(await enhancer.download(1000));
  expect([output.video.width, output.video.height]).toEqual([1024, 640]);
});

test('by keyboard alone, with the focus in sight and progress spoken', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await expect(page.getByRole('button', { name: 'Try the sample clip' })).toBeVisible();
  await tabTo(page, 'Try the sample clip');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'sample.mp4' })).toBeFocused({ timeout: 60_000 });

  await tabTo(page, 'Scale');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('1');
  await expect(enhancer.enhance).toBeEnabled();
  await tabTo(page, 'Enhance');
  await page.keyboard.press('Enter');

  await expect(page.getByRole('heading', { name: 'Enhancing' })).toBeFocused();
  await expect(page.getByRole('status').filter({ hasText: /% done\. / })).toHaveCount(1);
  await expect(page.getByRole('heading', { name: 'Done' })).toBeFocused({ timeout: 200_000 });

  const line = page.getByLabel('Wipe between before and after');
  await tabTo(page, 'Wipe between before and after', 'Shift+Tab');
  const before = Number(await line.inputValue());
  await page.keyboard.press('ArrowLeft');
  expect(Number(await line.inputValue())).toBeLessThan(before);

  await tabTo(page, 'Download');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('sample-enhanced.mp4');
});

/** Presses Tab until what is named has the focus; all that has it on the way is in sight and marked. */
async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  for (let press = 0; press < MOST_STOPS; press += 1) {
    await page.keyboard.press(key);
    const focused = page.locator(':focus');
    if ((await focused.count()) === 0) continue;
    await expect(focused).toBeInViewport();
    const now = await focused.evaluate((element) => {
      const { labels } = element as HTMLInputElement;
      return (element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent ?? '').trim();
    });
    if (now === name) return;
  }
  throw new Error(`no way to “${name}” by ${key}`);
}
