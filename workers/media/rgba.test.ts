import { describe, expect, test } from 'vitest';
import { crop, orient, type RgbaPicture, stretch } from './rgba.ts';

/** Letters as pixels: 'ab/cd' is two rows of two. */
function picture(rows: string): RgbaPicture {
  const lines = rows.split('/');
  const rgba = Uint8ClampedArray.from([...lines.join('')].flatMap((letter) => [letter.charCodeAt(0), 1, 2, 255]));
  return { width: lines[0]!.length, height: lines.length, rgba };
}

function letters({ width, rgba }: RgbaPicture): string {
  const all = Array.from({ length: rgba.length / 4 }, (_, i) => String.fromCharCode(rgba[i * 4]!));
  return all.join('').replace(new RegExp(`(.{${width}})(?=.)`, 'g'), '$1/');
}

describe('orientation', () => {
  test.each([
    [0, false, 'abc/def'],
    [90, false, 'da/eb/fc'],
    [180, false, 'fed/cba'],
    [270, false, 'cf/be/ad'],
    [0, true, 'cba/fed'],
    [90, true, 'fc/eb/da'],
    [180, true, 'def/abc'],
    [270, true, 'ad/be/cf'],
  ] as const)('%i clockwise, mirrored %s', (rotationDegrees, mirrored, expected) => {
    expect(letters(orient(picture('abc/def'), { rotationDegrees, mirrored }))).toBe(expected);
  });

  test('four quarter turns are none', () => {
    let turned = picture('abc/def');
    for (let i = 0; i < 4; i++) turned = orient(turned, { rotationDegrees: 90, mirrored: false });
    expect(turned).toEqual(picture('abc/def'));
  });
});

test('crop', () => {
  expect(letters(crop(picture('abcd/efgh/ijkl'), 1, 1, 2, 2))).toBe('fg/jk');
});

describe('stretch', () => {
  test('a flat picture stays flat, whatever the size', () => {
    const flat = { width: 7, height: 5, rgba: new Uint8ClampedArray(7 * 5 * 4).fill(77) };
    for (const [width, height] of [
      [14, 5],
      [3, 2],
      [20, 31],
    ] as const) {
      const result = stretch(flat, width, height);
      expect(result).toMatchObject({ width, height });
      expect(result.rgba.every((value) => value === 77)).toBe(true);
    }
  });

  test('a ramp stays a ramp', () => {
    const ramp = { width: 16, height: 1, rgba: Uint8ClampedArray.from({ length: 64 }, (_, i) => 10 * (i >> 2)) };
    const { rgba } = stretch(ramp, 32, 1);
    for (let x = 2; x < 30; x++) expect(Math.abs(rgba[x * 4]! - 10 * ((x + 0.5) / 2 - 0.5))).toBeLessThanOrEqual(1);
  });
});
