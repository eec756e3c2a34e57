/**
 * Measures the product on a machine's own GPU, in a real browser: the adapter, nano's jobs beside the processor's, a GPU process that
 * dies, and the official model at its full size from checkpoints by formula (tools/synthetic-checkpoint.ts).
 *
 *   npx vite build --config tools/gpu/vite.config.ts --outDir dist-gpu
 *   npx tsx tools/gpu/bench-gpu.ts --page dist-gpu --clips DIR --out DIR --chromium PATH --steps adapter,nano,loss,import-exact,balanced,exact,compact
 *       [--files network.pt,vae.safetensors,text.bin] [--profile DIR] [--seconds N] [--emulated]
 *
 * Writes DIR/bench.json after every case, and pictures of the page. A case that fails or takes too long is noted, and the next one is
 * begun in a new browser. Bundled to one file it needs Node and playwright-core alone.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import type { Command as EngineCommand, Result as EngineResult } from '../../e2e/engine/harness.worker.ts';
import type { GpuHarness, JobOrder } from '../../e2e/gpu/harness.ts';
import type { Command as NetworkCommand } from '../../e2e/gpu/network.worker.ts';
import type { Precision } from '../../workers/models/manifest.ts';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import { GpuBrowser } from './browser.ts';
import { serve } from './serve.ts';

declare global {
  interface Window {
    gpu: GpuHarness;
  }
}

interface Case {
  readonly name: string;
  readonly seconds: number;
  readonly error?: string;
  /** By the driver: before, and at most. */
  readonly memoryMiB?: readonly [number, number];
  readonly value?: unknown;
}

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    page: text,
    clips: text,
    out: text,
    chromium: text,
    steps: text,
    files: text,
    profile: text,
    seconds: text,
    port: text,
    emulated: { type: 'boolean' },
  },
});
const out = resolve(values.out ?? 'gpu-out');
const port = Number(values.port ?? 4178);
const origin = `http://localhost:${port}`;
const emulated = values.emulated === true;
const deadline = Date.now() + 1000 * Number(values.seconds ?? 3600);
mkdirSync(out, { recursive: true });

/** Too long to print. */
const HIDDEN = new Set(['plans', 'plan', 'inputs', 'output', 'moments', 'device', 'inspection', 'limits', 'models']);
const cases: Case[] = [];
let memoryMiB = 0;
let peakMiB = 0;
const sampler = watchMemory();
const server = await serve([resolve(values.page ?? 'dist-gpu'), resolve(values.clips ?? 'e2e/fixtures/clips')], port);
const browser = new GpuBrowser({
  executablePath: values.chromium ?? '/usr/bin/chromium',
  profile: resolve(values.profile ?? join(out, 'profile')),
  origin,
  emulated,
});

const CLIP = `${origin}/real_160x90.mp4`;
const STEPS: Readonly<Record<string, () => Promise<void>>> = {
  adapter,
  nano,
  loss,
  'import-balanced': async () => void (await imported('balanced')),
  'import-exact': async () => void (await imported('exact')),
  balanced: () => official('balanced'),
  exact: () => official('exact'),
  compact: () => official('compact'),
};

try {
  // Without one, nothing below is worth its time.
  await browser.context();
  for (const step of (values.steps ?? 'adapter,nano').split(',')) {
    await STEPS[step]?.().catch((error) => console.log(`${step}: ${error}`));
  }
} catch (error) {
  console.log(String(error));
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify({ tried: browser.tried, cases })}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
  sampler?.kill();
  server.close();
}
process.exit();

async function adapter(): Promise<void> {
  await inPage('adapter', 60, (page) => page.evaluate(() => window.gpu.adapter()));
  await attempt('page', 60, async () => {
    const page = await (await browser.context()).newPage();
    try {
      await page.goto(`${origin}/?provider=${emulated ? 'wasm' : 'auto'}`);
      await page.locator('[data-provider]').first().waitFor({ timeout: 40_000 });
      await page.getByRole('button', { name: 'Your device' }).click();
      await page.waitForTimeout(800);
      await page.screenshot({ path: join(out, 'page-device.png') });
      await page.keyboard.press('Escape');
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles(join(resolve(values.clips!), 'real_160x90.mp4'));
      await page.getByLabel('Scale', { exact: true }).fill('4');
      await page.waitForTimeout(2500);
      await page.screenshot({ path: join(out, 'page-plan.png'), fullPage: true });
      return await page.locator('[data-provider]').first().getAttribute('data-provider');
    } finally {
      await page.close();
    }
  });
}

/** The README's table through the pipeline alone, then whole jobs through the product's clients, here and on the processor. */
async function nano(): Promise<void> {
  const table = [
    { name: '320×180', frames: 16, scale: 2, frameRateFactor: 1, steps: 1 },
    { name: '320×180 ×2', frames: 16, scale: 2, frameRateFactor: 2, steps: 1 },
    { name: '320×180, 4 steps', frames: 16, scale: 2, frameRateFactor: 1, steps: 4 },
    { name: '640×360', frames: 8, scale: 4, frameRateFactor: 1, steps: 1 },
  ];
  for (const { name, frames, ...settings } of emulated ? table.slice(0, 0) : table) {
    const latents: (readonly number[])[] = [];
    for (const provider of ['webgpu', 'webgpu', 'wasm'] as const) {
      await attempt(`pipeline ${name}, ${provider}`, 60, async () => {
        const outcome = await engine({
          kind: 'job',
          provider,
          url: CLIP,
          settings: { ...DEFAULT_SETTINGS, strength: 0, ...settings },
          frames,
          unet: 'real',
          keepLatents: true,
          modelsUrl: `${origin}/models/`,
        });
        if (outcome.kind !== 'job') throw new Error(JSON.stringify(outcome));
        const { latents: made, ...figures } = outcome;
        latents.push(made);
        return figures;
      });
    }
    const [first, last] = [latents[0], latents.at(-1)];
    if (first && last) keep({ name: `latents ${name}`, seconds: 0, value: difference(first, last) });
  }
  const jobs: readonly [string, string, Partial<JobOrder['settings']>][] = emulated
    ? [['16×16', 'self__2x2.mp4', { scale: 8, strength: 0 }]]
    : [
        ['640×360', 'real_160x90.mp4', { scale: 4, strength: 0 }],
        ['640×360, 4 steps, ×2', 'real_160x90.mp4', { scale: 4, frameRateFactor: 2, steps: 4, strength: 0.3 }],
        ['1024×640', 'sample.mp4', { scale: 2, strength: 0 }],
        ['2048×1280', 'sample.mp4', { scale: 4, strength: 0 }],
      ];
  for (const [name, clip, settings] of jobs) {
    await inPage(`job ${name}`, 150, async (page) => {
      const clipUrl = `${origin}/${clip}`;
      const order = { memoryBudgetBytes: null, clipUrl, settings, measure: true };
      const run = (each: JobOrder) => page.evaluate((given) => window.gpu.job(given), each);
      const webgpu = await run({ ...order, provider: 'webgpu' });
      // A second run finds the browser's shader cache filled.
      const again = await run({ ...order, provider: 'webgpu', measure: false });
      if (name === '2048×1280') return { webgpu, again };
      const wasm = await run({ ...order, provider: 'wasm', measure: false });
      const pair = [webgpu.output, wasm.output] as const;
      const compared = await page.evaluate(([a, b]) => window.gpu.compare(a, b), pair);
      const repeated = await page.evaluate(([a, b]) => window.gpu.compare(a, b), [
        webgpu.output,
        again.output,
      ] as const);
      return { webgpu, again, wasm, compared, repeated };
    });
  }
}

/** The GPU's process crashes in the middle of a job. */
async function loss(): Promise<void> {
  await inPage('loss', 90, async (page) => {
    const settings = emulated ? { scale: 8, steps: 2, strength: 0 } : { scale: 3, steps: 8, strength: 0.5 };
    const clipUrl = `${origin}/${emulated ? 'self__2x2' : 'sample'}.mp4`;
    const order: JobOrder = { provider: 'webgpu', memoryBudgetBytes: null, clipUrl, settings };
    const running = page.evaluate((given) => window.gpu.job(given), order);
    running.catch(() => undefined);
    await page.waitForTimeout(emulated ? 15_000 : 7000);
    const session = await page.context().browser()?.newBrowserCDPSession();
    const way = session ? 'Browser.crashGpuProcess' : 'chrome://gpucrash';
    if (session) session.send('Browser.crashGpuProcess').catch(() => undefined);
    else await (await page.context().newPage()).goto('chrome://gpucrash').catch(() => undefined);
    return { way, job: await running };
  });
}

/** By an earlier run in the same profile. */
async function installed(precision: Precision): Promise<string | undefined> {
  const ids = await inPage(`${precision}: installed`, 30, (page) => page.evaluate(() => window.gpu.installed()));
  return ids?.find((each) => each.endsWith(precision));
}

/** Converted in the page. */
async function imported(precision: Precision): Promise<string | undefined> {
  const files = (values.files ?? '').split(',');
  const made = await inPage(`${precision}: import`, 400, async (page) => {
    await page.getByLabel('Files').setInputFiles(files);
    return page.evaluate((each) => window.gpu.install(each), precision);
  });
  return made?.id;
}

/** Its networks alone at several sizes, then a job. */
async function official(precision: Precision): Promise<void> {
  const id = (await installed(precision)) ?? (await imported(precision));
  if (id === undefined) return;
  const sizes = emulated
    ? [[2, 10, 8, 1] as const]
    : [[2, 10, 8, 2] as const, [8, 42, 64, 3] as const, [16, 42, 64, 2] as const, [8, 90, 160, 2] as const];
  // All of `exact` at once is more than a WASM heap holds while sessions are made: both are tried.
  const residencies = precision === 'exact' ? (['stages', 'parts'] as const) : (['stages'] as const);
  for (const residency of residencies) {
    for (const [frames, height, width, runs] of sizes) {
      const order: NetworkCommand = {
        kind: 'network',
        provider: 'webgpu',
        model: id,
        installed: true,
        residency,
        frames,
        height,
        width,
        runs,
        keep: height === 10,
      };
      const made = await inPage(
        `${precision}, ${residency}: ${frames}×${height}×${width}`,
        emulated ? 900 : 75,
        (page) => page.evaluate((given) => window.gpu.network(given), order),
      );
      // What fails at the smallest size fails at all of them.
      if (!made || made.kind === 'error') break;
    }
  }
  if (!emulated) {
    await inPage(`${precision}: job`, 120, (page) => {
      const order: JobOrder = {
        provider: 'webgpu',
        memoryBudgetBytes: precision === 'exact' ? null : 16e9,
        clipUrl: CLIP,
        settings: { model: id, scale: 2, steps: 2, stepPlan: 'normal', prompt: 'a fish under water' },
        prompted: true,
        measure: true,
      };
      return page.evaluate((given) => window.gpu.job(given), order);
    });
  }
  await inPage(`${precision}: removed`, 20, (page) => page.evaluate((each) => window.gpu.remove(each), id));
}

async function engine(command: EngineCommand): Promise<EngineResult> {
  const page = await (await browser.context()).newPage();
  try {
    await page.goto(`${origin}/e2e/engine/harness.html`);
    await page.waitForFunction(() => 'engine' in window);
    return await page.evaluate((each) => window.engine(each), command);
  } finally {
    await page.close().catch(() => undefined);
  }
}

function inPage<T>(name: string, seconds: number, work: (page: Page) => Promise<T>): Promise<T | undefined> {
  return attempt(name, seconds, async () => {
    const page = await (await browser.context()).newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()))
        console.log(`  [${message.type()}] ${message.text().slice(0, 400)}`);
    });
    try {
      await page.goto(`${origin}/e2e/gpu/harness.html`);
      await page.waitForFunction(() => 'gpu' in window);
      return await work(page);
    } finally {
      await page.close().catch(() => undefined);
    }
  });
}

/** Undefined where it failed or ran out of time; the browser is then a new one. */
async function attempt<T>(name: string, seconds: number, work: () => Promise<T>): Promise<T | undefined> {
  const left = (deadline - Date.now()) / 1000;
  if (left < 5) {
    keep({ name, seconds: 0, error: 'no time left' });
    return undefined;
  }
  const began = Date.now();
  const before = memoryMiB;
  peakMiB = memoryMiB;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('took too long')), 1000 * Math.min(seconds, left));
  });
  const taken = () => ({ seconds: (Date.now() - began) / 1000, memoryMiB: [before, peakMiB] as const });
  try {
    const value = await Promise.race([work(), late]);
    keep({ name, ...taken(), value });
    return value;
  } catch (error) {
    keep({ name, ...taken(), error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    await browser.close();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function keep(each: Case): void {
  cases.push(each);
  console.log(
    `${new Date().toISOString().slice(11, 19)} ${each.name}: ${each.error ?? 'done'} (${each.seconds.toFixed(1)} s)`,
  );
  const shown = JSON.stringify(each.value, (key, value) => (HIDDEN.has(key) ? undefined : value)) ?? '';
  console.log(`  ${shown.slice(0, 700)}`);
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify({ tried: browser.tried, cases })}\n`);
}

function difference(a: readonly number[], b: readonly number[]) {
  const rms = Math.sqrt(a.reduce((sum, value) => sum + value * value, 0) / a.length);
  const largest = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  return { lengths: [a.length, b.length], rms, largest };
}

/** Where there is an NVIDIA driver. */
function watchMemory() {
  try {
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '-lms', '200'];
    const process = spawn('nvidia-smi', query, { stdio: ['ignore', 'pipe', 'ignore'] });
    process.on('error', () => undefined);
    process.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) {
        memoryMiB = Number(line) || memoryMiB;
        peakMiB = Math.max(peakMiB, memoryMiB);
      }
    });
    return process;
  } catch {
    return null;
  }
}
