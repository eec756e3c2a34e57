/**
 * Benchmarks the pipeline in a real browser: per stage time, the networks' GFLOP/s, and the share of time outside the models.
 *
 * `npm run bench` runs nano on WASM and, with a micro clip, on whatever WebGPU adapter the browser has (SwiftShader where
 * there is no GPU: its figures say nothing of real ones). Prints a table; `--json FILE` also writes the figures.
 */

import { writeFileSync } from 'node:fs';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import type { JobOutcome } from '../e2e/engine/harness.worker.ts';
import { engine } from '../e2e/engine-harness.ts';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';
import { DEFAULT_SETTINGS } from '../workers/plan/settings.ts';
import { findBrowser } from './find-browser.ts';

const PORT = 4174;
const SOURCES = `http://localhost:${PORT}`;

interface Case {
  readonly name: string;
  readonly provider: 'wasm' | 'webgpu';
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
  { name: 'WASM 640×360 ×1', provider: 'wasm', frames: 8, scale: 4, frameRateFactor: 1, steps: 1 },
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

const server = await createServer({ server: { port: PORT, strictPort: true, hmr: false }, logLevel: 'error' });
await server.listen();
const browser = await chromium.launch({ executablePath: findBrowser().path, args: CHROMIUM_ARGUMENTS });
const results: { name: string; outcome: JobOutcome }[] = [];
try {
  for (const { name, provider, frames, crop, scale, frameRateFactor, steps } of CASES) {
    const context = await browser.newContext();
    const outcome = await engine(context, {
      kind: 'job',
      provider,
      url: `${SOURCES}/e2e/fixtures/clips/real_160x90.mp4`,
      settings: { ...DEFAULT_SETTINGS, scale, frameRateFactor, steps, strength: 0 },
      frames,
      ...(crop ? { crop } : {}),
      unet: 'real',
      modelsUrl: `${SOURCES}/models/`,
    });
    await context.close();
    results.push({ name, outcome });
  }
} finally {
  await browser.close();
  await server.close();
}

const stages = ['decode', 'condition', 'denoise', 'reconstruct'];
const columns = ['case', 'frames', 'seconds', ...stages, 'GFLOP', 'GFLOP/s', 'outside models', 'GPU ledger peak'];
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`);
for (const { name, outcome } of results) {
  const { plan, seconds, secondsByStage, modelSeconds, evaluateSeconds, evaluateGigaflops } = outcome;
  const cells = [
    name,
    plan.output.frameCount,
    seconds.toFixed(2),
    ...stages.map((stage) => (secondsByStage[stage] ?? 0).toFixed(2)),
    evaluateGigaflops.toFixed(1),
    (evaluateGigaflops / evaluateSeconds).toFixed(1),
    `${((1 - modelSeconds / seconds) * 100).toFixed(1)}%`,
    `${(outcome.peakGpuLedgerBytes / 2 ** 20).toFixed(1)} MiB`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

const target = process.argv[process.argv.indexOf('--json') + 1];
if (process.argv.includes('--json') && target) {
  const figures = results.map(({ name, outcome: { latents: _, ...figures } }) => ({ name, ...figures }));
  writeFileSync(target, `${JSON.stringify(figures, null, 2)}\n`);
}
