/**
 * Damaged containers, the same ones every time: whatever the bytes say, opening ends soon, with a clip or a coded error.
 *
 * `FUZZ_CASES=20000 npx vitest run workers/media/fuzz.test.ts` for a long run; `FUZZ_SEED` for other cases.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EnhancerError, ERROR_CODES } from '../errors.ts';
import { openContainer } from './container.ts';
// Loaded by the first WebM otherwise, which would be timed with it.
import './matroska/open-matroska.ts';

const CASES = Number(process.env.FUZZ_CASES ?? 400);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const LIMIT_MS = 5_000;
const MAX_PACKETS = 200;

const CLIPS = [
  'real_160x90.mp4',
  'two_tracks.mp4',
  'self__ntsc_bframes_frag.mp4',
  'self__moov_at_end_opus.mp4',
  'self__vfr.mp4',
  'encrypted.mp4',
  'corners_rotate90.mp4',
  'media__bt601.mov',
  'self__odd_321x181_vp9.webm',
].map((name) => new Uint8Array(readFileSync(new URL(`../../e2e/fixtures/clips/${name}`, import.meta.url))));

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const LISTED =
  'ftyp moov trak mdia minf stbl stsd stts ctts stsc stsz stco stss elst mvhd tkhd mdhd hdlr moof traf tfhd tfdt trun mvex trex avcC esds colr'.split(
    ' ',
  );
const EXTREMES = [0, 1, 2, 7, 8, 9, 16, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0x10000, 0x1000000];

/** One clip with a few things changed: box sizes, tables, counts, dimensions, or single bits; sometimes cut or doubled. */
function mutate(seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!;
  let bytes = new Uint8Array(pick(CLIPS));
  const view = new DataView(bytes.buffer);
  const changes = 1 + Math.floor(next() * 4);
  for (let change = 0; change < changes; change++) {
    const kind = next();
    if (kind < 0.6) {
      // In and just behind a box's header, where sizes, versions, counts and first entries are.
      const at = Buffer.from(bytes.buffer).indexOf(pick(LISTED));
      const word = at - 4 + 4 * Math.floor(next() * 12);
      if (at >= 4 && word + 4 <= bytes.byteLength) {
        view.setUint32(word, next() < 0.7 ? pick(EXTREMES) : Math.floor(next() * 4294967296));
      }
    } else if (kind < 0.9) {
      for (let flip = 0; flip < 8; flip++) {
        // Headers lie at the ends of a file.
        const reach = Math.min(4096, bytes.byteLength);
        const at = Math.floor(next() * reach) + (next() < 0.5 ? 0 : bytes.byteLength - reach);
        bytes[at]! ^= 1 << Math.floor(next() * 8);
      }
    } else if (kind < 0.95) {
      bytes = bytes.slice(0, Math.floor(next() * bytes.byteLength));
      if (bytes.byteLength < 64) return bytes;
      return bytes;
    } else {
      const doubled = new Uint8Array(bytes.byteLength * 2);
      doubled.set(bytes);
      doubled.set(bytes, bytes.byteLength);
      return doubled;
    }
  }
  return bytes;
}

async function open(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  try {
    const clip = await openContainer(new File([bytes], 'fuzz'));
    const { info, video, audioTracks } = clip;
    expect(info.timestampsUs).toHaveLength(info.frameCount);
    expect(info.timestampsUs.every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(info.durationUs) && info.width > 0 && info.height > 0).toBe(true);
    for (const packets of [video.packets(0), ...audioTracks.map((track) => track.packets())]) {
      let count = 0;
      for await (const _ of packets) if (++count >= MAX_PACKETS) break;
    }
    clip.close();
    return 'opened';
  } catch (error) {
    if (error instanceof EnhancerError) return error.code;
    throw error;
  }
}

test(`${CASES} damaged containers`, { timeout: CASES * LIMIT_MS }, async () => {
  const outcomes: Record<string, number> = {};
  let slowest = 0;
  for (let i = 0; i < CASES; i++) {
    const seed = SEED * 1_000_003 + i;
    const began = process.cpuUsage();
    const outcome = await open(mutate(seed)).catch((error) => {
      throw new Error(`case ${i} of seed ${SEED}: ${error?.stack ?? error}`);
    });
    // The processor's time, which other work on the machine doesn't lengthen; what waits for ever meets the test's own limit.
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1000;
    slowest = Math.max(slowest, took);
    expect(took, `case ${i} of seed ${SEED}`).toBeLessThan(LIMIT_MS);
    expect(['opened', ...ERROR_CODES]).toContain(outcome);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.info(`slowest ${slowest.toFixed(0)} ms, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`, outcomes);
});
