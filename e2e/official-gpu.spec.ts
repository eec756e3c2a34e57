/**
 * The official model on WebGPU (SwiftShader): a network in pieces and in sections against the same network whole; and the peak of memory that a plan predicts
 * against the ledger of the job. For the latter the emulated GPU makes and frees every buffer and computes nothing (tools/gpu/idle-device.js).
 */

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import {
  safetensorsCheckpoint,
  tinyAutoencoderTensors,
  tinyNetworkTensors,
  tinyTextTensors,
} from '../tools/tiny-model.ts';
import { CLIPS_URL, SOURCES_URL } from './engine-harness.ts';
import type { GpuHarness, JobOrder } from './gpu/harness.ts';

declare global {
  interface Window {
    gpu: GpuHarness;
  }
}

const MIB = 2 ** 20;
/** Of the ledger. */
const TOLERANCE = 0.15;

async function openHarness(page: Page): Promise<void> {
  await page.goto(`${SOURCES_URL}/e2e/gpu/harness.html`);
  await page.waitForFunction(() => 'gpu' in window);
}

test('pieces and sections give what the whole network gives', async ({ page }) => {
  await openHarness(page);
  const figures = await page.evaluate(() => window.gpu.pieces('webgpu'));
  console.log(JSON.stringify(figures));
  if (figures.kind !== 'pieces') throw new Error(JSON.stringify(figures));
  expect(figures.provider).toBe('webgpu');
  expect(figures.rms).toBeGreaterThan(0.05);
  // Every row is computed as before. Where the UNet is cut apart, the provider fuses a little less.
  for (const error of [figures.residuals, figures.inPieces]) expect(error).toBeLessThan(1e-5);
  expect(figures.inSections).toBeLessThan(2e-4);
});

test('the predicted peak is within 15 % of the ledger', async ({ page }) => {
  const idle = readFileSync('tools/gpu/idle-device.js', 'utf8');
  await page.route('**/enhancer.worker*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${idle}\n${await response.text()}` });
  });
  await openHarness(page);
  const upload = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer });
  await page
    .getByLabel('Files')
    .setInputFiles([
      upload('tiny.safetensors', safetensorsCheckpoint(tinyNetworkTensors())),
      upload('vae.safetensors', safetensorsCheckpoint(tinyAutoencoderTensors())),
      upload('text.safetensors', safetensorsCheckpoint(tinyTextTensors())),
    ]);
  const { id } = await page.evaluate(() => window.gpu.install('balanced'));
  const prompted = { model: id, frameRateFactor: 1, steps: 1, stepPlan: 'normal', solver: 'ddim', prompt: 'a kite' };
  const jobs: readonly [string, Partial<JobOrder>][] = [
    ['80×44, all', { settings: { ...prompted, scale: 1 } as JobOrder['settings'] }],
    [
      '240×132, taking turns',
      { memoryBudgetBytes: 160 * MIB, settings: { ...prompted, scale: 3 } as JobOrder['settings'] },
    ],
    ['nano, 320×176', { prompted: false, settings: { scale: 4, frameRateFactor: 1, strength: 0.3, steps: 1 } }],
  ];
  const residencies = new Set<string | undefined>();
  for (const [name, differing] of jobs) {
    const order: JobOrder = {
      provider: 'webgpu',
      memoryBudgetBytes: null,
      clipUrl: `${CLIPS_URL}/generated_80x44.mp4`,
      prompted: true,
      settings: {},
      ...differing,
    };
    const { plans, report } = await page.evaluate((given) => window.gpu.job(given), order);
    const { bytes, residency, tiles } = plans[0]!;
    const ratio = bytes.device / report.peakGpuLedgerBytes;
    const mib = (count: number) => (count / MIB).toFixed(1);
    console.log(
      `${name}: ${residency ?? 'all'}, ${tiles.length} tiles, predicted ${mib(bytes.device)} MiB, ledger ${mib(report.peakGpuLedgerBytes)}: ${ratio.toFixed(2)}`,
    );
    residencies.add(residency);
    expect(Math.abs(ratio - 1), name).toBeLessThanOrEqual(TOLERANCE);
  }
  expect(residencies.size).toBeGreaterThan(1);
});
