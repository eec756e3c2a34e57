/**
 * Memory over a ten-minute clip, through the real page in a real browser: JavaScript heap, GPU ledger and the processes' own memory, as
 * figures at minute 1 and minute 10 of the clip and as a plot. `npm run memory -- --provider wasm|webgpu`.
 *
 * The pictures are small and the steps few, so that it is done in minutes: windows, groups, journal, encoders and muxing are those of any
 * job. The heap is collected and read over the DevTools protocol at every half minute of the clip, processes every two seconds. What a page
 * can ask for itself (`measureUserAgentSpecificMemory`) takes the browser a minute each time, and is printed beside.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import { EnhancerPage } from '../e2e/enhancer-page.ts';
import { inWorker } from '../e2e/in-worker.ts';
import { longClip } from '../e2e/long-clip.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import type { JobProgress } from '../workers/protocol.ts';
import { findBrowser } from './find-browser.ts';
import { type Series, svgPlot } from './plot.ts';
import { processBytes } from './process-memory.ts';
import { type HeapUse, RetainedHeap } from './retained-heap.ts';

/** An emulated GPU takes minutes for what the processor does in seconds: there the pictures are of 16×16. */
const CLIPS = {
  wasm: { path: 'e2e/fixtures/clips/self__loop_32x32.mp4', scale: 1, side: 32, rate: 10 },
  webgpu: { path: 'e2e/fixtures/clips/self__2x2.mp4', scale: 8, side: 16, rate: 0.2 },
} as const;
const OUT = 'docs/pictures';
const SAMPLE_EVERY_MS = 2000;
const MIB = 2 ** 20;

/** Of the clip. */
const HEAP_EVERY_MINUTES = 0.5;

/** After a collection, of the page and all its workers. */
interface HeapSample {
  readonly minute: number;
  readonly uses: readonly HeapUse[];
  /** WebAssembly's memory, which its threads share; it never shrinks. */
  readonly wasmBytes: number;
}

interface Sample {
  /** Of the clip, by finished frames. */
  readonly minute: number;
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
/** Measured heaps, each with the progress of then; the next begins when one is there. */
const MEASURE_HEAPS = `
  window.heapsSeen = [];
  const measure = async () => {
    for (;;) {
      const { bytes, breakdown } = await performance.measureUserAgentSpecificMemory();
      const parts = breakdown.filter((part) => part.bytes > 0).map((part) => ({
        bytes: part.bytes,
        what: [...part.types, ...part.attribution.map(({ scope, url }) => scope + ' ' + url.split('/').at(-1))].join(' '),
      }));
      window.heapsSeen.push({ bytes, parts, progress: window.progressSeen });
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  };
  void measure();
`;

const KEEP_MEMORIES = `
  const PlainMemory = WebAssembly.Memory;
  self.memories = [];
  WebAssembly.Memory = class extends PlainMemory {
    constructor(...args) {
      super(...args);
      self.memories.push(this);
    }
  };
`;
const SUM_OF_MEMORIES = 'self.memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)';

const { values } = parseArgs({
  options: {
    provider: { type: 'string', default: 'wasm' },
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string' },
    steps: { type: 'string', default: '1' },
    port: { type: 'string', default: '4176' },
  },
});
const minutes = Number(values.minutes);
const clipUsed = CLIPS[values.provider === 'webgpu' ? 'webgpu' : 'wasm'];
const rate = Number(values.rate ?? clipUsed.rate);
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
  const page = await client.newPage({ baseURL: `http://localhost:${values.port}`, serviceWorkers: 'block' });
  report(await measured(page, browser.process().pid!));
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
  rmSync(outDir, { recursive: true, force: true });
}

interface Measured {
  readonly samples: readonly Sample[];
  readonly heaps: readonly HeapSample[];
  readonly seconds: number;
}

interface HeapSeen {
  readonly bytes: number;
  readonly parts: readonly { readonly bytes: number; readonly what: string }[];
  readonly progress?: JobProgress;
}

async function measured(page: Page, browserPid: number): Promise<Measured> {
  await page.addInitScript(WATCH_PROGRESS);
  await inWorker(page, KEEP_MEMORIES);
  const clip = await longClip(new Blob([readFileSync(clipUsed.path)]), minutes * 60, rate);
  const enhancer = new EnhancerPage(page);
  await enhancer.open(`?provider=${values.provider}`);
  const file = { name: 'long.mp4', mimeType: 'video/mp4', buffer: Buffer.from(await clip.arrayBuffer()) };
  await page.locator(`[data-provider=${values.provider}]`).first().waitFor({ timeout: 120_000 });
  await page.locator('input[type=file]').first().setInputFiles(file);
  await enhancer.set({ Scale: clipUsed.scale, 'Frame rate': 1, Strength: 0, Steps: Number(values.steps) });
  const samples: Sample[] = [];
  const start = performance.now();
  await enhancer.enhance.click({ timeout: 120_000 });
  await page.evaluate(MEASURE_HEAPS);
  const retained = await RetainedHeap.of(await page.context().newCDPSession(page));
  const heaps: HeapSample[] = [];
  let seenCount = 0;
  for (;;) {
    await page.waitForTimeout(SAMPLE_EVERY_MS);
    const phase = await page.locator('[data-phase]').first().getAttribute('data-phase');
    if (phase === 'finished') return { samples, heaps, seconds: (performance.now() - start) / 1000 };
    if (await enhancer.alert.isVisible()) throw new Error(`the page says: ${await enhancer.alert.textContent()}`);
    const [progress, seen] = await page.evaluate<[JobProgress | undefined, HeapSeen[]]>(
      '[window.progressSeen, window.heapsSeen]',
    );
    for (const each of seen.slice(seenCount)) console.log(seenLine(each));
    seenCount = seen.length;
    if (!progress || progress.framesDone === 0) continue;
    const processes = processBytes(browserPid);
    samples.push({
      minute: minuteOf(progress),
      gpuLedgerMib: progress.gpuLedgerBytes / MIB,
      pageProcessMib: (processes.renderer ?? 0) / MIB,
      gpuProcessMib: (processes['gpu-process'] ?? 0) / MIB,
    });
    if (samples.length % 5 === 1) console.log(line(samples.at(-1)!));
    const minute = minuteOf(progress);
    if (minute - (heaps.at(-1)?.minute ?? -1) < HEAP_EVERY_MINUTES) continue;
    heaps.push({ minute, uses: await retained.measure(), wasmBytes: await wasmBytes(page) });
    console.log(heapLine(heaps.at(-1)!));
  }
}

/** Of the engine. */
async function wasmBytes(page: Page): Promise<number> {
  const engine = page.workers().find((worker) => worker.url().includes('enhancer.worker'));
  return (await engine?.evaluate<number>(SUM_OF_MEMORIES)) ?? 0;
}

function minuteOf({ framesDone }: JobProgress): number {
  return framesDone / rate / 60;
}

function heapMib({ uses }: HeapSample): number {
  return uses.reduce((sum, { objects, buffers, embedder }) => sum + objects + buffers + embedder, 0) / MIB;
}

function heapLine(sample: HeapSample): string {
  const engine = sample.uses.find(({ name }) => name.endsWith('> enhancer'));
  const mib = (bytes = 0) => (bytes / MIB).toFixed(2);
  const parts = `objects ${mib(engine?.objects)}, buffers ${mib(engine?.buffers)}`;
  return `at ${sample.minute.toFixed(2)}: retained heap ${heapMib(sample).toFixed(2)} MiB (the engine’s ${parts}; ${sample.uses.length} scripts), WebAssembly ${mib(sample.wasmBytes)}`;
}

/** What the page itself is told. */
function seenLine({ bytes, parts, progress }: HeapSeen): string {
  const largest = [...parts].sort((a, b) => b.bytes - a.bytes).slice(0, 4);
  const named = largest.map(({ bytes: each, what }) => `${(each / MIB).toFixed(1)} ${what}`);
  return `at ${progress ? minuteOf(progress).toFixed(2) : 0}: the page is told ${(bytes / MIB).toFixed(1)} MiB (${named.join(', ')})`;
}

function report({ samples, heaps, seconds }: Measured): void {
  const { side } = clipUsed;
  console.log(`\n${frameCount} frames of ${side}×${side} on ${values.provider}, ${seconds.toFixed(0)} s`);
  for (const minute of [minutes / 10, minutes]) {
    const heap = heaps.length > 0 ? nearest(heaps, minute) : null;
    console.log(
      `minute ${minute}: ${line(nearest(samples, minute))}; ${heap ? heapLine(heap) : 'no heap was measured'}`,
    );
  }
  const series = (name: string, of: (sample: Sample) => number): Series => ({
    name,
    points: samples.map((sample) => [sample.minute, of(sample)] as const),
  });
  const all = [
    {
      name: 'collected heap',
      points: heaps.map((heap) => [heap.minute, heapMib(heap)] as const),
    },
    { name: 'WebAssembly', points: heaps.map((heap) => [heap.minute, heap.wasmBytes / MIB] as const) },
    series('page’s process', ({ pageProcessMib }) => pageProcessMib),
    series('GPU process', ({ gpuProcessMib }) => gpuProcessMib),
    ...(values.provider === 'webgpu' ? [series('GPU ledger', ({ gpuLedgerMib }) => gpuLedgerMib)] : []),
  ];
  mkdirSync(OUT, { recursive: true });
  const path = `${OUT}/memory-${values.provider}.svg`;
  writeFileSync(path, svgPlot({ x: 'minute of the clip', y: 'MiB', xMax: minutes, series: all }));
  console.log(`plot: ${path}`);
}

function nearest<At extends { readonly minute: number }>(all: readonly At[], minute: number): At {
  return all.reduce((best, each) => (Math.abs(each.minute - minute) < Math.abs(best.minute - minute) ? each : best));
}

function line({ minute, gpuLedgerMib, pageProcessMib, gpuProcessMib }: Sample): string {
  const figures = [
    `GPU ledger ${gpuLedgerMib.toFixed(1)}`,
    `page process ${pageProcessMib.toFixed(0)}`,
    `GPU process ${gpuProcessMib.toFixed(0)} MiB`,
  ];
  return `at ${minute.toFixed(2)}: ${figures.join(', ')}`;
}
