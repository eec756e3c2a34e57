import { expect, it } from 'vitest';
import type { Clip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { clipOf } from '../plan/fixtures/plan-inputs.ts';
import { FirstFrames } from './first-frames.ts';

/** A clip of frames of so many bytes that notes which ranges it is asked for. */
function askedClip(bytes: number) {
  const asked: [number, number][] = [];
  const clip: Clip = {
    info: clipOf(bytes / 4, 1, 9),
    audioTracks: [],
    keyFrames: [0],
    close() {},
    async *frames({ startFrame, endFrame }) {
      asked.push([startFrame, endFrame]);
      for (let index = startFrame; index < endFrame; index += 1) {
        const rgba = new Uint8ClampedArray(bytes).fill(index);
        yield { index, timestampUs: 1000 * index, width: bytes / 4, height: 1, rgba, repeated: false };
      }
    },
  };
  return { clip, asked };
}

async function read(clip: Clip, startFrame: number, endFrame: number, most = Number.POSITIVE_INFINITY) {
  const frames: DecodedFrame[] = [];
  for await (const frame of clip.frames({ startFrame, endFrame })) {
    frames.push(frame);
    if (frames.length === most) break;
  }
  return frames;
}

it('gives what a look has read, once, and decodes it when it is asked for again', async () => {
  const { clip, asked } = askedClip(400);
  const first = new FirstFrames();
  const seen = await read(first.held(clip), 3, 9);
  const given = await read(first.given(clip), 3, 9);
  expect(given.map(({ index }) => index)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(given.every((frame, i) => frame === seen[i])).toBe(true);
  expect(asked).toEqual([[3, 9]]);
  expect((await read(first.given(clip), 3, 9)).map(({ index }) => index)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(asked).toEqual([
    [3, 9],
    [3, 9],
  ]);
});

it.each([
  [5, 24 * 2 ** 20, 2],
  [40, 400, 32],
])(
  'holds as much as there is room for, and goes on from there: of %i frames of %i bytes %i',
  async (count, bytes, held) => {
    const { clip, asked } = askedClip(bytes);
    const first = new FirstFrames();
    await read(first.held(clip), 0, count);
    const given = await read(first.given(clip), 0, count);
    expect(given.map(({ rgba }) => rgba[0])).toEqual(Array.from({ length: count }, (_, frame) => frame));
    expect(asked).toEqual([
      [0, count],
      [held, count],
    ]);
  },
);

it('begins anew with a look that is made again, and forgets all where the job begins elsewhere', async () => {
  const { clip, asked } = askedClip(400);
  const first = new FirstFrames();
  const look = first.held(clip);
  await read(look, 0, 9, 4);
  const seen = await read(look, 0, 9);
  expect((await read(first.given(clip), 0, 9)).every((frame, i) => frame === seen[i])).toBe(true);
  await read(look, 0, 9);
  asked.length = 0;
  await read(first.given(clip), 2, 9);
  expect((await read(first.given(clip), 0, 3)).map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(asked).toEqual([
    [2, 9],
    [0, 3],
  ]);
});

it('hears of a cancel between frames that it holds', async () => {
  const { clip } = askedClip(400);
  const first = new FirstFrames();
  await read(first.held(clip), 0, 3);
  const abort = new AbortController();
  const frames = first.given(clip).frames({ startFrame: 0, endFrame: 3, signal: abort.signal })[Symbol.asyncIterator]();
  await frames.next();
  abort.abort();
  await expect(frames.next()).rejects.toMatchObject({ code: 'CANCELLED' });
});
