/**
 * Memory over a ten-minute clip, through the real page in a real browser: JavaScript heap, GPU ledger and the processes' own memory, as
 * figures at minute 1 and minute 10 of the clip and as a plot. `npm run memory -- --provider wasm|webgpu`.
 *
 * The pictures are small and the steps few, so that it is done in minutes: windows, journal, encoders and muxing are those of any job.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import { EnhancerPage } from '../e2e/enhancer-page.ts';
import { longClip } from '../e2e/long-clip.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import type { JobProgress } from '../workers/protocol.ts';
import { findBrowser } from './find-browser.ts';
import { type Series, svgPlot } from './plot.ts';

const LOOP = 'e2e/fixtures/clips/self__loop_32x32.mp4';
const OUT = 'docs/pictures';
const SAMPLE_EVERY_MS = 5000;
const MIB = 2 ** 20;

interface Sample {
  /** Of the clip, by finished frames. */
  readonly minute: number;
  readonly heapMib: number;
  readonly gpuLedgerMib: number;
  /** Proportional set size: what the process has of its own and its share of what is shared. */
  readonly pageProcessMib: number;
  readonly gpuProcessMib: number;
}

/** As text: what a loader adds to a function's text is not there in the page. */
const WATCH_PROGRESS = `
  const Plain = Worker;
  window.Worker = class extends Plain {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        if (data.kind === 'progress') window.progressSeen = data.progress;
      });
    }
  };
`;
const READ_MEMORY = `performance.measureUserAgentSpecificMemory().then(({ bytes }) => ({ bytes, progress: window.progressSeen }))`;

const { values } = parseArgs({
  options: {
    provider: { type: 'string', default: 'wasm' },
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '10' },
    steps: { type: 'string', default: '1' },
    port: { type: 'string', default: '4176' },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
const frameCount = minutes * 60 * rate;

const outDir = mkdtempSync(join(tmpdir(), 'memory-build-'));
await build({ logLevel: 'error', build: { outDir } });
const server = await preview({
  logLevel: 'error',
  build: { outDir },
  preview: { host: 'localhost', port: Number(values.port), strictPort: true },
});
const browser = await chromium.launchServer({
  executablePath: findBrowser().path,
  // Else a measurement waits for the next collection, and the heap of that moment.
  args: [...CHROMIUM_ARGUMENTS, '--enable-blink-features=ForceEagerMeasureMemory'],
});
try {
  const client = await chromium.connect(browser.wsEndpoint());
  const page = await client.newPage({ baseURL: `http://localhost:${values.port}` });
  const { samples, seconds } = await measured(page, browser.process().pid!);
  report(samples, seconds);
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
  rmSync(outDir, { recursive: true, force: true });
}

async function measured(page: Page, browserPid: number): Promise<{ samples: Sample[]; seconds: number }> {
  await page.addInitScript(WATCH_PROGRESS);
  const clip = await longClip(new Blob([readFileSync(LOOP)]), minutes * 60, rate);
  const enhancer = new EnhancerPage(page);
  await enhancer.open(`?provider=${values.provider}`);
  const file = { name: 'long.mp4', mimeType: 'video/mp4', buffer: Buffer.from(await clip.arrayBuffer()) };
  await page.locator(`[data-provider=${values.provider}]`).first().waitFor({ timeout: 120_000 });
  await page.locator('input[type=file]').first().setInputFiles(file);
  await enhancer.set({ Scale: 1, 'Frame rate': 1, Strength: 0, Steps: Number(values.steps) });
  const samples: Sample[] = [];
  const start = performance.now();
  await enhancer.enhance.click({ timeout: 120_000 });
  for (;;) {
    await page.waitForTimeout(SAMPLE_EVERY_MS);
    const phase = await page.locator('[data-phase]').first().getAttribute('data-phase');
    if (phase === 'finished') return { samples, seconds: (performance.now() - start) / 1000 };
    if (await enhancer.alert.isVisible()) throw new Error(`the page says: ${await enhancer.alert.textContent()}`);
    const seen = await page.evaluate<{ bytes: number; progress?: JobProgress }>(READ_MEMORY);
    if (!seen.progress || seen.progress.framesDone === 0) continue;
    const processes = processMib(browserPid);
    samples.push({
      minute: seen.progress.framesDone / rate / 60,
      heapMib: seen.bytes / MIB,
      gpuLedgerMib: seen.progress.gpuLedgerBytes / MIB,
      pageProcessMib: processes.renderer ?? 0,
      gpuProcessMib: processes['gpu-process'] ?? 0,
    });
    console.log(line(samples.at(-1)!));
  }
}

/** Proportional set sizes of a browser's processes, the largest of each type (the page's renderer is the largest). */
function processMib(browserPid: number): Record<string, number> {
  const found: Record<string, number> = {};
  const parents = [browserPid];
  for (let i = 0; i < parents.length; i += 1) {
    const tasks = readFileSync(`/proc/${parents[i]}/task/${parents[i]}/children`, 'utf8').trim();
    if (tasks !== '') parents.push(...tasks.split(' ').map(Number));
  }
  for (const pid of parents) {
    try {
      const type = /--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'browser';
      const pss = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
      found[type] = Math.max(found[type] ?? 0, pss);
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}

function report(samples: readonly Sample[], seconds: number): void {
  const at = (minute: number) =>
    samples.reduce((best, each) => (Math.abs(each.minute - minute) < Math.abs(best.minute - minute) ? each : best));
  const first = at(minutes / 10);
  const last = at(minutes);
  console.log(`\n${frameCount} frames of 32×32 on ${values.provider}, ${seconds.toFixed(0)} s`);
  console.log(`minute ${minutes / 10}: ${line(first)}`);
  console.log(`minute ${minutes}: ${line(last)}`);
  const series = (name: string, of: (sample: Sample) => number): Series => ({
    name,
    points: samples.map((sample) => [sample.minute, of(sample)] as const),
  });
  const all = [
    series('JavaScript heap, page and worker', ({ heapMib }) => heapMib),
    series('the page’s process', ({ pageProcessMib }) => pageProcessMib),
    series('the GPU process', ({ gpuProcessMib }) => gpuProcessMib),
    ...(values.provider === 'webgpu' ? [series('GPU ledger', ({ gpuLedgerMib }) => gpuLedgerMib)] : []),
  ];
  mkdirSync(OUT, { recursive: true });
  const path = `${OUT}/memory-${values.provider}.svg`;
  writeFileSync(path, svgPlot({ x: 'minute of the clip', y: 'MiB', xMax: minutes, series: all }));
  console.log(`plot: ${path}`);
}

function line({ minute, heapMib, gpuLedgerMib, pageProcessMib, gpuProcessMib }: Sample): string {
  const figures = [
    `heap ${heapMib.toFixed(1)}`,
    `GPU ledger ${gpuLedgerMib.toFixed(1)}`,
    `page process ${pageProcessMib.toFixed(0)}`,
    `GPU process ${gpuProcessMib.toFixed(0)} MiB`,
  ];
  return `at ${minute.toFixed(2)}: ${figures.join(', ')}`;
}
