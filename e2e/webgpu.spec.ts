/**
 * The same job on WebGPU (SwiftShader) and on WASM: a micro clip, at most ~3 GFLOP in all, latents within 1e-3 given the same
 * pixels and noise; and the real page on WebGPU.
 */

import { expect, test } from '@playwright/test';
import { DEFAULT_SETTINGS } from '../workers/plan/settings.ts';
import { demux } from './demux.ts';
import { CLIPS_URL, engine, MODELS_URL } from './engine-harness.ts';
import { EnhancerPage } from './enhancer-page.ts';

/** Of nano's ControlNet and UNet by onnxruntime 1.30: 1176 on SwiftShader. */
const MOST_DISPATCHES = 1250;

test('latents agree with WASM’s', async ({ context }) => {
  const job = {
    kind: 'job',
    url: `${CLIPS_URL}/real_160x90.mp4`,
    settings: { ...DEFAULT_SETTINGS, scale: 2, frameRateFactor: 2, strength: 0.5, seed: 11, steps: 2 },
    frames: 2,
    crop: { width: 32, height: 32 },
    unet: 'real',
    keepLatents: true,
    modelsUrl: MODELS_URL,
  } as const;
  const wasm = await engine(context, { ...job, provider: 'wasm' });
  const webgpu = await engine(context, { ...job, provider: 'webgpu' });
  expect(webgpu.latents).toHaveLength(wasm.latents.length);
  const rms = Math.sqrt(wasm.latents.reduce((sum, value) => sum + value * value, 0) / wasm.latents.length);
  const worst = wasm.latents.reduce((most, value, i) => Math.max(most, Math.abs(value - webgpu.latents[i]!)), 0);
  console.log(
    `latents: rms ${rms.toFixed(3)}, greatest difference ${worst.toExponential(2)}; ` +
      `WebGPU ${webgpu.seconds.toFixed(1)} s, ledger peak ${(webgpu.peakGpuLedgerBytes / 2 ** 20).toFixed(1)} MiB; ` +
      `WASM ${wasm.seconds.toFixed(1)} s`,
  );
  expect(rms).toBeGreaterThan(0.01);
  expect(worst).toBeLessThanOrEqual(1e-3);
  expect(webgpu.peakGpuLedgerBytes).toBeGreaterThan(0);
  // Counts, which are the same on every machine (docs/performance.md): a graph or a provider that grew is slower on all of them.
  const { dispatches, bytesRead } = webgpu.gpuPerEvaluation;
  console.log(`an evaluation: ${dispatches} dispatches, ${bytesRead} bytes read back`);
  expect(dispatches).toBeGreaterThan(0);
  expect(dispatches).toBeLessThanOrEqual(MOST_DISPATCHES);
});

test('the page works on WebGPU when it is forced to', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=webgpu');
  await expect(page.locator('[data-provider=webgpu]').first()).toBeVisible({ timeout: 60_000 });
  await enhancer.choose('e2e/fixtures/clips/self__2x2.mp4');
  await enhancer.set({ Scale: 8, 'Frame rate': 1, Strength: 0, Steps: 1 });
  const output = await demux(await enhancer.run(220_000));
  expect([output.video.width, output.video.height]).toEqual([16, 16]);
});

test('left alone, it prefers the processor to an emulated GPU, and says why', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open();
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible({ timeout: 60_000 });
  await enhancer.choose('e2e/fixtures/clips/real_160x90.mp4');
  await expect(page.getByText(/emulated on the processor/).first()).toBeVisible();
});
