/**
 * Makes the README's animated capture by driving the real page through a job: choosing, working, comparing. `npm run capture`, of another clip with
 * `CLIP=FILE npm run capture`; needs ffmpeg.
 *
 * Pictures are taken of moments, not of time: waiting for a slow machine is left out, all else is as it happened.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import { EnhancerPage } from '../e2e/enhancer-page.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import { findBrowser } from './find-browser.ts';

const CLIP = process.env.CLIP ?? 'public/samples/sample.mp4';
const OUT = 'docs/pictures/capture.webp';
const SIZE = { width: 1120, height: 700 };
const SHOWN_WIDTH = 800;
const PORT = 4176;
const MAX_BYTES = 2_000_000;
/** A busy machine may take long to have a device, and longer for a job. */
const PATIENCE_MS = 1_200_000;

const folder = mkdtempSync(join(tmpdir(), 'capture-'));
mkdirSync('docs/pictures', { recursive: true });
const frames: { file: string; seconds: number }[] = [];

async function shot(page: Page, seconds: number): Promise<void> {
  const file = join(folder, `${String(frames.length).padStart(4, '0')}.png`);
  await page.screenshot({ path: file });
  frames.push({ file, seconds });
}

/** Moves a range input as an arrow held down would, with a picture at each stop. */
async function slide(page: Page, name: string, values: readonly number[], seconds: number): Promise<void> {
  for (const value of values) {
    await page.getByLabel(name, { exact: true }).fill(String(value));
    await shot(page, seconds);
  }
}

await build({ logLevel: 'error', build: { outDir: join(folder, 'dist') } });
const server = await preview({
  build: { outDir: join(folder, 'dist') },
  preview: { port: PORT, strictPort: true },
  logLevel: 'error',
});
const browser = await chromium.launch({ executablePath: findBrowser().path, args: CHROMIUM_ARGUMENTS });
try {
  const page = await browser.newPage({ viewport: SIZE, baseURL: `http://localhost:${PORT}` });
  page.setDefaultTimeout(PATIENCE_MS);
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await page.locator('[data-provider=wasm]').first().waitFor();
  await shot(page, 1.2);
  await enhancer.choose(CLIP);
  await page.waitForTimeout(2500);
  await shot(page, 0.8);
  for (const scale of [1.2, 1.5, 1.8, 2]) {
    await enhancer.set({ Scale: scale });
    await page.waitForTimeout(400);
    await shot(page, 0.18);
  }
  await shot(page, 0.8);
  await enhancer.enhance.click();
  let shown = -1;
  // A picture for each tenth of the way.
  const far = () => page.evaluate(() => document.querySelector('progress')?.value ?? null);
  while ((await page.locator('[data-phase=finished]').count()) === 0) {
    const now = await far();
    if (now !== null && Math.floor(now * 10) > shown) {
      shown = Math.floor(now * 10);
      await shot(page, 0.35);
    }
    await page.waitForTimeout(150);
  }
  await page.locator('[data-structure]').waitFor();
  await shot(page, 0.8);
  const there = [46, 40, 32, 24, 16, 10];
  const back = [18, 28, 40, 52, 64, 76, 86];
  await slide(page, 'Wipe between before and after', [...there, ...back, 70, 58, 50], 0.09);
  await shot(page, 0.6);
  await page.getByText('Loupe', { exact: true }).click();
  await page.waitForTimeout(400);
  await shot(page, 1);
  await page.getByRole('button', { name: 'Nearer' }).click();
  await page.waitForTimeout(400);
  await shot(page, 1.4);
  await page.getByText('Difference', { exact: true }).click();
  await page.locator('[class*=difference][data-frame]').waitFor();
  await shot(page, 1.2);
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
}

const list = frames.flatMap(({ file, seconds }) => [`file '${file}'`, `duration ${seconds}`]);
// The last one is named again: a list's last duration is not taken otherwise.
writeFileSync(join(folder, 'frames.txt'), [...list, `file '${frames.at(-1)!.file}'`].join('\n'));
for (const quality of [78, 66, 54, 42]) {
  const made = ['-c:v', 'libwebp_anim', '-lossless', '0', '-quality', String(quality), '-loop', '0', OUT];
  const filter = `scale=${SHOWN_WIDTH}:-2:flags=lanczos`;
  const input = ['-f', 'concat', '-safe', '0', '-i', join(folder, 'frames.txt')];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...input, '-vf', filter, '-fps_mode', 'vfr', ...made]);
  if (statSync(OUT).size <= MAX_BYTES) break;
}
console.log(`${OUT}: ${frames.length} pictures, ${statSync(OUT).size} bytes`);
