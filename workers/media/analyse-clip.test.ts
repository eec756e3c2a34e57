import { describe, expect, it } from 'vitest';
import { activeClip, onBlack } from './active-area.ts';
import { analyseClip } from './analyse-clip.ts';
import { BorderDetector } from './borders.ts';
import type { Clip } from './clip.ts';
import type { DecodedFrame } from './decode.ts';
import type { RgbaPicture } from './rgba.ts';
import { ShotDetector } from './shots.ts';
import { thumbnail } from './thumbnail.ts';

const WIDTH = 96;
const HEIGHT = 64;

/** What a scene shows at (x, y): smooth shapes of its own, in its own colours, that go on forever. */
function scene(seed: number) {
  const phase = (k: number) => Math.sin(seed * 12.9898 + k * 78.233) * 43758.5453;
  return (x: number, y: number): readonly number[] =>
    [0, 1, 2].map((c) => {
      const a = Math.sin(x / (6 + (seed % 5)) + phase(c)) * Math.cos(y / (9 - (seed % 4)) + phase(c + 3));
      const b = Math.sin((x + 2 * y) / 23 + phase(6)) + Math.sin((x - y) / 13 + phase(7));
      return 110 + 10 * Math.sin(phase(c)) + 45 * a + 25 * b;
    });
}

function picture(colour: (x: number, y: number) => readonly number[]): RgbaPicture {
  const rgba = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let y = 0, at = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++, at += 4) rgba.set([...colour(x, y), 255], at);
  return { width: WIDTH, height: HEIGHT, rgba };
}

/** A scene filmed for a while, by a camera that moves. */
function shot(seed: number, length: number, speed = 1, gain: (i: number) => number = () => 1): RgbaPicture[] {
  const colour = scene(seed);
  return Array.from({ length }, (_, i) =>
    picture((x, y) => colour(x + i * speed, y).map((level) => Math.min(255, level * gain(i)))),
  );
}

function cutsOf(frames: readonly RgbaPicture[]): number[] {
  const detector = new ShotDetector();
  const cuts = frames.map((frame) => detector.add(thumbnail(frame))).filter((cut) => cut !== null);
  return [...cuts, ...detector.finish()];
}

describe('cuts', { timeout: 30_000 }, () => {
  it('are found at the frame that begins the new shot, at either end of the clip too', () => {
    expect(cutsOf([...shot(1, 12), ...shot(2, 9), ...shot(3, 20)])).toEqual([12, 21]);
    expect(cutsOf([...shot(1, 1), ...shot(2, 9), ...shot(3, 1)])).toEqual([1, 10]);
    expect(cutsOf([...shot(1, 2), ...shot(2, 2)])).toEqual([2]);
  });

  it('are found between shots that move fast', () => {
    expect(cutsOf([...shot(4, 14, 7), ...shot(5, 14, -6)])).toEqual([14]);
  });

  it('are not fast movement, flashes, exposure steps, black frames within a shot, fades or dissolves', () => {
    expect(cutsOf(shot(1, 30, 9))).toEqual([]);
    expect(cutsOf(shot(1, 30, 1, (i) => (i > 9 && i < 13 ? 2.5 : 1)))).toEqual([]);
    expect(cutsOf(shot(1, 30, 1, (i) => (i < 15 ? 1 : 0.6)))).toEqual([]);
    expect(cutsOf(shot(1, 30, 1, (i) => (i === 15 ? 0 : 1)))).toEqual([]);
    expect(cutsOf(shot(1, 30, 1, (i) => Math.min(1, i / 14)))).toEqual([]);
    const [a, b] = [shot(1, 24), shot(2, 24)];
    const dissolve = a.map((frame, i) => {
      const share = Math.min(1, Math.max(0, (i - 6) / 12));
      return { ...frame, rgba: frame.rgba.map((level, k) => level * (1 - share) + b[i]!.rgba[k]! * share) };
    });
    expect(cutsOf(dissolve)).toEqual([]);
  });

  it('are none in a still, or in a clip of one frame or of none', () => {
    expect(cutsOf(shot(1, 20, 0))).toEqual([]);
    expect(cutsOf(shot(1, 1))).toEqual([]);
    expect(cutsOf([])).toEqual([]);
    expect(cutsOf(Array.from({ length: 9 }, () => ({ ...picture(() => [0, 0, 0]) })))).toEqual([]);
  });
});

function areaOf(frames: readonly RgbaPicture[]) {
  const detector = new BorderDetector();
  for (const frame of frames) detector.add(frame);
  return detector.area();
}

/** Bars over every frame, a little noisy as coding makes them. */
function barred(frames: readonly RgbaPicture[], left: number, top: number, right = left, bottom = top): RgbaPicture[] {
  return frames.map(({ rgba }) =>
    picture((x, y) => {
      const inside = x >= left && x < WIDTH - right && y >= top && y < HEIGHT - bottom;
      const at = (y * WIDTH + x) * 4;
      return inside ? [...rgba.subarray(at, at + 3)] : [(x * y) % 5, (x + y) % 4, 2];
    }),
  );
}

describe('black borders', () => {
  const film = shot(1, 6, 3);

  it('are found above and below, at the sides, all around', () => {
    expect(areaOf(barred(film, 0, 8))).toEqual({ x: 0, y: 8, width: 96, height: 48 });
    expect(areaOf(barred(film, 13, 0))).toEqual({ x: 12, y: 0, width: 72, height: 64 });
    expect(areaOf(barred(film, 12, 6, 14, 8))).toEqual({ x: 12, y: 6, width: 70, height: 50 });
  });

  it('are found through black frames and fades', () => {
    const faded = barred(
      shot(1, 8, 1, (i) => i / 7),
      0,
      8,
    );
    expect(areaOf(faded)).toEqual({ x: 0, y: 8, width: 96, height: 48 });
  });

  it('end where anything is ever shown in them', () => {
    const subtitle = picture((x, y) => (y > 58 && y < 62 && x > 20 && x < 70 ? [230, 230, 230] : [0, 0, 0]));
    expect(areaOf([...barred(film, 0, 8), subtitle])).toBeNull();
    expect(areaOf([...barred(film, 0, 8), ...film.slice(0, 1)])).toBeNull();
  });

  it('are never seen in pictures that are merely dark', () => {
    expect(areaOf(film)).toBeNull();
    const night = shot(2, 6, 2, () => 0.12);
    expect(areaOf(night)).toBeNull();
    const black = Array.from({ length: 9 }, () => picture(() => [0, 0, 0]));
    expect(areaOf(black)).toBeNull();
    // A dark sky over a city, a lamp in the night, a thin edge.
    expect(areaOf(barred(film, 0, 30, 0, 0))).toBeNull();
    expect(areaOf(barred(film, 40, 28))).toBeNull();
    expect(areaOf(barred(film, 1, 0))).toBeNull();
  });

  it('need more than a frame or two as proof', () => {
    expect(areaOf(barred(film.slice(0, 2), 0, 8))).toBeNull();
  });
});

describe('analysing a clip', { timeout: 30_000 }, () => {
  it('numbers cuts as the clip does', async () => {
    const frames = barred([...shot(1, 10), ...shot(2, 10), ...shot(3, 10)], 0, 8);
    const clip = {
      async *frames({ startFrame, endFrame }: { startFrame: number; endFrame: number }) {
        for (let index = startFrame; index < endFrame; index++) {
          yield { ...frames[index]!, index, timestampUs: index, repeated: false } satisfies DecodedFrame;
        }
      },
    };
    const done: number[] = [];
    const analysis = await analyseClip(clip, { startFrame: 6, endFrame: 30 }, (count) => done.push(count));
    expect(analysis).toEqual({ cuts: [10, 20], activeArea: { x: 0, y: 8, width: 96, height: 48 } });
    expect(done.at(-1)).toBe(24);
  });
});

it('a clip without its borders, put back between them, is the clip', async () => {
  const [frame] = barred(shot(1, 1), 12, 6, 14, 8).map((each) => ({
    ...each,
    // Black as it is put back.
    rgba: each.rgba.map((level, i) => (i % 4 < 3 && level < 8 ? 0 : level)),
  }));
  const clip = {
    info: { width: WIDTH, height: HEIGHT, frameCount: 1 },
    audioTracks: [],
    async *frames() {
      yield { ...frame!, index: 0, timestampUs: 0, repeated: false };
    },
    close() {},
  } as unknown as Clip;
  const active = activeClip(clip, { x: 12, y: 6, width: 70, height: 50 });
  expect(active.info).toMatchObject({ width: 70, height: 50, frameCount: 1 });
  for await (const inner of active.frames({ startFrame: 0, endFrame: 1 })) {
    expect([inner.width, inner.height, inner.rgba.length]).toEqual([70, 50, 70 * 50 * 4]);
    expect(onBlack(inner, 12, 6, WIDTH, HEIGHT)).toEqual({ width: WIDTH, height: HEIGHT, rgba: frame!.rgba });
  }
});
