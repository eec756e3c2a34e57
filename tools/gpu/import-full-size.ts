/**
 * The official model's three files through the page's own model manager in Chromium, with time, memory and hashes: for checkpoints of the
 * official size (tools/synthetic-checkpoint.ts).
 *
 *   npx vite build --config tools/gpu/vite.config.ts --outDir dist-gpu
 *   npx tsx tools/gpu/import-full-size.ts --files network.pt,vae.safetensors,text.bin --profile DIR [--precision compact] [--reload-after SHARDS]
 *       [--page dist-gpu] [--port N] [--chromium PATH]
 *
 * The profile keeps the package, for `measure-ledger.ts --profile`. Four minutes on two cores.
 */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { processBytes, processorSeconds } from '../process-memory.ts';
import { GpuBrowser } from './browser.ts';
import { serve } from './serve.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    files: text,
    profile: text,
    precision: text,
    'reload-after': text,
    page: text,
    port: text,
    chromium: text,
  },
});
const files = (values.files ?? '').split(',').map((path) => resolve(path));
const precision = values.precision ?? 'compact';
const port = Number(values.port ?? 4178);
const origin = `http://localhost:${port}`;
const profile = resolve(values.profile ?? 'import-profile');
const SAMPLE_MS = 500;
const PATIENCE_MS = 5000;
const HOURS_MS = 3 * 3_600_000;

const server = await serve([resolve(values.page ?? 'dist-gpu')], port);
const browser = new GpuBrowser({
  executablePath: values.chromium ?? '/usr/bin/chromium',
  profile,
  origin,
  emulated: true,
});
const context = await browser.context();
const page = await context.newPage();
page.setDefaultTimeout(HOURS_MS);
const pid = browser.pid();
const start = Date.now();
const seconds = () => ((Date.now() - start) / 1000).toFixed(0);
let most = 0;
const sampler = setInterval(() => {
  most = Math.max(most, processBytes(pid).renderer ?? 0);
}, SAMPLE_MS);
const told = (what: string) => {
  const processor = processorSeconds(pid).toFixed(0);
  const renderer = (most / 2 ** 20).toFixed(0);
  console.log(`${seconds()} s, ${processor} s of processor, renderer at most ${renderer} MiB: ${what}`);
  most = 0;
};

const dialog = page.getByRole('dialog', { name: 'Models' });
await page.goto(`${origin}/?provider=wasm`);
await page.getByRole('button', { name: 'Models', exact: true }).click();
told('the page is open');
await addFiles();
await begin();
const id = `${files[0]!
  .split('/')
  .at(-1)!
  .replace(/\.\w+$/, '')}-${precision}`;
if (values['reload-after'] !== undefined) {
  const wanted = Number(values['reload-after']);
  for (;;) {
    // Chromium now and then loses the reading of a file, and never says so.
    const lost = page.waitForTimeout(PATIENCE_MS).then(() => 0);
    if ((await Promise.race([page.evaluate(finishedShards, id), lost])) >= wanted) break;
    await page.waitForTimeout(SAMPLE_MS);
  }
  told(`${wanted} shards are finished; the page is reloaded`);
  await page.reload();
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await dialog.locator(`[data-unfinished="${id}"]`).waitFor();
  await addFiles();
  await begin();
}
const installed = dialog.locator(`[data-model="${id}"]`);
const failure = dialog.getByRole('alert');
await installed.or(failure).first().waitFor();
if (await failure.isVisible()) throw new Error(`the page says: ${await failure.textContent()}`);
told('installed');
await installed.getByRole('button', { name: /Verify/ }).click();
await installed.getByText('Every file is as it was written.').or(failure).first().waitFor();
if (await failure.isVisible()) throw new Error(`the page says: ${await failure.textContent()}`);
told('verified by the page');
const hashed = await page.evaluate(hashes, id);
told('hashed by the browser');
clearInterval(sampler);
for (const { name, bytes, sha256, recorded } of hashed) {
  console.log(`${name} ${bytes} ${sha256} ${recorded === null ? '' : recorded === sha256 ? 'as recorded' : 'DIFFERS'}`);
}
console.log(`${hashed.length} files, ${hashed.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`);
await page.close();
await browser.close();
server.close();
process.exit();

async function addFiles(): Promise<void> {
  await dialog.getByLabel('Model files').setInputFiles(files);
  await dialog.getByRole('radio', { name: new RegExp(precision, 'i') }).check();
  for (const label of await dialog.getByRole('radio').all()) {
    console.log(await label.locator('xpath=..').textContent());
  }
  told('the files were looked at');
}

async function begin(): Promise<void> {
  await dialog.getByRole('button', { name: 'Import' }).click();
}

async function finishedShards(id: string): Promise<number> {
  try {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models');
    const folder = await models.getDirectoryHandle(id);
    const record = await (await (await folder.getFileHandle('import.json')).getFile()).text();
    return JSON.parse(record).finished.length;
  } catch {
    // Not there yet, or being written.
    return 0;
  }
}

interface Hashed {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** By the manifest, which has none of itself. */
  readonly recorded: string | null;
}

/** By the browser's own SHA-256, not by ours. */
async function hashes(id: string): Promise<Hashed[]> {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models');
  const folder = await models.getDirectoryHandle(id);
  const manifest = JSON.parse(await (await (await folder.getFileHandle('manifest.json')).getFile()).text());
  const recorded = new Map<string, string>();
  for (const { graph, data } of Object.values(manifest.parts) as { graph: unknown; data: unknown[] }[]) {
    for (const each of [graph, ...data] as { name: string; sha256: string }[]) recorded.set(each.name, each.sha256);
  }
  const found: Hashed[] = [];
  for await (const [name, handle] of folder.entries()) {
    const file = await (handle as FileSystemFileHandle).getFile();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    found.push({ name, bytes: file.size, sha256, recorded: recorded.get(name) ?? null });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
