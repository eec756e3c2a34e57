/**
 * Benchmarks jobs in a real browser, through the engine as the page has them done: per stage time (demuxing, borders and cuts are `look`), the networks' GFLOP/s and their share of what a plain convolution reaches in the same run, the
 * share of time outside the models, and what goes to the device and back. The networks' own figures are `tools/bench.ts`.
 *
 * `npm run bench:browser` runs nano on WASM and, with a micro clip, on whatever WebGPU adapter the browser has (SwiftShader where there is no GPU: its figures
 * say nothing of real ones). Prints a table; `--json FILE` also writes the figures, `--only PATTERN` runs the cases whose name matches, `--timeline` prints what the engine asked of networks, workers, codecs and storage, and when, and `--against FOLDER`
 * runs each case in turn with another checkout's sources, so that ratios are of one run (`--rounds N`, the best of each counts). `--heap` asks for the
 * JavaScript heap of page and workers every second: each look collects garbage, so times are not to be compared then.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { createServer, type ViteDevServer } from 'vite';
import type { Command, JobOutcome } from '../e2e/engine/harness.worker.ts';
import '../e2e/engine-harness.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import { DEFAULT_SETTINGS } from '../workers/plan/settings.ts';
import { findBrowser } from './find-browser.ts';
import { processBytes } from './process-memory.ts';

const PROCESS_SAMPLE_MS = 500;
const HEAP_SAMPLE_MS = 1000;
const PORT = Number(process.env.HARNESS_PORT ?? 4174);

interface Case {
  readonly name: string;
  readonly provider: 'wasm' | 'webgpu';
  /** Of the clip, 160×90 unless named. */
  readonly clip?: string;
  readonly frames: number;
  readonly crop?: { readonly width: number; readonly height: number };
  readonly scale: number;
  readonly frameRateFactor: number;
  readonly steps: number;
}

const CASES: readonly Case[] = [
  { name: 'WASM 320×180 ×1', provider: 'wasm', frames: 16, scale: 2, frameRateFactor: 1, steps: 1 },
  { name: 'WASM 320×180 ×2', provider: 'wasm', frames: 16, scale: 2, frameRateFactor: 2, steps: 1 },
  { name: 'WASM 320×180 ×1, 4 steps', provider: 'wasm', frames: 16, scale: 2, frameRateFactor: 1, steps: 4 },
  { name: 'WASM 320×180 ×1, half as long', provider: 'wasm', frames: 44, scale: 2, frameRateFactor: 1, steps: 1 },
  { name: 'WASM 320×180 ×1, long', provider: 'wasm', frames: 88, scale: 2, frameRateFactor: 1, steps: 1 },
  { name: 'WASM 320×180 ×2, long', provider: 'wasm', frames: 44, scale: 2, frameRateFactor: 2, steps: 1 },
  { name: 'WASM 640×360 ×1, long', provider: 'wasm', frames: 44, scale: 4, frameRateFactor: 1, steps: 1 },
  { name: 'WASM 640×360 ×1', provider: 'wasm', frames: 8, scale: 4, frameRateFactor: 1, steps: 1 },
  { name: 'WASM 256×256 ×1', provider: 'wasm', ...larger(128, 128, 2), frames: 16 },
  { name: 'WASM 512×512 ×1', provider: 'wasm', ...larger(128, 128, 4), frames: 8 },
  { name: 'WASM 1280×720 ×1', provider: 'wasm', ...larger(320, 180, 4), frames: 6 },
  { name: 'WASM 1920×1080 ×1', provider: 'wasm', ...larger(320, 180, 6), frames: 4 },
  {
    name: 'WebGPU 64×64',
    provider: 'webgpu',
    frames: 2,
    crop: { width: 32, height: 32 },
    scale: 2,
    frameRateFactor: 1,
    steps: 1,
  },
];

/** Of the clip of 320×180, one step. */
function larger(width: number, height: number, scale: number) {
  return { clip: 'real_320x180_truth.mp4', crop: { width, height }, scale, frameRateFactor: 1, steps: 1 };
}

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string', default: '' },
    timeline: { type: 'boolean', default: false },
    against: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    heap: { type: 'boolean', default: false },
  },
});

interface Side {
  readonly name: string;
  readonly port: number;
  readonly server: ViteDevServer;
}

/** Fields that an older checkout's harness may lack. */
type Outcome = Partial<JobOutcome> &
  Pick<JobOutcome, 'seconds' | 'secondsByStage' | 'modelSeconds' | 'plan'> & {
    /** Peak of the tab's process and of the GPU's, as the system counts them. */
    readonly processBytes: Readonly<Record<string, number>>;
    /** Of the page and its workers, array buffers included; 0 where nobody looked. */
    readonly heapBytes: number;
  };

const sides: Side[] = [await served('', resolve('.'), PORT)];
if (values.against) sides.unshift(await served('before', resolve(values.against), PORT + 1));
const results: { name: string; outcome: Outcome }[] = [];
try {
  for (const each of CASES.filter(({ name }) => new RegExp(values.only).test(name))) {
    const best = new Map<Side, Outcome>();
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const side of sides) {
        const outcome = await ran(side, each);
        if (outcome.seconds < (best.get(side)?.seconds ?? Number.POSITIVE_INFINITY)) best.set(side, outcome);
      }
    }
    for (const [side, outcome] of best) results.push({ name: `${each.name} ${side.name}`.trim(), outcome });
  }
} finally {
  for (const { server } of sides) await server.close();
}

const STAGES = ['look', 'decode', 'condition', 'denoise', 'reconstruct', 'encode', 'mux'];
const PARTS = ['encode', 'evaluate', 'decode'] as const;
const columns = [
  ...['case', 'frames', 'seconds', ...STAGES, ...PARTS.map((part) => `model: ${part}`), 'outside models'],
  ...['GFLOP', 'GFLOP/s', 'of a convolution’s', 'copy, GB/s', 'enlarging', 'deflicker', 'finishing'],
  ...['MB an evaluation', 'dispatches', 'submits', 'heap', 'tab', 'GPU ledger peak', 'GPU process'],
];
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`);
for (const { name, outcome } of results) {
  const { plan, seconds, secondsByStage, modelSeconds, evaluateSeconds = 0, evaluateGigaflops = 0 } = outcome;
  const { convolutionGigaflopsPerSecond = Number.NaN, bytesPerEvaluation = Number.NaN, gpuPerEvaluation } = outcome;
  const speed = evaluateGigaflops / evaluateSeconds;
  const cells = [
    name,
    plan.output.frameCount,
    seconds.toFixed(2),
    ...STAGES.map((stage) => (secondsByStage[stage] ?? 0).toFixed(2)),
    ...PARTS.map((part) => (outcome.modelSecondsByPart?.[part] ?? Number.NaN).toFixed(2)),
    `${((1 - modelSeconds / seconds) * 100).toFixed(1)}%`,
    evaluateGigaflops.toFixed(1),
    speed.toFixed(1),
    (speed / convolutionGigaflopsPerSecond).toFixed(2),
    ((outcome.copyBytesPerSecond ?? Number.NaN) / 1e9).toFixed(1),
    ...(['make', 'light', 'finish'] as const).map((kind) =>
      ((outcome.workerMilliseconds?.[kind] ?? Number.NaN) / 1000).toFixed(2),
    ),
    (bytesPerEvaluation / 1e6).toFixed(2),
    (gpuPerEvaluation?.dispatches ?? 0).toFixed(0),
    (gpuPerEvaluation?.submits ?? 0).toFixed(0),
    values.heap ? mebibytes(outcome.heapBytes) : '–',
    mebibytes(outcome.processBytes.renderer ?? 0),
    mebibytes(outcome.peakGpuLedgerBytes ?? 0),
    mebibytes(outcome.processBytes['gpu-process'] ?? 0),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log('\nOutside the models, milliseconds, and how often: between which runs of the networks.');
for (const { name, outcome } of results) {
  const gaps = Object.entries(outcome.gaps ?? {}).sort(([, a], [, b]) => b.seconds - a.seconds);
  const told = gaps.map(([between, { count, seconds }]) => `${between}: ${(seconds * 1000).toFixed(0)} (${count})`);
  console.log(`${name}: ${told.join(', ')}`);
}

for (const { name, outcome } of values.timeline ? results : []) {
  console.log(`\n${name}: milliseconds from the start, how long, what.`);
  const spans = [...(outcome.timeline ?? [])].sort((a, b) => a.fromMs - b.fromMs);
  for (const { fromMs, toMs, name: what } of spans) {
    console.log(`${fromMs.toFixed(1).padStart(8)} ${(toMs - fromMs).toFixed(1).padStart(8)}  ${what}`);
  }
}

if (values.json) {
  const figures = results.map(({ name, outcome: { latents: _, ...figures } }) => ({ name, ...figures }));
  writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function served(name: string, root: string, port: number): Promise<Side> {
  const server = await createServer({
    root,
    configFile: `${root}/vite.config.ts`,
    server: { port, strictPort: true, hmr: false },
    // Two checkouts' may share their packages, not what is made of them.
    cacheDir: join(tmpdir(), `bench-vite-${port}`),
    logLevel: 'error',
  });
  await server.listen();
  return { name, port, server };
}

async function ran({ port }: Side, each: Case): Promise<Outcome> {
  const { provider, clip = 'real_160x90.mp4', frames, crop, scale, frameRateFactor, steps } = each;
  const origin = `http://localhost:${port}`;
  const command: Command = {
    kind: 'job',
    provider,
    url: `${origin}/e2e/fixtures/clips/${clip}`,
    settings: { ...DEFAULT_SETTINGS, scale, frameRateFactor, steps, strength: 0 },
    frames,
    ...(crop ? { crop } : {}),
    unet: 'real',
    whole: true,
    timeline: values.timeline,
    modelsUrl: `${origin}/models/`,
  };
  // Of its own, on disk: the private storage of a browser's other contexts is memory, reached at every write through another process.
  const profile = mkdtempSync(join(tmpdir(), 'bench-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findBrowser().path,
    // Else a look at the heap waits for the next collection.
    args: [...CHROMIUM_ARGUMENTS, ...(values.heap ? ['--enable-blink-features=ForceEagerMeasureMemory'] : [])],
  });
  try {
    const page = await context.newPage();
    await page.goto(`${origin}/e2e/engine/harness.html`);
    await page.waitForFunction(() => 'engine' in window);
    const peaks: Record<string, number> = {};
    const sampling = setInterval(() => {
      for (const [type, bytes] of Object.entries(processBytes(process.pid))) {
        peaks[type] = Math.max(peaks[type] ?? 0, bytes);
      }
    }, PROCESS_SAMPLE_MS);
    let over = false;
    const looking = values.heap ? heapPeak(page, () => over) : Promise.resolve(0);
    const result = await page
      .evaluate((given) => window.engine(given), command)
      .finally(() => {
        over = true;
        clearInterval(sampling);
      });
    if (result.kind !== 'job') throw new Error(JSON.stringify(result));
    return { ...result, processBytes: peaks, heapBytes: await looking };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function heapPeak(page: Page, isOver: () => boolean): Promise<number> {
  let peak = 0;
  while (!isOver()) {
    // As text: TypeScript doesn't know it.
    const bytes = await page.evaluate<number>(
      'performance.measureUserAgentSpecificMemory().then(({ bytes }) => bytes)',
    );
    peak = Math.max(peak, bytes);
    await page.waitForTimeout(HEAP_SAMPLE_MS);
  }
  return peak;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
