/**
 * Every screen and state of the page, once: nothing that axe finds wrong in light or dark, nothing to scroll sideways from a phone to a wide
 * screen, nor with text twice as large. `npm run screens` keeps a picture of each in docs/screens as well.
 */

import { mkdirSync, readFileSync } from 'node:fs';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { ERROR_CODES } from '../workers/errors.ts';
import { axeFindings } from './axe.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIPS = 'e2e/fixtures/clips';
const CLIP = `${CLIPS}/real_160x90.mp4`;
const OUT = 'docs/screens';
const KEEPS_PICTURES = process.env.SCREENS !== undefined;

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** What 1280 pixels are at 400%, the narrowest that is promised, the widest. */
const WIDTHS = [320, 360, 2560];
/** Of the widest, what the page makes use of. */
const LEAST_USE = 0.95;
const SCHEMES = ['light', 'dark'] as const;

test.use({ viewport: DESKTOP, reducedMotion: 'reduce' });
test.setTimeout(600_000);

interface Look {
  readonly keeps?: boolean;
  /** What the state is about, where that lies further down: pictures are taken there. */
  readonly at?: Locator;
}

/** Looks at the page as it stands, in every way. */
async function look(page: Page, name: string, { keeps = KEEPS_PICTURES, at }: Look = {}): Promise<void> {
  const findings: string[] = [];
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    // So high that the bar which stays in sight covers nothing.
    await page.setViewportSize({ width: DESKTOP.width, height: 2400 });
    findings.push(...(await axeFindings(page)).map((finding) => `${colorScheme}: ${finding}`));
    await page.setViewportSize(DESKTOP);
    if (!keeps) continue;
    await picture(page, `${name}-desktop-${colorScheme}`, at);
    await page.setViewportSize(PHONE);
    await picture(page, `${name}-phone-${colorScheme}`, at);
    await page.setViewportSize(DESKTOP);
  }
  expect.soft(findings, `${name}: accessibility`).toEqual([]);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: DESKTOP.height });
    expect.soft(await overflow(page), `${name} at ${width} pixels: nothing to scroll sideways`).toBeLessThanOrEqual(0);
  }
  expect.soft(await widthInUse(page), `${name}: the widest screen is made use of`).toBeGreaterThan(LEAST_USE);
  await page.setViewportSize({ width: DESKTOP.width, height: 4800 });
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  expect.soft(await overflow(page), `${name} with text twice as large`).toBeLessThanOrEqual(0);
  expect.soft(await axeFindings(page), `${name} with text twice as large: accessibility`).toEqual([]);
  await page.evaluate(() => document.documentElement.style.removeProperty('font-size'));
  await page.setViewportSize(DESKTOP);
  // Who asked for less motion gets none.
  const moving = () => document.getAnimations().filter(({ playState }) => playState === 'running').length;
  expect.soft(await page.evaluate(moving), `${name}: reduced motion`).toBe(0);
}

async function picture(page: Page, name: string, at?: Locator): Promise<void> {
  mkdirSync(OUT, { recursive: true });
  // Under the pointer things look pressed.
  await page.mouse.move(0, 0);
  await page.evaluate(() => window.scrollTo(0, 0));
  await at?.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await page.screenshot({ path: `${OUT}/${name}.jpg`, type: 'jpeg', quality: 50, animations: 'disabled' });
}

/** From the leftmost to the rightmost of what is shown, of the window. */
function widthInUse(page: Page): Promise<number> {
  return page.evaluate(() => {
    const boxes = [...document.querySelectorAll('main *')].map((element) => element.getBoundingClientRect());
    const seen = boxes.filter(({ width, height }) => width > 1 && height > 1);
    const left = Math.min(...seen.map((box) => box.left));
    return (Math.max(...seen.map((box) => box.right)) - left) / window.innerWidth;
  });
}

/** A file carried over the window by the pointer. */
function drag(page: Page, kind: 'dragover' | 'dragleave'): Promise<void> {
  return page.evaluate((type) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([''], 'clip.mp4', { type: 'video/mp4' }));
    for (const event of type === 'dragover' ? ['dragenter', 'dragover'] : ['dragleave'])
      window.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer }));
  }, kind);
}

function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const boxes = [document.documentElement, ...document.querySelectorAll('dialog[open]')];
    return Math.max(...boxes.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
  });
}

test('before, while and after a job', async ({ page, context }) => {
  const enhancer = new EnhancerPage(page);
  // Little memory: small tiles, between which a pause soon finds its place.
  await enhancer.open('?provider=wasm&budget=55');
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible({ timeout: 60_000 });
  await look(page, 'empty');

  await page.getByRole('button', { name: /Your device/ }).click();
  const device = page.getByRole('dialog', { name: 'Your device' });
  for (const part of [
    'Speed',
    'Largest buffer',
    'convolution',
    'right, to',
    'Used',
    'How to use the graphics processor',
  ]) {
    await expect(device).toContainText(part);
  }
  await look(page, 'your-device');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await device.getByRole('button', { name: 'Copy the report' }).click();
  const report = await page.evaluate(() => navigator.clipboard.readText());
  for (const part of ['wasm', 'convolution', 'quota', 'Chrome']) expect(report).toContain(part);
  // With some granted, others count as refused: notifications are to be offered further on.
  await context.clearPermissions();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Models' }).click();
  await look(page, 'models');
  await page.keyboard.press('Escape');

  await enhancer.choose(`${CLIPS}/self__text_as.mp4`);
  await expect(enhancer.alert).toBeVisible();
  await look(page, 'error-not-a-video');

  await page.evaluate(() => {
    location.hash = 'recipe=1&scale=2&seed=7';
  });
  await expect(page.getByText('A recipe is set:')).toBeVisible();
  await look(page, 'recipe-came');

  const input = page.locator('input[type=file]').first();
  await input.setInputFiles(
    ['holiday.mp4', 'garden.mp4', 'birthday.mp4'].map((name) => ({
      name,
      mimeType: 'video/mp4',
      buffer: readFileSync(CLIP),
    })),
  );
  await expect(enhancer.enhance).toBeEnabled();
  await look(page, 'ready-several');
  await drag(page, 'dragover');
  await expect(page.locator('[data-holding=true]').first()).toBeVisible();
  await look(page, 'ready-holding', { keeps: false });
  await drag(page, 'dragleave');
  await page.getByRole('button', { name: 'Compare strengths here' }).click();
  await expect(page.locator('[data-made="4"]')).toBeVisible({ timeout: 240_000 });
  await look(page, 'ladder');
  await page.getByRole('button', { name: 'Back to the clip' }).click();
  await page.getByText('Advanced', { exact: true }).click();
  await look(page, 'ready-advanced', { at: page.getByLabel('Colour fix') });
  await page.getByText('Advanced', { exact: true }).click();

  await page.getByRole('button', { name: 'Add all 3 to the queue' }).click();
  await expect(page.locator('[data-queued]')).toHaveCount(3);
  await page.getByRole('button', { name: 'Show the queue (3)' }).click();
  await look(page, 'queue-waiting', { at: page.locator('[data-queued]').nth(1) });
  await enhancer.set({ Scale: 2, 'Frame rate': 2, Strength: 0.4, Steps: 4 });
  await enhancer.enhance.click();
  await expect(page.locator('[data-stage=denoise]')).toBeVisible({ timeout: 90_000 });
  await look(page, 'running');
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Resume', exact: true })).toBeVisible({ timeout: 90_000 });
  await look(page, 'paused');
  await page.getByRole('button', { name: 'Resume', exact: true }).click();
  await expect(page.locator('[class*=pair][data-frame]')).toBeVisible({ timeout: 120_000 });
  await look(page, 'running-frames');
  await enhancer.cancel.click();
  await expect(enhancer.enhance).toBeVisible({ timeout: 30_000 });
  // What was finished is offered, which is another screen's matter.
  const discard = page.getByRole('button', { name: /^Discard/ });
  await discard.click({ timeout: 5000 }).catch(() => undefined);
  await expect(discard).toHaveCount(0);

  for (const name of ['birthday', 'garden', 'holiday']) {
    await page.getByRole('button', { name: `Take ${name}.mp4 out of the queue` }).click();
  }
  await enhancer.set({ Scale: 2, 'Frame rate': 1, Strength: 0, Steps: 1 });
  await enhancer.run(240_000);
  await expect(page.locator('[data-structure]')).toBeVisible({ timeout: 60_000 });
  await look(page, 'done-wipe');
  await look(page, 'done-fidelity', { at: page.locator('[data-colour-shift]') });
  for (const [view, ready] of [
    ['Side by side', '[data-view=side]'],
    ['Difference', '[class*=difference][data-frame]'],
    ['Loupe', '[data-view=loupe]'],
  ] as const) {
    await page.getByText(view, { exact: true }).click();
    await expect(page.locator(ready)).toBeVisible();
    await look(page, `done-${view.toLowerCase().replaceAll(' ', '-')}`);
  }
  await page.getByRole('button', { name: 'Keys' }).click();
  await look(page, 'done-keys');
  await page.getByRole('button', { name: 'Start over' }).click();
  await expect(page.locator('[data-history]')).toHaveCount(1);
  await look(page, 'history', { at: page.locator('[data-history]') });
});

test('plans that are refused, jobs that were interrupted', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm&budget=3');
  await enhancer.choose(CLIP);
  await expect(page.locator('[role=alert][data-code]')).toBeVisible();
  await look(page, 'refused');

  await enhancer.open('?provider=wasm&budget=28');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 3, 'Frame rate': 1, Strength: 0.3, Steps: 2 });
  await enhancer.enhance.click();
  const framesShown = async (): Promise<number> =>
    Number.parseInt((await page.getByText(/^\d+ \/ \d+$/).textContent()) ?? '0', 10);
  await expect.poll(framesShown, { timeout: 120_000 }).toBeGreaterThan(1);
  await enhancer.cancel.click();
  await expect(page.locator('[data-job]')).toBeVisible({ timeout: 30_000 });
  await page.reload();
  await expect(page.locator('[data-job]')).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible({ timeout: 60_000 });
  await look(page, 'unfinished');
});

test('every coded error has its screen: what happened, what is safe, what to do', async ({ page }) => {
  // The engine's answer is given by the file's name: not every error can be had in every browser.
  await page.route('**/enhancer.worker*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${FAILING_ENGINE}\n${await response.text()}` });
  });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const fail = async (name: string): Promise<void> => {
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name, mimeType: 'video/mp4', buffer: readFileSync(CLIP) });
  };
  for (const code of ERROR_CODES.filter((each) => each !== 'CANCELLED')) {
    await fail(`probe ${code}.mp4`);
    const alert = page.locator(`[role=alert][data-code=${code}]`);
    await expect(alert, code).toBeVisible();
    await expect(alert).toBeFocused();
    for (const part of ['What happened', 'What is safe', 'What to do']) await expect(alert).toContainText(part);
    await alert.getByRole('button', { name: 'Dismiss' }).click();
  }
  for (const code of ['DEVICE_LOST', 'INTERNAL', 'MODEL_MISSING'] as const) {
    const name = `enhance ${code} of a clip whose name is far wider than any telephone on which it is looked at.mp4`;
    await fail(name);
    // Not the clip before, which stays until this one is open.
    await expect(page.getByRole('img', { name: `First frame of ${name}` })).toBeVisible();
    await enhancer.enhance.click();
    const alert = page.locator(`[role=alert][data-code=${code}]`);
    await expect(alert).toContainText('as you left them');
    // They look alike: one picture serves.
    const keeps = KEEPS_PICTURES && code === 'DEVICE_LOST';
    await look(page, `error-${code.toLowerCase().replaceAll('_', '-')}`, { keeps });
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    // Its settings are still there to go on with.
    await expect(enhancer.enhance).toBeEnabled();
  }
});

const FAILING_ENGINE = `
self.addEventListener('message', (event) => {
  const { kind, requestId, file } = event.data;
  const [when, code] = (file?.name ?? '').replace('.mp4', '').split(' ');
  if (when !== kind || code === undefined) return;
  event.stopImmediatePropagation();
  const error = { code, message: 'The GPU stopped responding and was reset.',
    hint: 'Close other programs that use the GPU, then start again, with a smaller memory budget if it happens again.' };
  self.postMessage({ kind: 'failed', requestId, error });
});`;
