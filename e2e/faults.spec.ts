/**
 * Everything that may go in the middle of a job, in a real browser: it recovers by itself where it can, else stops at the last window with a
 * coded error, hands out what is finished, and goes on when the cause is gone. By command, `npm run faults`: ten device losses on an emulated
 * GPU take minutes each.
 */

import { type BrowserContext, type CDPSession, expect, type Page, test } from '@playwright/test';
import { DEFAULT_SETTINGS } from '../workers/plan/settings.ts';
import { demux } from './demux.ts';
import type { FaultCommand, FaultResult } from './engine/faults.worker.ts';
import { CLIPS_URL, MODELS_URL, SOURCES_URL } from './engine-harness.ts';
import { KillableBrowser } from './killable-browser.ts';

const POINTS = Number(process.env.FAULT_POINTS ?? 0);
const RECIPE = { ...DEFAULT_SETTINGS, strength: 0.3, seed: 5, steps: 2 };

/** Of 16×16 pixels: what an emulated GPU can do in seconds. */
const ON_GPU = {
  kind: 'enhance',
  provider: 'webgpu',
  clipUrl: `${CLIPS_URL}/self__2x2.mp4`,
  frames: 24,
  settings: { ...RECIPE, scale: 8 },
  memoryBudgetBytes: null,
  modelsUrl: MODELS_URL,
} as const;
const ON_PROCESSOR = {
  ...ON_GPU,
  provider: 'wasm',
  clipUrl: `${CLIPS_URL}/self__loop_32x32.mp4`,
  frames: 40,
  settings: { ...RECIPE, scale: 1 },
} as const;

declare global {
  interface Window {
    faults(command: FaultCommand): Promise<FaultResult>;
    faultFramesDone(): number;
  }
}

test.skip(POINTS === 0, 'by command: npm run faults');
test.setTimeout(1_200_000);

/** Each test has a browser context, and so a storage, of its own. */
async function harness(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${SOURCES_URL}/e2e/engine/faults.html`);
  await page.waitForFunction(() => 'faults' in window);
  return page;
}

function faults(page: Page, command: Omit<FaultCommand, 'jobId'>): Promise<FaultResult> {
  return page.evaluate((each) => window.faults(each), { jobId: 'job', ...command });
}

/** Least likeness of the frames that entered the encoder, in decibels; infinite where they are the same. */
function likeness(whole: FaultResult, other: FaultResult): number {
  const times = Object.keys(other.frames).map(Number);
  return Math.min(
    ...times.map((time) => {
      const [a, b] = [whole.frames[time]!, other.frames[time]!];
      if (a.hash === b.hash) return Number.POSITIVE_INFINITY;
      const square = a.rgba.reduce((sum, value, i) => sum + (value - b.rgba[i]!) ** 2, 0) / a.rgba.length;
      return 10 * Math.log10(255 ** 2 / square);
    }),
  );
}

/** Stopped with this code, between none and all of it done, with a playable file of what is. */
async function expectStopped({ error, kept, partBase64 }: FaultResult, code: string): Promise<void> {
  expect(error?.code, error?.detail).toBe(code);
  expect(kept!.framesDone).toBeGreaterThan(0);
  const part = await demux(Buffer.from(partBase64!, 'base64'));
  expect(part.video.samples).toHaveLength(kept!.framesDone);
  expect(part.video.samples[0]!.sync).toBe(true);
}

/** On WebGPU and on WASM alike the uninterrupted job, made once a worker. */
const wholes = new Map<string, FaultResult>();

async function whole(context: BrowserContext, command: Omit<FaultCommand, 'jobId' | 'fault'>): Promise<FaultResult> {
  const key = JSON.stringify(command);
  const known = wholes.get(key);
  if (known) return known;
  const made = await faults(await harness(context), { ...command, fault: { kind: 'none' } });
  expect(made.error).toBeNull();
  expect(made.report!.windows).toBeGreaterThan(1);
  console.log(
    `uninterrupted on ${command.provider}: ${made.submits} submissions, ${made.report!.seconds.toFixed(1)} s`,
  );
  wholes.set(key, made);
  return made;
}

for (let point = 1; point <= POINTS; point += 1) {
  test(`the GPU device is lost at point ${point} of ${POINTS}`, async ({ context, browser }) => {
    const uninterrupted = await whole(await browser.newContext(), ON_GPU);
    const atSubmit = Math.max(1, Math.floor((uninterrupted.submits * (point - 0.5)) / POINTS));
    const result = await faults(await harness(context), { ...ON_GPU, fault: { kind: 'device-lost', atSubmit } });
    expect(result.error).toBeNull();
    expect(result.report!.notices.join()).toContain('The GPU stopped responding');
    expect(Object.keys(result.frames)).toEqual(Object.keys(uninterrupted.frames));
    const decibels = likeness(uninterrupted, result);
    console.log(`device lost at submission ${atSubmit} of ${uninterrupted.submits}: ${decibels} dB`);
    expect(decibels).toBeGreaterThanOrEqual(50);
  });
}

test('a job begun on WebGPU goes on in another worker, on another device, within 50 dB', async ({
  context,
  browser,
}) => {
  const uninterrupted = await whole(await browser.newContext(), ON_GPU);
  const page = await harness(context);
  const stopped = await faults(page, { ...ON_GPU, fault: { kind: 'cancel', atFrame: 16 } });
  await expectStopped(stopped, 'CANCELLED');
  const result = await faults(page, { ...ON_GPU, kind: 'go-on', fault: { kind: 'none' } });
  expect(result.error).toBeNull();
  const decibels = likeness(uninterrupted, result);
  console.log(`resumed on WebGPU with ${stopped.kept!.framesDone} frames kept: ${decibels} dB`);
  expect(decibels).toBeGreaterThanOrEqual(50);
});

test('a job begun on the GPU goes on on the processor, and the report says so', async ({ context }) => {
  const page = await harness(context);
  const stopped = await faults(page, { ...ON_GPU, fault: { kind: 'cancel', atFrame: 16 } });
  await expectStopped(stopped, 'CANCELLED');
  const result = await faults(page, { ...ON_GPU, kind: 'go-on', provider: 'wasm', fault: { kind: 'none' } });
  expect(result.error).toBeNull();
  expect(result.kept!.framesDone).toBe(ON_GPU.frames);
  expect(result.report!.notices.join()).toContain('Begun on the GPU, finished on the processor');
});

test('GPU memory runs out: on with smaller tiles, and said so', async ({ context }) => {
  const { frames: _, ...rest } = ON_GPU;
  const settings = { ...RECIPE, scale: 2, steps: 1, range: { startUs: 0, endUs: 60_000 } };
  const result = await faults(await harness(context), {
    ...rest,
    clipUrl: `${CLIPS_URL}/real_160x90.mp4`,
    settings,
    fault: { kind: 'gpu-memory', atBuffer: 40 },
  });
  expect(result.error).toBeNull();
  console.log(`out of GPU memory: ${result.report!.notices.join(' ')}`);
  expect(result.report!.notices.join()).toMatch(/Memory ran out with 1 tile; it went on with \d/);
});

for (const [on, command] of [
  ['processor', ON_PROCESSOR],
  ['GPU', ON_GPU],
] as const) {
  test(`a pause leaves the ${on} idle within one tile, and says what it holds`, async ({ context }) => {
    const result = await faults(await harness(context), { ...command, fault: { kind: 'pause', atRun: PAUSED_RUN } });
    expect(result.error).toBeNull();
    const { runsUntilIdle, runsWhilePaused, submitsWhilePaused, holds } = result.pause!;
    expect(runsUntilIdle).toBeLessThanOrEqual(RUNS_OF_A_TILE);
    expect([runsWhilePaused, submitsWhilePaused]).toEqual([0, 0]);
    // A state of the open windows: some frames' latents.
    expect(holds!.storageBytes).toBeGreaterThan(10_000);
    if (on === 'GPU') expect(holds!.gpuBytes).toBeGreaterThan(0);
    console.log(`pause: ${runsUntilIdle} model runs until idle, ${JSON.stringify(holds)}`);
  });
}

test('an encoder that is taken back is started anew: the same file, and nothing to tell', async ({
  context,
  browser,
}) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  const fault = { kind: 'encoder', atPicture: 25, count: 1 } as const;
  const result = await faults(await harness(context), { ...ON_PROCESSOR, fault });
  expect(result.error).toBeNull();
  expect(result.report!.notices).toEqual(uninterrupted.report!.notices);
  expect(result.outputHash).toBe(uninterrupted.outputHash);
});

test('encoders that fail give way to the browser’s own software', async ({ context, browser }) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  const fault = { kind: 'encoder', atPicture: 0, count: 'hardware' } as const;
  const result = await faults(await harness(context), { ...ON_PROCESSOR, fault });
  expect(result.error).toBeNull();
  expect(result.report!.notices.join()).toContain('went on with another');
  expect(likeness(uninterrupted, result)).toBe(Number.POSITIVE_INFINITY);
});

test('a codec whose encoders all fail gives way to another for a new file', async ({ context, browser }) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  expect(uninterrupted.report!.videoCodec).toMatch(/^avc1/);
  const fault = { kind: 'encoder', atPicture: 0, count: 'h264' } as const;
  const result = await faults(await harness(context), { ...ON_PROCESSOR, fault });
  expect(result.error).toBeNull();
  expect(result.report!.videoCodec).toMatch(/^(av01|vp09|hev1|hvc1)/);
  expect(result.report!.notices.join()).toContain('went on with another');
  // Not a picture was made again for it.
  expect(result.frames).toEqual(uninterrupted.frames);
});

test('no encoder at all: every picture waits for one, and on when there is one again', async ({ context, browser }) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  const page = await harness(context);
  const fault = { kind: 'encoder', atPicture: 25, count: 1000 } as const;
  const stopped = await faults(page, { ...ON_PROCESSOR, fault });
  expect(stopped.error?.code).toBe('ENCODE_FAILED');
  expect(stopped.kept!.framesDone).toBe(ON_PROCESSOR.frames);
  const result = await faults(page, { ...ON_PROCESSOR, kind: 'go-on', fault: { kind: 'none' } });
  expect(result.outputHash).toBe(uninterrupted.outputHash);
  // None was made again.
  expect(result.frames).toEqual({});
});

for (const how of ['written', 'removed'] as const) {
  test(`the clip’s file is ${how} under the job: stopped, and on when it is as it was`, async ({ context }) => {
    // So much that it can't have been read by the time that it is changed.
    const command = { ...ON_PROCESSOR, frames: 90, paddingBytes: 100_000, settings: { ...RECIPE, scale: 1, steps: 1 } };
    const page = await harness(context);
    const stopped = await faults(page, { ...command, fault: { kind: 'source', atFrame: 14, how } });
    await expectStopped(stopped, 'SOURCE_CHANGED');
    const other = await faults(page, { ...command, kind: 'go-on', frames: 89, fault: { kind: 'none' } });
    expect(other.error?.code).toBe('SOURCE_CHANGED');
    const result = await faults(page, { ...command, kind: 'go-on', fault: { kind: 'none' } });
    expect(result.error).toBeNull();
    expect(result.kept!.framesDone).toBe(90);
    // What was finished before was not made again.
    expect(Object.keys(result.frames).length).toBeLessThan(90);
  });
}

test('the browser’s quota: refused before the start; reached in the middle, stopped, and on with room again', async ({
  context,
  browser,
}) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  const page = await harness(context);
  const session = await context.newCDPSession(page);
  await faults(page, { ...ON_PROCESSOR, kind: 'store', fault: { kind: 'none' } });
  await quota(session, 1);
  const refused = await faults(page, { ...ON_PROCESSOR, fault: { kind: 'none' } });
  expect(refused.error?.code).toBe('QUOTA_EXCEEDED');
  expect(refused.kept).toBeNull();
  await quota(session, null);

  const running = faults(page, { ...ON_PROCESSOR, fault: { kind: 'none' } });
  const shown = () => page.evaluate(() => window.faultFramesDone());
  await expect.poll(shown, { timeout: 200_000, intervals: [20] }).toBeGreaterThan(12);
  await quota(session, 1);
  const stopped = await running;
  console.log(`quota reached: ${stopped.error?.detail}, ${stopped.kept?.framesDone} frames kept`);
  await expectStopped(stopped, 'QUOTA_EXCEEDED');
  await quota(session, null);
  const result = await faults(page, { ...ON_PROCESSOR, kind: 'go-on', fault: { kind: 'none' } });
  expect(result.outputHash).toBe(uninterrupted.outputHash);
});

test('the browser’s quota reached on disk: files have a mebibyte more each, and a job this small ends in it', async ({
  browser,
}) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  // A test's own context keeps its files in memory.
  const profile = new KillableBrowser(SOURCES_URL);
  try {
    const context = (await profile.start()).context();
    const page = await harness(context);
    const session = await context.newCDPSession(page);
    const running = faults(page, { ...ON_PROCESSOR, fault: { kind: 'none' } });
    const shown = () => page.evaluate(() => window.faultFramesDone());
    await expect.poll(shown, { timeout: 200_000, intervals: [20] }).toBeGreaterThan(0);
    await quota(session, 1);
    const result = await running;
    expect(result.error).toBeNull();
    // There is no room for the file: it was made in memory.
    expect(result.outputHash).toBe(uninterrupted.outputHash);
  } finally {
    await profile.dispose();
  }
});

test('storage runs full in the middle of a window’s record: stopped, and on when there is space', async ({
  context,
  browser,
}) => {
  const uninterrupted = await whole(await browser.newContext(), ON_PROCESSOR);
  const page = await harness(context);
  await expectStopped(await faults(page, { ...ON_PROCESSOR, fault: { kind: 'quota', atFrame: 18 } }), 'QUOTA_EXCEEDED');
  const result = await faults(page, { ...ON_PROCESSOR, kind: 'go-on', fault: { kind: 'none' } });
  expect(result.outputHash).toBe(uninterrupted.outputHash);
});

/** ControlNet and UNet. */
const RUNS_OF_A_TILE = 2;
/** Of twelve: three windows, two evaluations. */
const PAUSED_RUN = 7;

async function quota(session: CDPSession, bytes: number | null): Promise<void> {
  await session.send('Storage.overrideQuotaForOrigin', {
    origin: SOURCES_URL,
    ...(bytes === null ? {} : { quotaSize: bytes }),
  });
}
