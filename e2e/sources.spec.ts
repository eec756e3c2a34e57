/** The clip of an interrupted job, opened again: by its handle, not at all, by the wrong file; and a queue over a reload. */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

/** Small pictures, three windows, twelve evaluations: over in seconds, and yet caught in the middle. */
const CLIP = 'e2e/fixtures/clips/self__loop_32x32.mp4';
const FRAMES = 40;
const QUERY = '?provider=wasm';
const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 4 } as const;
/** With a busy machine. */
const PATIENCE = { timeout: 120_000 };

test.skip(process.env.FAULT_POINTS === undefined, 'by command: npm run faults');

const PICKED = 'picked.mp4';

/** Instead of the browser's own window: a file of private storage, whose handle is as good as one of the disk. */
async function pickFromStorage(page: Page): Promise<void> {
  await page.addInitScript(`
    window.persistAsked = 0;
    const { persist } = StorageManager.prototype;
    StorageManager.prototype.persist = function () {
      window.persistAsked += 1;
      return persist.call(this);
    };
    window.showOpenFilePicker = async () => [await (await navigator.storage.getDirectory()).getFileHandle('${PICKED}')];
    // As after a person has taken the permission back: the browser asks, and gets a no.
    for (const ask of ['queryPermission', 'requestPermission']) {
      const asked = FileSystemHandle.prototype[ask];
      FileSystemHandle.prototype[ask] = function (...args) {
        return sessionStorage.denied === 'yes' ? Promise.resolve('denied') : asked.apply(this, args);
      };
    }
  `);
}

async function putPicked(page: Page, clip = CLIP): Promise<void> {
  await page.evaluate(
    async ({ name, base64 }) => {
      const root = await navigator.storage.getDirectory();
      const writable = await (await root.getFileHandle(name, { create: true })).createWritable();
      await writable.write(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
      await writable.close();
    },
    { name: PICKED, base64: readFileSync(clip).toString('base64') },
  );
}

async function takePickedAway(page: Page): Promise<void> {
  await page.evaluate(async (name) => (await navigator.storage.getDirectory()).removeEntry(name), PICKED);
}

/** A window is finished, and not all of them. */
async function inTheMiddle(page: Page): Promise<void> {
  await expect(page.getByText(new RegExp(`^[1-9]\\d* / ${FRAMES}$`))).toBeVisible(PATIENCE);
}

test('a clip picked by handle is opened again by itself; taken away or forbidden, it is asked for, and only the same will do', async ({
  page,
}) => {
  test.setTimeout(400_000);
  page.setDefaultTimeout(120_000);
  page.on('dialog', (dialog) => void dialog.accept());
  await pickFromStorage(page);
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await putPicked(page);
  await page.getByRole('button', { name: 'Choose a clip' }).click();
  await enhancer.set(RECIPE);
  await expect(enhancer.enhance).toBeEnabled(PATIENCE);
  await enhancer.enhance.click();
  await inTheMiddle(page);
  expect(await page.evaluate('window.persistAsked')).toBe(1);

  await takePickedAway(page);
  await page.reload();
  await enhancer.goOn();
  await expect(page.getByText(/Choose picked.mp4 again/)).toBeVisible();
  await enhancer.choose('e2e/fixtures/clips/generated_80x44.mp4');
  await expect(enhancer.alert).toHaveAttribute('data-code', 'SOURCE_CHANGED', PATIENCE);

  await putPicked(page);
  await page.evaluate("sessionStorage.denied = 'yes'");
  await page.reload();
  await enhancer.goOn();
  await expect(page.getByText(/Choose picked.mp4 again/)).toBeVisible();

  await page.evaluate("sessionStorage.denied = 'no'");
  await page.reload();
  await enhancer.goOn();
  await expect(enhancer.progress).toBeVisible(PATIENCE);
  const output = await demux(await enhancer.download(240_000));
  expect(output.video.samples).toHaveLength(FRAMES);
});

test('where the file at the handle is another by now, the clip’s own copy is taken', async ({ page }) => {
  test.setTimeout(400_000);
  page.setDefaultTimeout(120_000);
  page.on('dialog', (dialog) => void dialog.accept());
  await pickFromStorage(page);
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await putPicked(page);
  await page.getByRole('button', { name: 'Choose a clip' }).click();
  await enhancer.set(RECIPE);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await expect(enhancer.enhance).toBeEnabled(PATIENCE);
  await enhancer.enhance.click();
  await inTheMiddle(page);

  await putPicked(page, 'e2e/fixtures/clips/generated_80x44.mp4');
  await page.reload();
  await enhancer.goOn();
  await expect(enhancer.progress).toBeVisible(PATIENCE);
  const output = await demux(await enhancer.download(240_000));
  expect(output.video.samples).toHaveLength(FRAMES);
});

test('a queued clip’s own copy outlives a cancel before anything is made', async ({ page }) => {
  test.setTimeout(400_000);
  page.setDefaultTimeout(120_000);
  page.on('dialog', (dialog) => void dialog.accept());
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await page.getByRole('button', { name: /^Add (it )?to the queue/ }).click();
  const queued = page.locator('[data-queued]');
  await expect(queued).toHaveCount(1);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await enhancer.cancel.click();
  await expect(enhancer.cancel).toBeHidden(PATIENCE);

  await page.reload();
  await expect(queued).toHaveCount(1);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await expect(queued).toHaveCount(0, PATIENCE);
});

test('a queue is there after a reload, and goes on where its first clip stopped', async ({ page }) => {
  test.setTimeout(400_000);
  page.setDefaultTimeout(120_000);
  page.on('dialog', (dialog) => void dialog.accept());
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await page.getByLabel('Keep a copy of the clip with the job').check();
  await enhancer.chooseAs(CLIP, ['one.mp4', 'two.mp4']);
  await enhancer.set(RECIPE);
  await page.getByRole('button', { name: 'Add all 2 to the queue' }).click();
  const queued = page.locator('[data-queued]');
  await expect(queued).toHaveCount(2);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await inTheMiddle(page);

  await page.reload();
  await expect(queued).toHaveCount(2);
  await expect(queued.first()).toContainText('one.mp4');
  await expect(page.locator('[data-job]')).toHaveCount(0);
  await page.getByRole('button', { name: 'Start the queue' }).click();
  await expect(queued).toHaveCount(1, PATIENCE);
  await expect(queued).toHaveCount(0, PATIENCE);
});
