/** The job that is killed at every moment there is: small pictures, three windows, twelve evaluations, over in seconds. */

import { expect, type Page } from '@playwright/test';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

export const CLIP = 'e2e/fixtures/clips/self__loop_32x32.mp4';
export const FRAMES = 40;
export const QUERY = '?provider=wasm';
export const RECIPE = { Scale: 1, 'Frame rate': 1, Strength: 0.3, Seed: 5, Steps: 4 } as const;
export const WINDOW_FRAMES = 17;
/** With a busy machine. */
export const PATIENCE = { timeout: 120_000 };
/** Nothing happens for so long: it has come to a halt. */
const STALLED_MS = 240_000;
/** Of a record without a body: frame, head. Of the journal, the first makes the job known, the second fixes its plan. */
export const RECORD_WRITES = 2;

export type Written = () => Promise<{ readonly count: number; readonly stopped: boolean }>;

/** Ready to be started. */
export async function begin(page: Page, keepCopy = false): Promise<EnhancerPage> {
  const enhancer = new EnhancerPage(page);
  await enhancer.open(QUERY);
  await enhancer.choose(CLIP);
  await enhancer.set(RECIPE);
  if (keepCopy) await page.getByLabel('Keep a copy of the clip with the job').check();
  await expect(enhancer.enhance).toBeEnabled(PATIENCE);
  await expect(page.locator('[data-provider=wasm]').first()).toBeVisible(PATIENCE);
  return enhancer;
}

/** Chooses the clip again, since a file input leaves no handle. @returns the frames that were kept. */
export async function goOn(enhancer: EnhancerPage): Promise<number> {
  await enhancer.open(QUERY);
  const { offer } = enhancer;
  await expect(offer).toHaveCount(1, PATIENCE);
  const kept = Number(await offer.getAttribute('data-frames-done'));
  await enhancer.goOn();
  await expect(enhancer.page.getByText(/Choose self__loop_32x32.mp4 again/)).toBeVisible(PATIENCE);
  await enhancer.choose(CLIP);
  return kept;
}

/** However slow the machine: as long as more is written. */
export async function stoodStill(written: Written): Promise<void> {
  let seen = { count: 0, stopped: false };
  for (let deadline = performance.now() + STALLED_MS; !seen.stopped; ) {
    const now = await written();
    if (now.count !== seen.count) deadline = performance.now() + STALLED_MS;
    seen = now;
    expect(performance.now(), `nothing written after write ${seen.count}`).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Of the video, in order. */
export async function packets(output: Buffer): Promise<Buffer[]> {
  return (await demux(output)).video.samples.map(({ data }) => Buffer.from(data));
}

/** Folders of finished files in private storage. */
export function outputFolders(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const names: string[] = [];
    const root = await navigator.storage.getDirectory();
    const outputs = await root.getDirectoryHandle('outputs').catch(() => null);
    if (outputs) for await (const name of outputs.keys()) names.push(name);
    return names;
  });
}

/** Whether the history has the newest of them: the record lies beside it. */
export async function isRemembered(page: Page): Promise<boolean> {
  const folder = (await outputFolders(page)).sort().at(-1);
  if (folder === undefined) return false;
  return page.evaluate(async (name) => {
    const outputs = await (await navigator.storage.getDirectory()).getDirectoryHandle('outputs');
    const record = await (await outputs.getDirectoryHandle(name)).getFileHandle('history.json').catch(() => null);
    return ((await record?.getFile())?.size ?? 0) > 0;
  }, folder);
}
