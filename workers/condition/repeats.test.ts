import { describe, expect, test } from 'vitest';
import { isRepeat } from './repeats.ts';

const [WIDTH, HEIGHT] = [70, 37];

type Light = (x: number, y: number) => number;

function picture(light: Light) {
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) rgba.fill(light(x, y), 4 * (y * WIDTH + x), 4 * (y * WIDTH + x) + 3);
  }
  return { width: WIDTH, height: HEIGHT, rgba };
}

const texture: Light = (x, y) => 120 + 50 * Math.sin(0.4 * x + 0.2 * y) + 30 * Math.cos(0.3 * y);

describe('a repeated frame', () => {
  test('is one that is the same, or differs by what an encoder leaves', () => {
    const plain = picture(texture);
    expect(isRepeat(plain, picture(texture))).toBe(true);
    // A few corrected pixels in two blocks.
    const left = picture((x, y) => texture(x, y) + (x % 8 < 3 && x < 16 && y < 8 && y % 2 === 0 ? 7 : 0));
    expect(isRepeat(plain, left)).toBe(true);
  });

  test('is none that moved by a quarter of a pixel, changed its light by half a level, or shows a cursor', () => {
    const plain = picture(texture);
    expect(
      isRepeat(
        plain,
        picture((x, y) => texture(x - 0.25, y)),
      ),
    ).toBe(false);
    expect(
      isRepeat(
        plain,
        picture((x, y) => Math.round(texture(x, y)) + ((x + y) % 2)),
      ),
    ).toBe(false);
    expect(
      isRepeat(
        plain,
        picture((x, y) => (x === 69 && y > 30 ? 255 : texture(x, y))),
      ),
    ).toBe(false);
    expect(
      isRepeat(
        plain,
        picture((x, y) => texture(x, y) + (x >= 64 && y >= 32 ? 5 : 0)),
      ),
    ).toBe(false);
  });

  test('is none of another size', () => {
    const plain = picture(texture);
    expect(isRepeat(plain, { ...plain, width: WIDTH / 2, height: 2 * HEIGHT })).toBe(false);
  });
});
