/**
 * Makes the pictures of README and docs/: the page at work and at its end, and before/after of a clip, by driving the real page.
 * Needs ffmpeg. `npm run pictures`.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { build, preview } from 'vite';
import { EnhancerPage } from '../e2e/enhancer-page.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import { findBrowser } from './find-browser.ts';

const CLIP = 'public/samples/sample.mp4';
const OUT = 'docs/pictures';
/** Of the output, where detail is: x, y, width, height. */
const CROP = { x: 330, y: 30, width: 480, height: 400 };
const FRAME = 6;
const FONT = 'fontcolor=white:fontsize=18:box=1:boxcolor=black@0.6:boxborderw=8:y=12';

mkdirSync(OUT, { recursive: true });
await build({ logLevel: 'error' });
const server = await preview({ preview: { port: 4175, strictPort: true }, logLevel: 'error' });
const browser = await chromium.launch({ executablePath: findBrowser().path, args: CHROMIUM_ARGUMENTS });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, baseURL: 'http://localhost:4175' });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 2, 'Frame rate': 1 });
  await page.waitForTimeout(1000);
  await page.screenshot({ path: `${OUT}/page-ready.png` });
  await enhancer.enhance.click();
  const output = await enhancer.download(3_600_000);
  await page.locator('[data-structure]').waitFor({ timeout: 120_000 });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${OUT}/page-done.png` });
  const enhanced = join(mkdtempSync(join(tmpdir(), 'pictures-')), 'enhanced.mp4');
  writeFileSync(enhanced, output);
  beforeAfter(enhanced);
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
}

/** The same crop of the same frame: enlarged bicubically, and enhanced. */
function beforeAfter(enhanced: string): void {
  const { x, y, width, height } = CROP;
  const pick = `select=eq(n\\,${FRAME})`;
  const cut = `crop=${width}:${height}:${x}:${y}`;
  const filters = [
    `[0:v]${pick},scale=iw*2:ih*2:flags=bicubic,${cut},drawtext=text='bicubic ×2':x=12:${FONT}[before]`,
    `[1:v]${pick},${cut},drawtext=text='nano ×2':x=12:${FONT}[after]`,
    '[before][after]hstack',
  ].join(';');
  const inputs = ['-i', CLIP, '-i', enhanced];
  const picture = ['-frames:v', '1', '-q:v', '2', `${OUT}/before-after.jpg`];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, '-filter_complex', filters, ...picture]);
}
