/** After a job: comparing by keyboard, how far the result is from its source, what is kept of it, and its recipe elsewhere. */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { fileComment } from '../workers/media/mp4/comment-tag.ts';
import { parseRecipe } from '../workers/plan/recipe-code.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/generated_80x44.mp4';
const FRAMES = 8;

test('compared by keyboard, judged, kept, shared and run again', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  // A folder and a share sheet are the browser's own windows: stood in for by private storage, and by a note of what was shared.
  await page.addInitScript(() => {
    Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() });
    Object.assign(navigator, {
      canShare: () => true,
      share: async ({ files }: { files: File[] }) => Object.assign(window, { shared: files[0]!.name }),
    });
  });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 2, 'Frame rate': 1, Strength: 0, Seed: 7, Steps: 1 });
  const download = await enhancer.run(220_000);

  const compare = page.getByRole('region', { name: 'Before and after' });
  const frame = compare.locator('[class*=time][data-frame]');

  await test.step('frame steps, to the ends, and both videos on one frame', async () => {
    await compare.focus();
    await expect(frame).toHaveAttribute('data-frame', '0');
    for (const [key, expected] of [
      ['.', '1'],
      ['.', '2'],
      [',', '1'],
      ['End', String(FRAMES - 1)],
      ['.', String(FRAMES - 1)],
      ['Home', '0'],
      ['ArrowRight', '1'],
    ] as const) {
      await page.keyboard.press(key);
      await expect(frame, `after ${key}`).toHaveAttribute('data-frame', expected);
    }
    const apart = () =>
      page.evaluate(() => {
        const [after, before] = [...document.querySelectorAll('video')];
        return Math.abs(after!.currentTime - before!.currentTime);
      });
    await expect.poll(apart).toBeLessThan(0.001);
  });

  await test.step('plays and loops', async () => {
    await page.keyboard.press('Space');
    await expect(compare.getByRole('button', { name: 'Pause' })).toBeVisible();
    // While both play they are less than a quarter of a second apart, which is when the follower jumps.
    await expect.poll(() => page.evaluate(() => document.querySelector('video')!.currentTime)).toBeGreaterThan(0.2);
    const apart = await page.evaluate(() => {
      const [after, before] = [...document.querySelectorAll('video')];
      const seconds = Math.abs(after!.currentTime - before!.currentTime);
      return Math.min(seconds, after!.duration - seconds);
    });
    expect(apart).toBeLessThan(0.25);
    await page.keyboard.press('Space');
    await expect(compare.getByRole('button', { name: 'Play' })).toBeVisible();
    const loop = compare.getByRole('button', { name: 'Loop' });
    await expect(loop).toHaveAttribute('aria-pressed', 'true');
    await page.keyboard.press('l');
    await expect(loop).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('the line is moved by keys', async () => {
    const line = compare.getByLabel('Wipe between before and after');
    await line.focus();
    const before = Number(await line.inputValue());
    await page.keyboard.press('ArrowLeft');
    expect(Number(await line.inputValue())).toBeLessThan(before);
    await compare.focus();
  });

  await test.step('difference of the frame on screen, by the engine', async () => {
    await page.keyboard.press('Home');
    await page.keyboard.press('3');
    await expect(compare.getByText(/of 255 levels apart on average, shown 4 times as bright/)).toBeVisible();
    await page.keyboard.press('.');
    await expect(compare.locator('[class*=difference][data-frame="1"]')).toBeVisible();
  });

  await test.step('the loupe shows pixels as they are, with a grid', async () => {
    await page.keyboard.press('4');
    await page.keyboard.press('+');
    await expect(compare.locator('[data-zoom="8"]')).toBeVisible();
    await page.keyboard.press('ArrowDown');
    const edges = await changesAcross(page, 'After');
    // Pixels of eight by eight: colours change only at their borders, where a line of the grid begins and ends.
    expect(edges.length).toBeGreaterThan(20);
    expect(new Set(edges.map((x) => x % 8)).size).toBeLessThanOrEqual(2);
    const sourceEdges = await changesAcross(page, 'Before');
    expect(new Set(sourceEdges.map((x) => x % 16)).size).toBeLessThanOrEqual(2);
  });

  await test.step('full screen, side by side, the keys', async () => {
    await page.keyboard.press('f');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true);
    await page.keyboard.press('f');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(false);
    await page.keyboard.press('2');
    await expect(compare.locator('[data-view=side]')).toBeVisible();
    await page.keyboard.press('?');
    await expect(compare.getByText('Keys, while the focus is here')).toBeVisible();
    await page.keyboard.press('?');
  });

  await test.step('how far it is from the source, and where most', async () => {
    const structure = page.locator('[data-structure]');
    await expect(structure).toBeVisible({ timeout: 60_000 });
    expect(Number(await structure.getAttribute('data-structure'))).toBeGreaterThan(0.95);
    expect(Number(await structure.getAttribute('data-structure'))).toBeLessThan(1);
    // Sharpening alone shifts so small a clip by about 1 (just visible); a wrong matrix or range shifts it by several.
    expect(Number(await page.locator('[data-colour-shift]').getAttribute('data-colour-shift'))).toBeLessThan(2);
    await page.getByRole('button', { name: 'Look closer' }).click();
    await expect(compare.locator('[data-view=loupe]')).toBeVisible();
  });

  await test.step('the file says that it was generated in part, and how', async () => {
    expect(parseRecipe((await fileComment(new Blob([new Uint8Array(download)]))) ?? '')).toMatchObject({
      scale: 2,
      seed: 7,
    });
    expect(download.toString('utf8')).toContain('The picture was generated in part by a model (nano)');
  });

  await test.step('saved to a folder, shared', async () => {
    await page.getByRole('button', { name: 'Save to a folder' }).click();
    await expect(page.getByText(/Saved as generated_80x44-enhanced\.mp4/)).toBeVisible();
    const saved = await page.evaluate(async () => {
      const folder = await navigator.storage.getDirectory();
      return (await (await folder.getFileHandle('generated_80x44-enhanced.mp4')).getFile()).size;
    });
    expect(saved).toBe(download.byteLength);
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await expect
      .poll(() => page.evaluate(() => (window as { shared?: string }).shared))
      .toBe('generated_80x44-enhanced.mp4');
  });

  const link = await test.step('its recipe is copied, and put in the address', async () => {
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^recipe=1&.*seed=7/);
    await page.getByRole('button', { name: 'Copy link' }).click();
    const address = await page.evaluate(() => navigator.clipboard.readText());
    expect(parseRecipe(address)).toMatchObject({ scale: 2, seed: 7 });
    expect(page.url()).toContain('#recipe=1');
    return address;
  });

  await test.step('someone else opens it', async () => {
    await page.goto('about:blank');
    await page.goto(`/?provider=wasm${new URL(link).hash.replace('seed=7', 'seed=9')}`);
    await expect(page.getByText(/A recipe is set:.*seed 9/)).toBeVisible();
  });

  await test.step('history: still there, downloaded again, run again, deleted', async () => {
    const item = page.locator('[data-history]');
    await expect(item).toHaveCount(1);
    await expect(item).toContainText('160 × 88');
    await expect(item.locator('img')).toBeVisible();
    const [again] = await Promise.all([
      page.waitForEvent('download'),
      item.getByRole('button', { name: /^Download/ }).click(),
    ]);
    expect(readFileSync(await again.path()).equals(download)).toBe(true);
    await item.getByRole('button', { name: 'Run again with generated_80x44.mp4' }).click();
    await expect(item.getByText(/Choose generated_80x44.mp4 again/)).toBeVisible();
    await enhancer.choose(CLIP);
    await expect(enhancer.enhance).toBeEnabled({ timeout: 60_000 });
    await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('7');
    await page
      .locator('[data-history]')
      .getByRole('button', { name: /^Delete/ })
      .click();
    await expect(page.locator('[data-history]')).toHaveCount(0);
  });

  await test.step('a result that is opened tells its recipe', async () => {
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'from-someone.mp4', mimeType: 'video/mp4', buffer: download });
    await expect(page.getByRole('heading', { name: 'from-someone.mp4' })).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText(/made here already, and generated in part: 2× size/)).toBeVisible();
    await enhancer.set({ Seed: 5 });
    await page.getByRole('button', { name: 'Use its recipe' }).click();
    await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('7');
  });

  await test.step('a recipe is pasted, other text is not one', async () => {
    await page.evaluate(() => navigator.clipboard.writeText('nothing of the kind'));
    await page.getByRole('button', { name: 'Paste', exact: true }).click();
    const field = page.getByLabel('Paste a recipe or a link to one here');
    await field.fill('still nothing');
    await expect(page.getByText('There is no recipe in that text.')).toBeVisible();
    await field.fill('Try this: recipe=1&scale=3&strength=0.5&seed=11');
    await expect(page.getByText('The recipe is set.')).toBeVisible();
    await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('11');
    await expect(page.getByLabel('Scale', { exact: true })).toHaveValue('3');
  });
});

test('several clips: chosen together, put in order, done one after the other', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const names = ['one.mp4', 'two.mp4', 'three.mp4'];
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles(
      names.map((name) => ({
        name,
        mimeType: 'video/mp4',
        // The first takes long enough for the queue to be paused meanwhile.
        buffer: readFileSync(name === 'one.mp4' ? CLIP : 'e2e/fixtures/clips/self__2x2.mp4'),
      })),
    );
  await expect(enhancer.enhance).toBeEnabled();
  await expect(page.getByText('Chosen with two.mp4 and three.mp4')).toBeVisible();
  await enhancer.set({ Scale: 3, 'Frame rate': 1, Strength: 0, Steps: 6 });
  await page.getByRole('button', { name: 'Add all 3 to the queue' }).click();
  const queued = page.locator('[data-queued]');
  await expect(queued).toHaveCount(3);
  await page.getByRole('button', { name: 'three.mp4 earlier' }).click();
  await expect(queued.nth(1)).toContainText('three.mp4');
  await page.getByRole('button', { name: 'Take two.mp4 out of the queue' }).click();
  await expect(queued).toHaveCount(2);
  await page.getByRole('button', { name: 'Start the queue' }).click();

  // Paused, it lets the clip at work finish, and the next waits.
  await page.getByRole('button', { name: 'Pause the queue' }).click();
  await expect(enhancer.progress).toBeVisible();
  await expect(page.locator('[data-phase=finished]').first()).toBeVisible({ timeout: 120_000 });
  await expect(queued).toHaveCount(1);
  await expect(page.getByText('1 clip waits.')).toBeVisible();
  await page.waitForTimeout(1000);
  await expect(enhancer.progress).toHaveCount(0);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await expect(queued).toHaveCount(0, { timeout: 120_000 });
  await expect(page.locator('[data-phase=finished]').first()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('heading', { name: 'three.mp4' })).toBeVisible();
  await expect(page.locator('[data-history]')).toContainText('one.mp4');
});

/** Where colours change along the middle row of one of the loupe's pictures, in pixels of its canvas. */
async function changesAcross(page: Page, label: 'Before' | 'After'): Promise<number[]> {
  return page.evaluate((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`canvas[aria-label^="${name},"]`)!;
    const { data } = canvas.getContext('2d')!.getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1);
    const changes: number[] = [];
    for (let x = 1; x < canvas.width; x += 1) {
      const differs = [0, 1, 2].some((channel) => data[x * 4 + channel] !== data[(x - 1) * 4 + channel]);
      if (differs) changes.push(x);
    }
    return changes;
  }, label);
}
