/**
 * The official model's way through the page: three files in, converted in the browser, chosen, prompted, run, downloaded. The files are a
 * tiny model of the family (tools/tiny-model.ts).
 */

import { writeFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import {
  safetensorsCheckpoint,
  tinyAutoencoderTensors,
  tinyNetworkTensors,
  tinyTextTensors,
  torchCheckpoint,
} from '../tools/tiny-model.ts';
import { demux } from './demux.ts';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/generated_80x44.mp4';

interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

let files: { readonly network: Upload; readonly autoencoder: Upload; readonly text: Upload };

const upload = (name: string, buffer: Buffer): Upload => ({ name, mimeType: 'application/octet-stream', buffer });

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  files = {
    network: upload('venhancer_tiny.pt', await torchCheckpoint(tinyNetworkTensors())),
    autoencoder: upload('vae.safetensors', safetensorsCheckpoint(tinyAutoencoderTensors())),
    text: upload('open_clip.bin', await torchCheckpoint(tinyTextTensors())),
  };
});

class Manager {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get dialog() {
    return this.page.getByRole('dialog', { name: 'Models' });
  }

  async open(): Promise<void> {
    await this.page.getByRole('button', { name: 'Models', exact: true }).click();
    await expect(this.dialog).toBeVisible();
  }

  async close(): Promise<void> {
    await this.dialog.getByRole('button', { name: 'Close' }).click();
  }

  async add(...chosen: Upload[]): Promise<void> {
    await this.dialog.getByLabel('Model files').setInputFiles(chosen);
  }

  async install(precision: RegExp): Promise<void> {
    await this.dialog.getByRole('radio', { name: precision }).check();
    await this.dialog.getByRole('button', { name: 'Import' }).click();
  }
}

test('wrong and missing files are named before anything is written', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const manager = new Manager(page);
  await manager.open();
  await expect(manager.dialog.getByRole('link', { name: 'jwhejwhe/VEnhancer' })).toBeVisible();
  await manager.add(files.network);
  await expect(manager.dialog.getByText('Still missing: the autoencoder, the text encoder.')).toBeVisible();
  const cut = upload('cut.pt', files.text.buffer.subarray(0, files.text.buffer.length >> 1));
  await manager.add(cut, files.autoencoder);
  await expect(manager.dialog.getByRole('alert')).toHaveAttribute('data-code', 'CHECKPOINT_INVALID');
  const fewer = new Map([...tinyNetworkTensors()].filter(([key]) => !key.startsWith('output_blocks.3')));
  await manager.dialog.getByRole('button', { name: 'Clear' }).click();
  await manager.add(upload('partial.safetensors', safetensorsCheckpoint(fewer)), files.autoencoder, files.text);
  await expect(manager.dialog.getByRole('alert')).toContainText('output_blocks.3');
  await expect(manager.dialog.getByRole('button', { name: 'Import' })).toHaveCount(0);
});

test('three files are converted, verified, chosen, prompted, and enhance a clip', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const manager = new Manager(page);
  await manager.open();
  await manager.add(files.network, files.autoencoder, files.text);
  await manager.install(/Balanced/);
  const installed = manager.dialog.locator('[data-model="venhancer_tiny-balanced"]');
  await expect(installed).toContainText('in use', { timeout: 60_000 });
  await expect(installed).toContainText('balanced');
  await installed.getByRole('button', { name: /Verify/ }).click();
  await expect(installed.getByText('Every file is as it was written.')).toBeVisible();
  // The browser's own dialog for folders can't be reached by a test: a folder of the origin's stands in for the person's.
  await page.evaluate(() => {
    const pick = async () => (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
    Object.assign(window, { showDirectoryPicker: pick });
  });
  await manager.close();
  await manager.open();
  await installed.getByRole('button', { name: /Export/ }).click();
  const sizes = await page.evaluate(installedBytes, 'venhancer_tiny-balanced');
  await expect.poll(() => page.evaluate(exportedBytes), { timeout: 60_000 }).toEqual(sizes);
  await manager.close();

  await enhancer.choose(CLIP);
  await expect(page.getByLabel('Model', { exact: true })).toHaveValue('venhancer_tiny-balanced');
  await enhancer.set({ Scale: 1, 'Frame rate': 1, Strength: 0.5, Seed: 3 });
  await enhancer.set({ Steps: 2 });
  await page.getByLabel('Step plan').selectOption('normal');
  await page.getByLabel('Prompt', { exact: true }).fill('a red kite over the sea');
  const first = await enhancer.run(220_000);
  const made = await demux(first);
  expect([made.video.width, made.video.height]).toEqual([80, 44]);
  expect(enhancer.strayRequests).toEqual([]);

  // Another prompt is another clip; the model stays where it is.
  await page.getByLabel('Prompt', { exact: true }).fill('a blue whale');
  const second = await enhancer.run(220_000);
  expect(first.equals(second)).toBe(false);

  // Back to nano without a reload, and away with the model.
  await page.getByLabel('Model', { exact: true }).selectOption('nano');
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveCount(0);
  await enhancer.run(220_000);
  await manager.open();
  await manager.dialog.getByRole('button', { name: /^Delete venhancer/ }).click();
  await expect(installed).toHaveCount(0);
});

test('an import that a reload cuts off goes on after the last finished shard, once its files are dropped', async ({
  page,
}, info) => {
  const paths = Object.values(files).map(({ name, buffer }) => {
    const path = info.outputPath(name);
    writeFileSync(path, buffer);
    return path;
  });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const manager = new Manager(page);
  await manager.open();
  await manager.dialog.getByLabel('Model files').setInputFiles(paths);
  await manager.install(/Balanced/);
  const [shard, written] = await page.evaluate(firstFinished, 'venhancer_tiny-balanced');
  await page.reload();
  await drop(page, paths);
  await expect(manager.dialog).toBeVisible();
  const unfinished = manager.dialog.locator('[data-unfinished="venhancer_tiny-balanced"]');
  await expect(unfinished).toContainText('it goes on where it stopped');
  await manager.install(/Balanced/);
  const installed = manager.dialog.locator('[data-model="venhancer_tiny-balanced"]');
  await expect(installed).toContainText('in use', { timeout: 60_000 });
  await expect(unfinished).toHaveCount(0);
  expect(await page.evaluate(writtenAt, ['venhancer_tiny-balanced', shard] as const)).toBe(written);
  await installed.getByRole('button', { name: /Verify/ }).click();
  await expect(installed.getByText('Every file is as it was written.')).toBeVisible();
});

/** As from the person's desktop, anywhere on the page. */
async function drop(page: Page, paths: readonly string[]): Promise<void> {
  await page.evaluate(() => {
    const input = Object.assign(document.createElement('input'), { type: 'file', multiple: true, id: 'desktop' });
    document.body.append(input);
  });
  await page.locator('#desktop').setInputFiles(paths);
  await page.evaluate(() => {
    const input = document.querySelector<HTMLInputElement>('#desktop')!;
    const dataTransfer = new DataTransfer();
    for (const file of input.files!) dataTransfer.items.add(file);
    input.remove();
    const given = { bubbles: true, cancelable: true, dataTransfer };
    document.body.dispatchEvent(new DragEvent('dragover', given));
    document.body.dispatchEvent(new DragEvent('drop', given));
  });
}

/** Waits for an import's first finished shard. @returns its name, and when it was written. */
async function firstFinished(id: string): Promise<[string, number]> {
  const root = await navigator.storage.getDirectory();
  for (;;) {
    try {
      const folder = await (await root.getDirectoryHandle('models')).getDirectoryHandle(id);
      const record = await (await (await folder.getFileHandle('import.json')).getFile()).text();
      const name: string | undefined = JSON.parse(record).finished[0]?.name;
      if (name) return [name, (await (await folder.getFileHandle(name)).getFile()).lastModified];
    } catch {
      // Not there yet, or being written.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function writtenAt([id, name]: readonly [string, string]): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle('models')).getDirectoryHandle(id);
  return (await (await folder.getFileHandle(name)).getFile()).lastModified;
}

/** Names and sizes in the exported folder, and in the installed package's. */
async function exportedBytes(): Promise<[string, number][]> {
  const root = await navigator.storage.getDirectory();
  const sizes: [string, number][] = [];
  for await (const [name, handle] of (await root.getDirectoryHandle('chosen', { create: true })).entries()) {
    // A file that is being written stands under another name for a while, and may be gone by now.
    const file = await (handle as FileSystemFileHandle).getFile().catch(() => null);
    if (file) sizes.push([name, file.size]);
  }
  return sizes.sort();
}

async function installedBytes(id: string): Promise<[string, number][]> {
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle('models')).getDirectoryHandle(id);
  const sizes: [string, number][] = [];
  for await (const [name, handle] of folder.entries()) {
    sizes.push([name, (await (handle as FileSystemFileHandle).getFile()).size]);
  }
  return sizes.sort();
}
