/** Bad input gets its own coded error, before any work, in words that say what to do; the page goes on working. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from '@playwright/test';
import { EnhancerPage } from './enhancer-page.ts';
import { inWorker } from './in-worker.ts';

const CLIPS = 'e2e/fixtures/clips';
const GOOD = `${CLIPS}/real_160x90.mp4`;

interface Bad {
  readonly what: string;
  readonly code: string;
  readonly bytes: () => Buffer;
  readonly name?: string;
}

const file = (name: string) => () => readFileSync(`${CLIPS}/${name}`);

const BAD: readonly Bad[] = [
  { what: 'text named .mp4', code: 'NOT_A_VIDEO', bytes: file('self__text_as.mp4') },
  { what: 'zeros', code: 'NOT_A_VIDEO', bytes: file('self__zeros.mp4') },
  { what: 'an empty file', code: 'EMPTY_FILE', bytes: () => Buffer.alloc(0) },
  {
    what: 'a third of a clip whose index is at its end',
    code: 'TRUNCATED',
    bytes: () => file('self__moov_at_end_opus.mp4')().subarray(0, 22_000),
  },
  { what: 'sound without pictures', code: 'NO_VIDEO_TRACK', bytes: file('audio_only.mp4') },
  {
    what: 'a fragmented clip without its fragments',
    code: 'NO_FRAMES',
    bytes: () => {
      const bytes = file('self__ntsc_bframes_frag.mp4')();
      return bytes.subarray(0, bytes.indexOf('moof') - 4);
    },
  },
  { what: 'an encrypted clip', code: 'ENCRYPTED', bytes: file('encrypted.mp4') },
];

test('each kind of bad file is refused in its own words, and the page goes on', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const sentences = new Set<string>();
  for (const { what, code, bytes, name } of BAD) {
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({
        name: name ?? `${basename(what)}.mp4`,
        mimeType: 'video/mp4',
        buffer: bytes(),
      });
    const alert = page.locator(`[role=alert][data-code=${code}]`);
    await expect(alert, what).toBeVisible();
    sentences.add((await alert.locator('p').nth(1).textContent()) ?? '');
    await expect(page.getByRole('button', { name: 'Enhance', exact: true })).toHaveCount(0);
  }
  expect(sentences.size).toBeGreaterThanOrEqual(new Set(BAD.map(({ code }) => code)).size);
  await enhancer.choose(GOOD);
  await expect(enhancer.enhance).toBeEnabled();
  await expect(page.locator('[role=alert]')).toHaveCount(0);
});

test('a codec that the browser can’t decode is named', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const decodes = await page.evaluate(async () => {
    const { supported } = await VideoDecoder.isConfigSupported({ codec: 'hvc1.2.4.L60.90' });
    return supported === true;
  });
  await enhancer.choose(`${CLIPS}/self__hevc10.mp4`);
  if (decodes) {
    await expect(enhancer.enhance).toBeEnabled();
  } else {
    await expect(page.locator('[role=alert][data-code=UNSUPPORTED_CODEC]')).toContainText(/HEVC|H\.265|hvc1/);
  }
});

test('what can’t fit in memory is refused in the plan, with what to do', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm&budget=3');
  await enhancer.choose(GOOD);
  await expect(page.locator('[role=alert][data-code=SIZE_TOO_LARGE]')).toContainText(/memory/i);
  await expect(enhancer.enhance).toBeDisabled();
});

test('a quota too small is refused before the start', async ({ page }) => {
  await inWorker(page, 'navigator.storage.estimate = async () => ({ quota: 1000, usage: 0 });');
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(GOOD);
  await expect(page.locator('[role=alert][data-code=QUOTA_EXCEEDED]')).toContainText(/space/i);
  await expect(enhancer.enhance).toBeDisabled();
});

test('a browser without WebCodecs is told so', async ({ page }) => {
  await inWorker(page, 'delete globalThis.VideoDecoder; delete globalThis.VideoEncoder;');
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(GOOD);
  await expect(page.locator('[role=alert][data-code=NO_WEBCODECS]')).toBeVisible();
});

test('a browser that encodes nothing is told so before the start', async ({ page }) => {
  await inWorker(page, 'VideoEncoder.isConfigSupported = async (config) => ({ supported: false, config });');
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(GOOD);
  await expect(page.locator('[role=alert][data-code=NO_ENCODER]')).toBeVisible();
  await expect(enhancer.enhance).toBeDisabled();
});

test('where H.264 can’t be encoded the page says what comes instead', async ({ page }) => {
  await inWorker(
    page,
    `const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
     VideoEncoder.isConfigSupported = async (config) => config.codec.startsWith('avc') ? { supported: false, config } : ask(config);`,
  );
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(GOOD);
  await expect(
    page.getByText(/can't encode H\.264 at this size; the video will be (HEVC|AV1|VP9)/).first(),
  ).toBeVisible();
  await expect(enhancer.enhance).toBeEnabled();
});

test('a parse that goes in circles is ended with its worker, and the page goes on', async ({ page }) => {
  await inWorker(
    page,
    "self.addEventListener('message', () => { self.postMessage('alive'); for (;;) {} });",
    'parse.worker',
  );
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const started = Date.now();
  await enhancer.choose(GOOD);
  await expect(enhancer.alert).toContainText('came to no end', { timeout: 30_000 });
  await expect(enhancer.alert).toHaveAttribute('data-code', 'NOT_A_VIDEO');
  console.info(`a stuck parse was ended after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  await page.unrouteAll();
  await page.reload();
  await enhancer.choose(GOOD);
  await expect(enhancer.enhance).toBeEnabled({ timeout: 60_000 });
});
