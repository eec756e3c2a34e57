/**
 * How long a person waits, through the real page on the processor: from opening it to the first preview, and from a click on Cancel to the page being
 * theirs again, in every stage of a job. `npm run bench:waits` prints a table; `--check` fails above the budgets (15 s, 1 s), which count on
 * a machine with nothing else to do; `--built` takes the last build; `--rounds N`; `--moments LIST` presses
 * Cancel at these alone.
 */

import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import { EnhancerPage } from '../e2e/enhancer-page.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import type { Stage } from '../workers/protocol.ts';
import { findBrowser } from './find-browser.ts';
import { processorSeconds } from './process-memory.ts';

const PORT = Number(process.env.PAGE_PORT ?? 4176);
const OUT = process.env.BUILD_FOLDER ?? 'dist';
/** Enough for a crop of 256×256 at twice the size, and a job of seconds. */
const PREVIEWED = 'e2e/fixtures/clips/real_320x180_truth.mp4';
const CANCELLED = 'e2e/fixtures/clips/real_160x90.mp4';
const PREVIEW_BUDGET_MS = 15_000;
const CANCEL_BUDGET_MS = 1000;
const PATIENCE_MS = 240_000;

/**
 * When to press Cancel: at a stage's first news, the moment the job is there, when its last frame is finished, or while it is one of a queue's. `preview`: not Cancel but
 * Enhance, a moment after a preview was begun, which has to give way.
 */
type Moment = Stage | 'at once' | 'last frame' | 'queue' | 'preview';
const MOMENTS: readonly Moment[] = [
  'at once',
  'decode',
  'condition',
  'denoise',
  'reconstruct',
  'last frame',
  'encode',
  'mux',
  'queue',
  'preview',
];
/** Into a preview: it is in a model's run then. */
const INTO_PREVIEW_MS = 400;

/**
 * Presses Cancel at the moment that `window.cancelAt` names, and tells how long the job's progress then stays; null where the moment didn't come. As
 * text: what a loader adds to a function's text is not there in the page.
 */
const WATCH = `
  const Plain = Worker;
  let pressed = false;
  const press = () => {
    const button = [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === 'Cancel');
    if (!button) return requestAnimationFrame(press);
    const start = performance.now();
    button.click();
    const look = () => {
      if (document.querySelector('[role=progressbar], progress')) return requestAnimationFrame(look);
      window.cancelledMs = performance.now() - start;
    };
    look();
  };
  const at = (moment) => {
    if (pressed || window.cancelAt !== moment) return;
    pressed = true;
    press();
  };
  window.Worker = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        if (data.kind === 'preview') window.previewMs ??= performance.now();
        if (data.kind === 'clip') window.clipMs ??= performance.now();
        if (data.kind === 'ready') window.readyMs ??= performance.now();
        if (data.kind === 'finished') window.cancelledMs ??= null;
        if (window.gaveWayAt && data.requestId === window.previewId) window.cancelledMs ??= performance.now() - window.gaveWayAt;
        if (data.kind !== 'progress') return;
        at(data.progress.stage);
        if (data.progress.stage === 'denoise') at('queue');
        if (data.progress.framesDone === data.progress.frameCount) at('last frame');
      });
    }
    postMessage(data, ...given) {
      super.postMessage(data, ...given);
      if (data.kind === 'enhance') at('at once');
      if (data.kind === 'preview' && window.cancelAt === 'preview' && !pressed) {
        pressed = true;
        window.previewId = data.requestId;
        setTimeout(() => {
          const button = [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === 'Enhance');
          window.gaveWayAt = performance.now();
          button.click();
        }, ${INTO_PREVIEW_MS});
      }
    }
  };
`;

interface Waits {
  readonly cancelAt?: Moment;
  readonly cancelledMs?: number | null;
  readonly readyMs?: number;
  readonly clipMs?: number;
  readonly previewMs?: number;
}

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1' },
    moments: { type: 'string' },
  },
});
if (!values.built) await build({ logLevel: 'error', build: { outDir: OUT } });
const server = await preview({
  preview: { port: PORT, strictPort: true, host: 'localhost' },
  build: { outDir: OUT },
  logLevel: 'error',
});
const browserServer = await chromium.launchServer({ executablePath: findBrowser().path, args: CHROMIUM_ARGUMENTS });
const browserPid = browserServer.process().pid!;
const browser = await chromium.connect(browserServer.wsEndpoint());
let late = false;
try {
  console.log('| | of the page’s own time, seconds |\n|---|---|');
  for (let round = 0; round < Number(values.rounds); round += 1) {
    if (!values.moments) await reportPreview(browser);
    for (const moment of (values.moments?.split(',') as Moment[] | undefined) ?? MOMENTS) {
      const ms = await cancelling(browser, moment);
      console.log(`| cancel: ${moment} | ${ms === null ? 'over before it was heard' : seconds(ms)} |`);
      late ||= ms !== null && ms > CANCEL_BUDGET_MS;
    }
  }
  console.log(`machine’s load ${loadavg()[0]!.toFixed(1)}`);
} finally {
  await browserServer.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
}
if (late && values.check && loadavg()[0]! < 1.5 * availableParallelism()) process.exit(1);

async function reportPreview(browserOf: Browser): Promise<void> {
  const { waits, workedSeconds } = await firstPreview(browserOf);
  const { readyMs = 0, clipMs = 0, previewMs = 0 } = waits;
  console.log(`| engine ready, self-test and all | ${seconds(readyMs)} |`);
  console.log(`| clip read, chosen at once | ${seconds(clipMs)} |`);
  console.log(`| first preview, a crop of 256×256 | ${seconds(previewMs)} |`);
  console.log(`| the same, of the processor: all of the browser's processes together | ${workedSeconds.toFixed(2)} |`);
  late ||= previewMs > PREVIEW_BUDGET_MS;
}

async function opened(
  browserOf: Browser,
  clip: string,
  moment: Moment | null,
): Promise<{ page: Page; enhancer: EnhancerPage }> {
  // A context each: nobody's cache, nobody's jobs.
  const context = await browserOf.newContext({
    viewport: { width: 1280, height: 800 },
    baseURL: `http://localhost:${PORT}`,
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  await page.addInitScript(`window.cancelAt = ${JSON.stringify(moment)};${WATCH}`);
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.chooseAs(clip, moment === 'queue' ? ['one.mp4', 'two.mp4'] : ['clip.mp4']);
  return { page, enhancer };
}

async function firstPreview(browserOf: Browser): Promise<{ readonly waits: Waits; readonly workedSeconds: number }> {
  const before = processorSeconds(browserPid);
  const { page } = await opened(browserOf, PREVIEWED, null);
  await page.getByRole('button', { name: 'Compare strengths here' }).click({ timeout: PATIENCE_MS });
  await page.waitForFunction(() => 'previewMs' in window, null, { timeout: PATIENCE_MS });
  const waits = await page.evaluate(() => {
    const { readyMs, clipMs, previewMs } = window as Waits;
    return { readyMs, clipMs, previewMs } as Waits;
  });
  const workedSeconds = processorSeconds(browserPid) - before;
  await page.context().close();
  return { waits, workedSeconds };
}

async function cancelling(browserOf: Browser, moment: Moment): Promise<number | null> {
  const { page, enhancer } = await opened(browserOf, moment === 'preview' ? PREVIEWED : CANCELLED, moment);
  if (moment === 'preview') {
    await page.getByRole('button', { name: 'Compare strengths here' }).click({ timeout: PATIENCE_MS });
  } else if (moment === 'queue') {
    await page.getByRole('button', { name: 'Add all 2 to the queue' }).click({ timeout: PATIENCE_MS });
    await page.getByRole('button', { name: 'Start the queue' }).click({ timeout: PATIENCE_MS });
  } else {
    await enhancer.set({ Scale: 2, 'Frame rate': 1, Strength: 0, Steps: 2 });
    await enhancer.enhance.click({ timeout: PATIENCE_MS });
  }
  await page.waitForFunction(() => 'cancelledMs' in window, null, { timeout: PATIENCE_MS });
  const ms = await page.evaluate(() => (window as Waits).cancelledMs ?? null);
  await page.context().close();
  return ms;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
