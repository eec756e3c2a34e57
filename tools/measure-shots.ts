/**
 * How well cuts are found: `tsx tools/measure-shots.ts FOLDER` over the videos of a folder, by ffmpeg, seeded.
 *
 * Takes from a few frames to a hundred of each; makes montages with known cuts, plain and with camera shake, and what is not a cut:
 * the clips themselves, whip pans, flashes, exposure steps, dissolves, fades. Figures are given for every second clip and for the
 * others apart. About a minute and 200 MB.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RgbaPicture } from '../workers/media/rgba.ts';
import { ShotDetector } from '../workers/media/shots.ts';
import { thumbnail } from '../workers/media/thumbnail.ts';

const WIDTH = 192;
const HEIGHT = 108;
/** The picture that a virtual camera sees of a frame. */
const VIEW = { width: 128, height: 72 };

interface Source {
  readonly name: string;
  readonly frames: readonly RgbaPicture[];
}

interface Case {
  readonly frames: readonly RgbaPicture[];
  /** First frames of shots, the first shot's aside. */
  readonly cuts: readonly number[];
}

/** Cuts that the folder's own clips have, found by looking at them. */
const OWN_CUTS: Readonly<Record<string, readonly number[]>> = {
  'media-ssets-media-mp4-bbb-800x640-768kbps-30fps-avc-pyramid-3b.mp4': [6],
  'scikit-video-doc-images-scene-cuts.mp4': [30, 76],
};

const folder = process.argv[2];
if (!folder) throw new Error('usage: measure-shots FOLDER');
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.mp4'))
  .sort()
  .map((name): Source => ({ name, frames: read(join(folder, name)) }))
  .filter(({ frames }) => frames.length >= 9);

const halves = { first: sources.filter((_, i) => i % 2 === 0), second: sources.filter((_, i) => i % 2 === 1) };
let thumbnailed = 0;
const start = performance.now();
for (const [half, clips] of Object.entries(halves)) {
  const uncut = clips.filter(({ name }) => !(name in OWN_CUTS));
  const random = generator(half === 'first' ? 1 : 2);
  const suites: Record<string, Case[]> = {
    'as they are': clips.map(({ name, frames }) => ({
      frames: frames.map((f) => view(f)),
      cuts: OWN_CUTS[name] ?? [],
    })),
    'hard cuts': times(60, () => montage(uncut, random, 0)),
    'hard cuts, shaken': times(60, () => montage(uncut, random, 6)),
    'dark hard cuts': times(20, () => mapped(montage(uncut, random, 0), () => ({ gain: 0.25, offset: 0 }))),
    'whip pans': uncut.map(({ frames }) => whipPan(frames, random)),
    flashes: uncut.map((clip) => flashes(clip.frames, random)),
    'exposure steps': uncut.map((clip) => exposure(clip.frames, random)),
    'dissolves and fades': times(30, () => dissolve(uncut, random)),
  };
  console.log(`\n${half} half: ${clips.length} clips`);
  console.log('| suite | frames | cuts | found | missed | false |');
  console.log('|---|---|---|---|---|---|');
  const total = { frames: 0, cuts: 0, found: 0, wrong: 0 };
  for (const [suite, cases] of Object.entries(suites)) {
    const sum = { frames: 0, cuts: 0, found: 0, wrong: 0 };
    for (const { frames, cuts } of cases) {
      const got = detect(frames);
      const right = got.filter((cut) => cuts.includes(cut)).length;
      sum.frames += frames.length;
      sum.cuts += cuts.length;
      sum.found += right;
      sum.wrong += got.length - right;
    }
    console.log(`| ${suite} | ${sum.frames} | ${sum.cuts} | ${sum.found} | ${sum.cuts - sum.found} | ${sum.wrong} |`);
    for (const key of ['frames', 'cuts', 'found', 'wrong'] as const) total[key] += sum[key];
  }
  const precision = total.found / (total.found + total.wrong);
  console.log(`precision ${precision.toFixed(3)}, recall ${(total.found / total.cuts).toFixed(3)}`);
}
console.log(`${((performance.now() - start) / thumbnailed).toFixed(2)} ms a frame, all included`);

function read(path: string): RgbaPicture[] {
  const filter = `scale=${WIDTH}:${HEIGHT}:flags=area,format=rgba`;
  const args = ['-v', 'error', '-threads', '1', '-i', path, '-an', '-vf', filter, '-f', 'rawvideo', '-'];
  const { stdout, status, stderr } = spawnSync('ffmpeg', args, { maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`${path}: ${stderr}`);
  const size = WIDTH * HEIGHT * 4;
  return times(Math.floor(stdout.length / size), (i) => ({
    width: WIDTH,
    height: HEIGHT,
    rgba: new Uint8ClampedArray(stdout.subarray(i * size, (i + 1) * size)),
  }));
}

function detect(frames: readonly RgbaPicture[]): number[] {
  const detector = new ShotDetector();
  const cuts: number[] = [];
  for (const frame of frames) {
    const cut = detector.add(thumbnail(frame));
    if (cut !== null) cuts.push(cut);
    thumbnailed++;
  }
  return [...cuts, ...detector.finish()];
}

type Random = () => number;

/** Park and Miller's: the same montages on every machine. */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Six pieces of 8 to 40 frames, no two neighbours of one clip. */
function montage(clips: readonly Source[], random: Random, shake: number): Case {
  const frames: RgbaPicture[] = [];
  const cuts: number[] = [];
  let last: Source | null = null;
  for (let piece = 0; piece < 6; piece++) {
    const clip = pick(
      clips.filter((candidate) => candidate !== last && candidate.frames.length >= 9),
      random,
    );
    const length = Math.min(clip.frames.length, 8 + Math.floor(random() * 33));
    const from = Math.floor(random() * (clip.frames.length - length + 1));
    if (piece > 0) cuts.push(frames.length);
    for (const frame of clip.frames.slice(from, from + length)) {
      frames.push(view(frame, 32 + shake * (random() * 2 - 1), 18 + shake * (random() * 2 - 1)));
    }
    last = clip;
  }
  return { frames, cuts };
}

/** The camera sweeps over the frame and back, at up to a seventh of its view a frame. */
function whipPan(frames: readonly RgbaPicture[], random: Random): Case {
  const speed = 8 + random() * 10;
  const room = WIDTH - VIEW.width;
  return {
    frames: frames.map((frame, i) => view(frame, Math.abs(((i * speed) % (2 * room)) - room), 18)),
    cuts: [],
  };
}

/** Flashes of one to three frames, up to white. */
function flashes(frames: readonly RgbaPicture[], random: Random): Case {
  const gains = frames.map(() => 0);
  for (let at = 5; at < frames.length - 8; at += 9) {
    const strength = 60 + random() * 195;
    const length = 1 + Math.floor(random() * 3);
    for (let i = at; i < at + length; i++) gains[i] = strength;
  }
  return mapped({ frames: frames.map((f) => view(f)), cuts: [] }, (i) => ({ gain: 1, offset: gains[i]! }));
}

/** The exposure goes up or down by a half every ten frames. */
function exposure(frames: readonly RgbaPicture[], random: Random): Case {
  const gains = times(Math.ceil(frames.length / 10), () => (random() < 0.5 ? 1 : 0.67));
  return mapped({ frames: frames.map((f) => view(f)), cuts: [] }, (i) => ({
    gain: gains[Math.floor(i / 10)]!,
    offset: 0,
  }));
}

/** One clip becomes another, or black and then another, over 8 to 20 frames. */
function dissolve(clips: readonly Source[], random: Random): Case {
  const long = clips.filter(({ frames }) => frames.length >= 40);
  const [a, b] = [pick(long, random), pick(long, random)];
  const length = 8 + Math.floor(random() * 13);
  const black = random() < 0.4;
  const frames = times(40, (i) => {
    const share = Math.min(1, Math.max(0, (i - 10) / length));
    const [wa, wb] = black ? [Math.max(0, 1 - 2 * share), Math.max(0, 2 * share - 1)] : [1 - share, share];
    const [first, second] = [view(a.frames[i]!), view(b.frames[i]!)];
    return { ...VIEW, rgba: first.rgba.map((value, k) => wa * value + wb * second.rgba[k]!) };
  });
  return { frames, cuts: [] };
}

function mapped({ frames, cuts }: Case, change: (i: number) => { gain: number; offset: number }): Case {
  return {
    frames: frames.map((frame, i) => {
      const { gain, offset } = change(i);
      return { ...frame, rgba: frame.rgba.map((value) => value * gain + offset) };
    }),
    cuts,
  };
}

/** What a camera that looks at (x, y) sees of a frame. */
function view(frame: RgbaPicture, x = 32, y = 18): RgbaPicture {
  const rgba = new Uint8ClampedArray(VIEW.width * VIEW.height * 4);
  const left = Math.round(x);
  const top = Math.round(y);
  for (let row = 0; row < VIEW.height; row++) {
    const from = ((top + row) * WIDTH + left) * 4;
    rgba.set(frame.rgba.subarray(from, from + VIEW.width * 4), row * VIEW.width * 4);
  }
  return { ...VIEW, rgba };
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!;
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
