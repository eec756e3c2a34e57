import { describe, expect, it } from 'vitest';
import type { DecodedFrame } from '../media/decode.ts';
import { DeflickeredStore, deflickerStart, sourceShot } from './deflickered-store.ts';
import { FrameStore } from './frame-store.ts';

const [WIDTH, HEIGHT, COUNT] = [48, 32, 20];
/** Source frames 2…19 at twice the rate, a cut before source frame 10. */
const plan = {
  sourceStart: 2,
  frameRateFactor: 2,
  shots: [
    { startFrame: 0, endFrame: 16 },
    { startFrame: 16, endFrame: 35 },
  ],
};

describe('a deflickered store', () => {
  it('knows the shot of a source frame', () => {
    expect(sourceShot(plan, 2)).toEqual({ first: 2, last: 9 });
    expect(sourceShot(plan, 9)).toEqual({ first: 2, last: 9 });
    expect(sourceShot(plan, 10)).toEqual({ first: 10, last: 19 });
    expect(sourceShot(plan, 19)).toEqual({ first: 10, last: 19 });
  });

  it('gives steadier frames', async () => {
    const made = await read(2);
    const level = (frame: DecodedFrame) => frame.rgba.reduce((sum, value) => sum + value, 0) / frame.rgba.length;
    const steps = (frames: readonly DecodedFrame[]) =>
      frames.slice(1).reduce((sum, frame, i) => sum + Math.abs(level(frame) - level(frames[i]!)), 0);
    const original = made.map(({ index }) => frameAt(index));
    expect(steps(made.slice(0, 8))).toBeLessThan(steps(original.slice(0, 8)) / 2);
  });

  it('makes the same from the middle on', async () => {
    const whole = await read(2);
    for (const first of [5, 9, 10, 12]) {
      const rest = await read(first);
      expect(rest.map(({ rgba }) => rgba)).toEqual(whole.slice(first - 2).map(({ rgba }) => rgba));
    }
  });

  it('lets no light over a cut', async () => {
    const [before, after] = [(await read(2))[7]!, (await read(2))[8]!];
    const alone = await read(10);
    expect(after.rgba).toEqual(alone[0]!.rgba);
    expect(before.rgba).not.toEqual(frameAt(9).rgba);
  });

  it('holds no more than it needs', async () => {
    const store = storeFrom(2);
    await store.reach(12);
    store.dropBefore(11);
    expect(() => store.get(10)).toThrow(RangeError);
    expect((await store.get(11)).index).toBe(11);
    await store.reach(14);
    expect((await store.get(14)).rgba).toEqual((await read(2))[12]!.rgba);
  });
});

function storeFrom(first: number): DeflickeredStore {
  const start = deflickerStart(plan, first);
  return new DeflickeredStore(new FrameStore(frames(start), start), plan, first);
}

async function read(first: number): Promise<DecodedFrame[]> {
  const store = storeFrom(first);
  const made: DecodedFrame[] = [];
  for (let index = first; index < COUNT; index += 1) {
    await store.reach(index);
    made.push(await store.get(index));
    store.dropBefore(index);
  }
  return made;
}

async function* frames(first: number): AsyncGenerator<DecodedFrame> {
  for (let index = first; index < COUNT; index += 1) yield frameAt(index);
}

/** A texture that moves by a pixel a frame, in a light that changes; after the cut another, much brighter. */
function frameAt(index: number): DecodedFrame {
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255);
  const gain = 1 + 0.04 * Math.sin(7.3 * index * index);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const value = 90 + 30 * Math.sin(0.31 * (x - index) + 0.2 * y) + (index >= 10 ? 20 : 0);
      rgba.fill(gain * value, 4 * (y * WIDTH + x), 4 * (y * WIDTH + x) + 3);
    }
  }
  return { index, width: WIDTH, height: HEIGHT, rgba } as DecodedFrame;
}
