/** The main job through the real page, in a real browser, on a real clip: what comes out, and what it looks like. */

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { modelInfo } from '../workers/models/model-info.ts';
import { readManifest } from '../workers/models/package.ts';
import { clipOf, deviceOf } from '../workers/plan/fixtures/plan-inputs.ts';
import type { JobPlan } from '../workers/plan/job-plan.ts';
import { planJob } from '../workers/plan/plan-job.ts';
import { DEFAULT_SETTINGS } from '../workers/plan/settings.ts';
import { demux } from './demux.ts';
import { CLIPS_URL, engine, MODELS_URL } from './engine-harness.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const TRUTH_URL = `${CLIPS_URL}/real_320x180_truth.mp4`;
const RECIPE = { Scale: 2, 'Frame rate': 2, Strength: 0, Seed: 7, Steps: 1 } as const;
const SETTINGS = { ...DEFAULT_SETTINGS, scale: 2, frameRateFactor: 2, strength: 0, seed: 7, steps: 1 };

/** What the UNet must be worth at scale 4 on a clip of the kind that it is for. */
const MODEL_MATTERS_DB = 0.3;
/** All but a hundredth of the model's gain is its decoder's, and at strength 0 all of it (docs/nano.md, “The eighth run”); the same job gives the same figure to the last digit. */
const UNET_MATTERS_DB = 0.005;

let download: Buffer;
/** Makes a few windows, and three tiles at least, of it. */
let small: { readonly megabytes: number; readonly plan: JobPlan };
/** The clip's own unevenness in a file of these groups: the same job without the UNet, in which there are no windows to see. */
let floorInFile: { tiles: number; windows: number };

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  const info = modelInfo(
    await readManifest({ read: async (name) => new Uint8Array(readFileSync(`public/models/nano/${name}`)) }),
  );
  const plans = Array.from({ length: 190 }, (_, i) => {
    const memoryBudgetBytes = (10 + i) * 1e6;
    const plan = planJob(clipOf(160, 90, 16), SETTINGS, deviceOf({ provider: 'wasm' }), info, { memoryBudgetBytes });
    return { megabytes: 10 + i, plan };
  });
  small = plans.find(({ plan }) => isCut(plan))!;
});

/** By so much that borders lie everywhere, and by no more than takes a test seconds. */
function isCut({ windows, tiles }: JobPlan): boolean {
  return windows.length >= 3 && windows.length <= 5 && tiles.length >= 3;
}

test('a clip goes in, an enhanced MP4 comes out', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await expect(page.getByText(/320\s*×\s*180/).first()).toBeVisible();
  await expect(enhancer.enhance).toBeEnabled();
  await enhancer.enhance.click();
  await expect(enhancer.progress).toBeVisible();
  download = await enhancer.download(220_000);
  expect(enhancer.strayRequests).toEqual([]);

  const source = await demux(readFileSync(CLIP));
  const output = await demux(download);
  expect(output.video.codec).toMatch(/^avc1/);
  expect([output.video.width, output.video.height]).toEqual([320, 180]);
  expect(output.video.samples).toHaveLength(31);
  expect(output.video.samples[0]!.sync).toBe(true);

  const seconds = (track: typeof source.video) =>
    track.samples.reduce((sum, { duration }) => sum + duration, 0) / track.timescale;
  const frameSeconds = 1 / 30;
  expect(Math.abs(seconds(output.video) - seconds(source.video))).toBeLessThanOrEqual(frameSeconds);
  const spacing = output.video.samples.slice(0, -1).map(({ duration }) => duration / output.video.timescale);
  for (const each of spacing) expect(each).toBeCloseTo(frameSeconds, 4);

  expect(output.audio).toHaveLength(1);
  const [before, after] = [source.audio[0]!, output.audio[0]!];
  expect(after.codec).toBe(before.codec);
  expect(after.samples).toHaveLength(before.samples.length);
  for (const [index, { data }] of before.samples.entries()) {
    expect(Buffer.from(after.samples[index]!.data).equals(Buffer.from(data))).toBe(true);
  }
});

test('its pixels are the clip’s, enlarged and smoothed, without a seam', async ({ context }) => {
  const judged = await engine(context, { kind: 'compare', output: download.toString('base64'), truthUrl: TRUTH_URL });
  expect(judged.frames).toBe(31);
  const job = {
    kind: 'job',
    provider: 'wasm',
    url: `${CLIPS_URL}/real_160x90.mp4`,
    settings: SETTINGS,
    frames: 16,
    memoryBudgetBytes: small.megabytes * 1e6,
    truthUrl: TRUTH_URL,
    modelsUrl: MODELS_URL,
  } as const;
  const made = await engine(context, { ...job, unet: 'real' });
  // Without the UNet there are no windows to see: what is measured then is the clip's own unevenness.
  const floor = await engine(context, { ...job, unet: 'silent' });
  console.log(
    `PSNR against the truth: download ${judged.psnr.toFixed(2)} dB (worst frame ${judged.worstPsnr.toFixed(2)}), ` +
      `before encoding ${made.psnr!.toFixed(2)}; across borders against elsewhere ${JSON.stringify(made.seams)}, ` +
      `without the UNet ${JSON.stringify(floor.seams)}`,
  );
  floorInFile = floor.seamsInFile!;
  // The download is what the pipeline made, less what encoding costs.
  expect(judged.psnr).toBeGreaterThan(made.psnr! - 1.5);
  expect(judged.worstPsnr).toBeGreaterThan(28);
  expect(isCut(made.plan)).toBe(true);
  expect(made.seams!.tiles / floor.seams!.tiles).toBeLessThanOrEqual(1.1);
  expect(made.seams!.windows / floor.seams!.windows).toBeLessThanOrEqual(1.1);
});

test('the model matters: with its UNet silenced the picture is further from the truth, with its decoder too far further', async ({
  context,
}) => {
  const job = {
    kind: 'job',
    provider: 'wasm',
    url: `${CLIPS_URL}/generated_80x44.mp4`,
    settings: { ...DEFAULT_SETTINGS, scale: 4, frameRateFactor: 1, strength: 1, seed: 7, steps: 1 },
    frames: 8,
    truthUrl: `${CLIPS_URL}/generated_320x176_truth.mp4`,
    modelsUrl: MODELS_URL,
  } as const;
  const real = await engine(context, { ...job, unet: 'real' });
  const silent = await engine(context, { ...job, unet: 'silent' });
  const enlarged = await engine(context, { ...job, unet: 'silent', decoder: 'source' });
  const [psnr, withoutUnet, withoutModel] = [real, silent, enlarged].map((run) => run.psnr!) as [
    number,
    number,
    number,
  ];
  console.log(
    `scale 4, strength 1: ${psnr} dB, with the UNet silenced ${withoutUnet}, with the decoder too ${withoutModel}`,
  );
  expect(psnr).toBeGreaterThan(withoutUnet + UNET_MATTERS_DB);
  expect(psnr).toBeGreaterThan(withoutModel + MODEL_MATTERS_DB);
});

test('a small memory budget cuts it into tiles and windows', async ({ page, context }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open(`?provider=wasm&budget=${small.megabytes}`);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  await expect(page.getByText(`${small.plan.windows.length} windows × ${small.plan.tiles.length} tiles`)).toBeVisible();
  const output = await enhancer.run(220_000);
  const judged = await engine(context, {
    kind: 'seams',
    output: output.toString('base64'),
    truthUrl: TRUTH_URL,
    sourceUrl: `${CLIPS_URL}/real_160x90.mp4`,
    settings: SETTINGS,
    memoryBudgetBytes: small.megabytes * 1e6,
    modelsUrl: MODELS_URL,
  });
  console.log(`in the file, across borders against elsewhere: ${JSON.stringify({ judged, floorInFile })}`);
  // Windows share a group of pictures, so that no key frame repaints the picture at their borders.
  expect((await demux(output)).video.samples.flatMap(({ sync }, frame) => (sync ? [frame] : []))).toEqual([0]);
  // The truth itself is 1.13 times as steep where tiles meet here as elsewhere, and the same job without its UNet 1.11 times as far from it there: tiles' distance from it is judged against that, and both by themselves.
  expect(judged.plainTiles).toBeLessThanOrEqual(1.1);
  expect(judged.plainWindows).toBeLessThanOrEqual(1.1);
  expect(judged.tiles / floorInFile.tiles).toBeLessThanOrEqual(1.1);
  expect(judged.windows / floorInFile.windows).toBeLessThanOrEqual(1.1);
});
