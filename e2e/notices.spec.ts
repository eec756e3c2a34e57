/**
 * Every kind of notice and refusal that a clip can meet, on the page, in its own words. `npm run screens` keeps them on two sheets in
 * docs/screens, to be looked at.
 */

import { mkdirSync, readFileSync } from 'node:fs';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { type Choices, EnhancerPage } from './enhancer-page.ts';
import { inWorker } from './in-worker.ts';

const CLIPS = 'e2e/fixtures/clips';
const GOOD = 'real_160x90.mp4';
const SHEETS = process.env.SCREENS === undefined ? null : 'docs/screens';

const fixture = (name: string): Buffer => readFileSync(`${CLIPS}/${name}`);

interface Case {
  readonly shows: string;
  readonly file: string;
  /** In place of the fixture's own. */
  readonly bytes?: () => Buffer;
  readonly query?: string;
  /** Runs in the engine's worker before anything else. */
  readonly worker?: string;
  readonly choices?: Choices;
}

const NOTICES: readonly (Case & { readonly words: RegExp })[] = [
  { shows: 'HDR_TONE_MAPPED', file: 'hdr_pq.mp4', words: /HDR \(PQ\).*SDR/ },
  { shows: 'ALPHA_COMPOSITED', file: 'alpha_vp9.webm', words: /transparent.*on black/ },
  { shows: 'ALPHA_IGNORED', file: 'gap.webm', bytes: alphaWithGap, words: /transparent.*opaque/ },
  { shows: 'BORDERS_LEFT_OUT', file: 'letterboxed_160x120.mp4', words: /black borders.*put back/ },
  { shows: 'VARIABLE_FRAME_RATE', file: 'self__vfr.mp4', words: /frame rate varies/ },
  { shows: 'AUDIO_DROPPED', file: 'mulaw.mov', words: /µ-law.*silent/ },
  { shows: 'AUDIO_PCM', file: 'pcm.mov', words: /uncompressed/ },
  { shows: 'AUDIO_UNCOMMON', file: 'alac.mov', words: /Apple Lossless.*stays so/ },
  {
    shows: 'SINGLE_FRAME',
    file: 'self__1frame.mp4',
    choices: { 'Frame rate': 2 },
    words: /single frame.*no frames are added/,
  },
  {
    shows: 'OTHER_CODEC',
    file: GOOD,
    worker: `const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
      VideoEncoder.isConfigSupported = async (config) => config.codec.startsWith('avc') ? { supported: false, config } : ask(config);`,
    words: /can't encode H\.264/,
  },
];

const REFUSALS: readonly Case[] = [
  { shows: 'NOT_A_VIDEO', file: 'self__text_as.mp4' },
  { shows: 'EMPTY_FILE', file: 'empty.mp4', bytes: () => Buffer.alloc(0) },
  { shows: 'TRUNCATED', file: 'cut.mp4', bytes: () => fixture('self__moov_at_end_opus.mp4').subarray(0, 22_000) },
  { shows: 'NO_VIDEO_TRACK', file: 'audio_only.mp4' },
  { shows: 'NO_VIDEO_TRACK', file: 'voice.wav', bytes: () => Buffer.from('RIFF\0\0\0\0WAVEfmt ') },
  { shows: 'NO_FRAMES', file: 'header.mp4', bytes: headerOnly },
  { shows: 'ENCRYPTED', file: 'encrypted.mp4' },
  { shows: 'UNSUPPORTED_CODEC', file: 'prores.mov', bytes: () => renamed('media__bt601.mov', 'avc1', 'apch') },
  { shows: 'UNSUPPORTED_CONTAINER', file: 'holiday.avi', bytes: () => Buffer.from('RIFF\0\0\0\0AVI LIST') },
  { shows: 'DECODE_FAILED', file: 'damaged.mp4', bytes: damaged },
  { shows: 'SIZE_TOO_LARGE', file: GOOD, query: '&budget=3' },
  {
    shows: 'QUOTA_EXCEEDED',
    file: GOOD,
    worker: 'navigator.storage.estimate = async () => ({ quota: 1000, usage: 0 });',
  },
  { shows: 'NO_WEBCODECS', file: GOOD, worker: 'delete globalThis.VideoDecoder; delete globalThis.VideoEncoder;' },
  {
    shows: 'NO_ENCODER',
    file: GOOD,
    worker: 'VideoEncoder.isConfigSupported = async (config) => ({ supported: false, config });',
  },
];

test('every kind of notice stands beside the plan', async ({ page }) => {
  test.setTimeout(600_000);
  const shots = new Sheet(page, 'notices');
  for (const each of NOTICES) {
    await shown(page, each);
    const list = page.locator('ul').filter({ hasText: each.words }).last();
    await expect(list, each.shows).toBeVisible({ timeout: 60_000 });
    await shots.add(`${each.shows} (${each.file})`, list);
  }
  await shots.save();
});

test('every kind of refusal says what happened and what to do', async ({ page }) => {
  test.setTimeout(600_000);
  const shots = new Sheet(page, 'refusals');
  for (const each of REFUSALS) {
    await shown(page, each);
    const alert = page.locator(`[role=alert][data-code=${each.shows}]`).first();
    await expect(alert, each.file).toBeVisible({ timeout: 60_000 });
    await shots.add(`${each.shows} (${each.file})`, alert);
  }
  await shots.save();
});

/** The page with the clip chosen, in the browser that the case asks for. */
async function shown(page: Page, { file, bytes, query = '', worker, choices }: Case): Promise<void> {
  await page.unrouteAll();
  if (worker !== undefined) await inWorker(page, worker);
  const enhancer = new EnhancerPage(page);
  await enhancer.open(`?provider=wasm${query}`);
  const buffer = bytes ? bytes() : fixture(file);
  await page.locator('input[type=file]').first().setInputFiles({ name: file, mimeType: 'video/mp4', buffer });
  if (choices) await enhancer.set(choices);
}

/** Pictures of parts of the page, under each other. */
class Sheet {
  readonly #page: Page;
  readonly #name: string;
  readonly #figures: string[] = [];

  constructor(page: Page, name: string) {
    this.#page = page;
    this.#name = name;
  }

  async add(caption: string, part: Locator): Promise<void> {
    if (!SHEETS) return;
    const png = (await part.screenshot({ animations: 'disabled' })).toString('base64');
    this.#figures.push(`<figure><figcaption>${caption}</figcaption><img src="data:image/png;base64,${png}"></figure>`);
  }

  async save(): Promise<void> {
    if (!SHEETS) return;
    mkdirSync(SHEETS, { recursive: true });
    const sheet = await this.#page.context().newPage();
    const style =
      'body{font:13px sans-serif;columns:2;margin:16px}figure{margin:0 0 14px;break-inside:avoid}img{max-width:100%}';
    await sheet.setContent(`<style>${style}</style>${this.#figures.join('')}`);
    await sheet.screenshot({ path: `${SHEETS}/${this.#name}.jpg`, type: 'jpeg', quality: 70, fullPage: true });
    await sheet.close();
  }
}

function renamed(name: string, from: string, to: string): Buffer {
  const bytes = fixture(name);
  bytes.write(to, bytes.lastIndexOf(from), 'latin1');
  return bytes;
}

/** A frame's part of the alpha stream under another name. */
function alphaWithGap(): Buffer {
  const bytes = fixture('alpha_vp9.webm');
  const [BLOCK_ADDITIONS, SEEK_ID] = [0x75a1, 0x53ab];
  bytes.writeUInt16BE(SEEK_ID, bytes.lastIndexOf(Buffer.from([BLOCK_ADDITIONS >> 8, BLOCK_ADDITIONS & 255])));
  return bytes;
}

/** A fragmented clip without its fragments. */
function headerOnly(): Buffer {
  const bytes = fixture('self__ntsc_bframes_frag.mp4');
  return bytes.subarray(0, bytes.indexOf('moof') - 4);
}

/** Noise where the pictures should be. */
function damaged(): Buffer {
  const bytes = fixture('vfr_57600.mp4');
  const start = bytes.indexOf('mdat') + 4;
  const end = start - 8 + bytes.readUInt32BE(start - 8);
  for (let at = start, state = 1; at < end; at++) {
    state = (state * 48271) % 2147483647;
    bytes[at] = state & 255;
  }
  return bytes;
}
