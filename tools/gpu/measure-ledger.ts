/**
 * The peak of GPU memory that `plan/` predicts for a job against the runtime's ledger after it: models of the official family by formula and nano, imported and
 * run as the page does, at several sizes, windows, tiles and residencies; on an emulated GPU that computes nothing (`idle-device.js`).
 *
 *   npx vite build --config tools/gpu/vite.config.ts --outDir dist-gpu
 *   npx tsx tools/gpu/measure-ledger.ts --page dist-gpu [--only EXPRESSION] [--work] [--port N] [--chromium PATH] [--profile DIR --official ID]
 *
 * --work lets it compute, for the smallest, as a check of the method. --profile and --official: where `import-full-size.ts` has put a model, on the same port.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import type { GpuHarness, JobFigures, JobOrder } from '../../e2e/gpu/harness.ts';
import type { KlAutoencoderConfig, NetworkConfig, Precision, TextConfig } from '../../workers/models/manifest.ts';
import { textTensors, VIT_H_14 } from '../../workers/models/text/text-tower.ts';
import { TEMPORAL_VAE, vaeTensors } from '../../workers/models/vae/autoencoder.ts';
import { expectedTensors } from '../../workers/models/venhancer/architecture.ts';
import { OFFICIAL_NETWORK } from '../../workers/models/venhancer/config-of.ts';
import { safetensorsCheckpoint, TINY_AUTOENCODER, TINY_NETWORK, TINY_TEXT } from '../tiny-model.ts';
import { GpuBrowser } from './browser.ts';
import { serve } from './serve.ts';

declare global {
  interface Window {
    gpu: GpuHarness;
  }
}

interface Family {
  readonly network: NetworkConfig;
  readonly autoencoder: KlAutoencoderConfig;
  readonly text: TextConfig;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  tiny: { network: TINY_NETWORK, autoencoder: TINY_AUTOENCODER, text: TINY_TEXT },
  mid: {
    network: { ...OFFICIAL_NETWORK, dim: 96, headDim: 32, contextDim: 128 },
    autoencoder: { ...TEMPORAL_VAE, channels: [64, 128, 256, 256] },
    text: { ...VIT_H_14, width: 128, heads: 2, mlpWidth: 512, layers: 4 },
  },
};

interface Case {
  readonly family: string;
  readonly precision: Precision;
  readonly clip: string;
  readonly scale: number;
  readonly frameRateFactor: number;
  /** Null for the default. */
  readonly budgetMiB: number | null;
}

const CASES: readonly Case[] = [
  job('tiny', 'balanced', 'generated_80x44.mp4', 1),
  job('tiny', 'balanced', 'generated_80x44.mp4', 4),
  job('tiny', 'balanced', 'generated_80x44.mp4', 4, 2),
  job('tiny', 'balanced', 'generated_80x44.mp4', 8, 1, 700),
  job('tiny', 'balanced', 'generated_80x44.mp4', 3, 1, 160),
  job('tiny', 'balanced', 'real_160x90.mp4', 3),
  job('tiny', 'exact', 'generated_80x44.mp4', 4, 1, 250),
  job('nano', 'balanced', 'generated_80x44.mp4', 1),
  job('nano', 'balanced', 'generated_80x44.mp4', 4),
  job('nano', 'balanced', 'generated_80x44.mp4', 4, 2),
  job('nano', 'balanced', 'generated_80x44.mp4', 6.4),
  job('nano', 'balanced', 'square_vp9.webm', 2),
  job('nano', 'balanced', 'generated_80x44.mp4', 8),
  job('nano', 'balanced', 'real_160x90.mp4', 4, 2),
  job('nano', 'balanced', 'real_160x90.mp4', 8, 2, 600),
  job('mid', 'balanced', 'generated_80x44.mp4', 4),
  job('mid', 'balanced', 'generated_80x44.mp4', 4, 1, 600),
  job('mid', 'balanced', 'real_160x90.mp4', 3),
  job('mid', 'balanced', 'real_160x90.mp4', 3, 1, 2500),
  job('mid', 'balanced', 'real_160x90.mp4', 3, 2, 1000),
  job('mid', 'compact', 'generated_80x44.mp4', 4),
  job('mid', 'compact', 'real_160x90.mp4', 3, 1, 800),
  job('mid', 'exact', 'generated_80x44.mp4', 4),
  job('mid', 'exact', 'generated_80x44.mp4', 4, 1, 900),
  job('mid', 'balanced', 'real_160x90.mp4', 8, 1, 4000),
  job('official', 'compact', 'generated_80x44.mp4', 1),
  job('official', 'compact', 'generated_80x44.mp4', 4),
  job('official', 'compact', 'generated_80x44.mp4', 4, 1, 1800),
];

function job(
  family: string,
  precision: Precision,
  clip: string,
  scale: number,
  frameRateFactor = 1,
  budgetMiB: number | null = null,
): Case {
  return { family, precision, clip, scale, frameRateFactor, budgetMiB };
}

const MIB = 2 ** 20;
const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    page: text,
    clips: text,
    only: text,
    port: text,
    chromium: text,
    profile: text,
    official: text,
    work: { type: 'boolean' },
  },
});
const port = Number(values.port ?? 4178);
const origin = `http://localhost:${port}`;
const only = new RegExp(values.only ?? '');
const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
const built = resolve(values.page ?? 'dist-gpu');
const served = values.work ? [built] : [withoutWork(built), built];
const server = await serve([...served, resolve(values.clips ?? 'e2e/fixtures/clips')], port);
const browser = new GpuBrowser({
  executablePath: values.chromium ?? '/usr/bin/chromium',
  profile: resolve(values.profile ?? join(folder, 'profile')),
  origin,
  emulated: true,
});

try {
  const context = await browser.context();
  const page = await context.newPage();
  await page.goto(`${origin}/e2e/gpu/harness.html`);
  await page.waitForFunction(() => window.gpu !== undefined);
  page.setDefaultTimeout(0);
  console.log(
    '| model | output, frames | budget | held | tiles, windows | predicted | ledger | predicted / ledger | seconds |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const each of CASES) {
    const { family, precision, clip, scale, frameRateFactor, budgetMiB } = each;
    const name = `${family}, ${precision}, ${clip} ×${scale} ×${frameRateFactor} ${budgetMiB ?? ''}`;
    if (!only.test(name) || (family === 'official' && values.official === undefined)) continue;
    try {
      const nano = family === 'nano';
      const model = nano ? 'nano' : await installed(page, family, precision);
      const prompted = { stepPlan: 'normal', prompt: 'a kite', solver: 'ddim' } as const;
      const order: JobOrder = {
        provider: 'webgpu',
        memoryBudgetBytes: budgetMiB === null ? null : budgetMiB * MIB,
        clipUrl: `${origin}/${clip}`,
        prompted: !nano,
        settings: { model, scale, frameRateFactor, steps: 2, ...(nano ? {} : prompted) },
      };
      console.log(row(each, await page.evaluate((given) => window.gpu.job(given), order)));
    } catch (error) {
      console.log(`| ${name} | ${String(error).split('\n')[0]} |`);
    }
  }
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** A folder with the engine's worker, the idle device in front of it. Not by interception: with that, reading a model's shards hangs now and then. */
function withoutWork(built: string): string {
  const prefix = readFileSync(new URL('idle-device.js', import.meta.url), 'utf8');
  const assets = join(folder, 'idle', 'assets');
  mkdirSync(assets, { recursive: true });
  for (const name of readdirSync(join(built, 'assets')).filter((each) => /^enhancer\.worker.*\.js$/.test(each))) {
    writeFileSync(join(assets, name), `${prefix}\n${readFileSync(join(built, 'assets', name), 'utf8')}`);
  }
  return join(folder, 'idle');
}

function row({ family, precision, budgetMiB }: Case, { plans, report }: JobFigures): string {
  const { output, bytes, residency, tiles, windows } = plans[0]!;
  const mib = (count: number) => (count / MIB).toFixed(0);
  const longest = Math.max(...windows.map(({ startFrame, endFrame }) => endFrame - startFrame));
  const ratio = (bytes.device / report.peakGpuLedgerBytes).toFixed(2);
  return [
    '',
    family === 'nano' ? family : `${family}, ${precision}`,
    `${output.width}×${output.height}, ${output.frameCount}`,
    budgetMiB ?? 'default',
    residency ?? 'all',
    `${tiles.length}, ${windows.length} (${longest})`,
    mib(bytes.device),
    mib(report.peakGpuLedgerBytes),
    ratio,
    report.seconds.toFixed(0),
    '',
  ].join(' | ');
}

/** @returns the installed model's id; imported from three files where it isn't there yet. */
async function installed(page: Page, family: string, precision: Precision): Promise<string> {
  const id = family === 'official' ? values.official! : `${family}-${precision}`;
  if ((await page.evaluate(() => window.gpu.installed())).includes(id)) return id;
  const { network, autoencoder, text: tower } = FAMILIES[family]!;
  const files = {
    [`${family}.safetensors`]: expectedTensors(network),
    [`${family}-vae.safetensors`]: vaeTensors(autoencoder),
    [`${family}-text.safetensors`]: textTensors({ ...tower, layers: tower.layers + 1 }),
  };
  const paths = Object.entries(files).map(([name, shapes]) => {
    const path = join(folder, name);
    writeFileSync(path, safetensorsCheckpoint(shapes));
    return path;
  });
  await page.getByLabel('Files').setInputFiles(paths);
  const { id: made } = await page.evaluate((wanted) => window.gpu.install(wanted), precision);
  return made;
}
