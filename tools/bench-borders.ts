/**
 * What the borders of windows and tiles cost in likeness: a job cut up in several ways against the same job in one piece, nano on the processor.
 *
 * `npx tsx tools/bench-borders.ts CLIP… [--size 96x64] [--frames 33] [--strength 0] [--steps 1] [--factor 1] [--scale 2]` (needs ffmpeg). For
 * windows, of so many frames that share so many: how much a frame at a border changes from the one before beyond what the whole job's does,
 * over that job's own change, at worst, in the mean, and away from borders; PSNR to the whole job. For tiles, that share so many latents: the same
 * PSNR, and how steep pictures are where tiles meet, over the whole job's steepness there.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Clip } from '../workers/media/clip.ts';
import { Model } from '../workers/pipeline/model.ts';
import { pictureRun } from '../workers/pipeline/picture-run.ts';
import type { JobPlan } from '../workers/plan/job-plan.ts';
import { planJob } from '../workers/plan/plan-job.ts';
import { DEFAULT_SETTINGS, type Settings } from '../workers/plan/settings.ts';
import { gridLatents, layTiles, validSide } from '../workers/plan/tiles.ts';
import { planWindows } from '../workers/plan/windows.ts';
import { Runtime } from '../workers/runtime/runtime.ts';
import { ffmpegClip } from './ffmpeg-clip.ts';

const FRAME_RATE = 30;
/** Frames of a window, and of those shared. */
const WINDOWS = [
  [17, 5],
  [17, 3],
  [17, 2],
  [25, 5],
  [25, 3],
] as const;
/** Latents that two tiles share, 2×2 of them. */
const OVERLAPS = [8, 4, 2];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '96x64' },
    frames: { type: 'string', default: '33' },
    strength: { type: 'string', default: '0' },
    steps: { type: 'string', default: '1' },
    factor: { type: 'string', default: '1' },
    scale: { type: 'string', default: '2' },
  },
});
const factor = Number(values.factor);
const settings: Settings = {
  ...DEFAULT_SETTINGS,
  scale: Number(values.scale),
  strength: Number(values.strength),
  steps: Number(values.steps),
  frameRateFactor: factor,
  deflicker: 'off',
};

// One thread: on a busy machine two wait for each other.
Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 1 } });
const runtime = await Runtime.open('wasm');
const model = await Model.load(runtime, {
  read: async (name) => new Uint8Array(readFileSync(`public/models/nano/${name}`)),
});

console.log('| clip | cut into | worst | mean | elsewhere | to the whole job, dB | steeper | work |');
console.log('|---|---|---|---|---|---|---|---|');
for (const path of positionals) {
  const [width, height] = values.size.split('x').map(Number) as [number, number];
  const clip = ffmpegClip(path, { frames: Number(values.frames), frameRate: FRAME_RATE, size: { width, height } });
  const plan = inOnePiece(planJob(clip.info, settings, runtime.device, model.info));
  const whole = await job(clip, plan);
  const name = path.split('/').at(-1);
  for (const [frames, shared] of WINDOWS) {
    const strideIntervals = Math.max(1, Math.round((frames - shared) / factor));
    const windows = planWindows(plan.shots, factor, { strideIntervals, sharedFrames: shared });
    if (windows.length === 1) continue;
    const made = await job(clip, { ...plan, windows });
    const { worst, mean, elsewhere } = jumps(made, whole, windows);
    const work = windows.reduce((sum, { startFrame, endFrame }) => sum + endFrame - startFrame, 0) / whole.length;
    const cells = [worst, mean, elsewhere].map((value) => value.toFixed(3));
    const likeness = decibels(made, whole);
    const cut = `${windows.length} windows that share ${shared}, of ${frames} at most`;
    console.log(`| ${[name, cut, ...cells, likeness, '', work.toFixed(2)].join(' | ')} |`);
  }
  for (const overlap of OVERLAPS) {
    const side = (length: number) => validSide((length + overlap) / 2, model.info.latentWidthRule);
    const { latentWidth, latentHeight } = plan;
    const grid = { tileWidth: side(latentWidth), tileHeight: side(latentHeight), columns: 2, rows: 2 };
    const cut = { ...plan, tiles: layTiles(latentWidth, latentHeight, grid) };
    const made = await job(clip, cut);
    const steeper = (steepness(made, cut) / steepness(whole, cut)).toFixed(3);
    const work = (gridLatents(grid) / (latentWidth * latentHeight)).toFixed(2);
    const cells = [name, `2×2 tiles that share ${overlap}`, '', '', '', decibels(made, whole), steeper, work];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
process.exit(0);

function inOnePiece({ groups: _, ...plan }: JobPlan): JobPlan {
  const { latentWidth, latentHeight, output } = plan;
  const tiles = layTiles(latentWidth, latentHeight, {
    tileWidth: latentWidth,
    tileHeight: latentHeight,
    columns: 1,
    rows: 1,
  });
  const windows = [{ index: 0, shot: 0, startFrame: 0, endFrame: output.frameCount, overlapFrames: 0 }];
  return { ...plan, tiles, windows };
}

async function job(clip: Clip, plan: JobPlan): Promise<Uint8ClampedArray[]> {
  const frames: Uint8ClampedArray[] = [];
  await pictureRun({ clip, plan, settings, model }, ({ rgba }) => void frames.push(rgba)).run();
  return frames;
}

function jumps(made: readonly Uint8ClampedArray[], whole: readonly Uint8ClampedArray[], windows: JobPlan['windows']) {
  const near = new Set<number>();
  for (const { startFrame, overlapFrames } of windows) {
    for (let frame = startFrame; overlapFrames > 0 && frame <= startFrame + overlapFrames; frame += 1) near.add(frame);
  }
  const border: number[] = [];
  const rest: number[] = [];
  for (let f = 1; f < whole.length; f += 1) {
    const [a, b, c, d] = [made[f]!, made[f - 1]!, whole[f]!, whole[f - 1]!];
    let beyond = 0;
    let own = 0;
    for (let i = 0; i < a.length; i += 1) {
      if (i % 4 === 3) continue;
      const change = c[i]! - d[i]!;
      beyond += (a[i]! - b[i]! - change) ** 2;
      own += change ** 2;
    }
    (near.has(f) ? border : rest).push(Math.sqrt(beyond / Math.max(own, 0.2 * a.length)));
  }
  const mean = (of: readonly number[]) => of.reduce((sum, each) => sum + each, 0) / of.length;
  return { worst: Math.max(...border), mean: mean(border), elsewhere: mean(rest) };
}

/** Mean step between neighbouring pixels where tiles begin or end, over the mean elsewhere. */
function steepness(frames: readonly Uint8ClampedArray[], { tiles, output, paddedWidth, latentWidth }: JobPlan): number {
  const { width, height } = output;
  const pixels = paddedWidth / latentWidth;
  const columns = new Set(
    tiles.flatMap((tile) => [tile.latentX, tile.latentX + tile.latentWidth].map((x) => x * pixels)),
  );
  const rows = new Set(
    tiles.flatMap((tile) => [tile.latentY, tile.latentY + tile.latentHeight].map((y) => y * pixels)),
  );
  const sums = { border: 0, borders: 0, rest: 0, rests: 0 };
  const add = (step: number, atBorder: boolean) => {
    if (atBorder) [sums.border, sums.borders] = [sums.border + step, sums.borders + 1];
    else [sums.rest, sums.rests] = [sums.rest + step, sums.rests + 1];
  };
  for (const rgba of frames) {
    for (let y = 1; y < height; y += 1) {
      for (let x = 1; x < width; x += 1) {
        const at = (y * width + x) * 4 + 1;
        add(Math.abs(rgba[at]! - rgba[at - 4]!), columns.has(x));
        add(Math.abs(rgba[at]! - rgba[at - 4 * width]!), rows.has(y));
      }
    }
  }
  return sums.border / sums.borders / (sums.rest / sums.rests);
}

function decibels(a: readonly Uint8ClampedArray[], b: readonly Uint8ClampedArray[]): string {
  let sum = 0;
  let count = 0;
  a.forEach((frame, f) => {
    for (let i = 0; i < frame.length; i += 1) {
      if (i % 4 === 3) continue;
      sum += (frame[i]! - b[f]![i]!) ** 2;
      count += 1;
    }
  });
  return (10 * Math.log10((255 ** 2 * count) / Math.max(sum, 1e-9))).toFixed(1);
}
