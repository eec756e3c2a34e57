/**
 * A picture as 32 × 32 cells of luma and two colour differences: small enough to keep a few and to compare often.
 *
 * Pure; at most sixteen samples a cell, so about 0.1 ms whatever the picture's size. Cells are not square where the picture isn't.
 */

import type { RgbaPicture } from './rgba.ts';

export const CELLS = 32;

/** Row-major, one byte a cell. Colour differences are centred on 128, as in full-range BT.601. */
export interface Thumbnail {
  readonly luma: Uint8Array;
  readonly cb: Uint8Array;
  readonly cr: Uint8Array;
}

const SAMPLES_A_SIDE = 4;

export function thumbnail({ width, height, rgba }: RgbaPicture): Thumbnail {
  const luma = new Uint8Array(CELLS * CELLS);
  const cb = new Uint8Array(CELLS * CELLS);
  const cr = new Uint8Array(CELLS * CELLS);
  const columns = samplePositions(width);
  const rows = samplePositions(height);
  const perCell = SAMPLES_A_SIDE * SAMPLES_A_SIDE;
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    const firstColumn = (cell % CELLS) * SAMPLES_A_SIDE;
    const firstRow = Math.floor(cell / CELLS) * SAMPLES_A_SIDE;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let row = firstRow; row < firstRow + SAMPLES_A_SIDE; row++) {
      const start = rows[row]! * width;
      for (let column = firstColumn; column < firstColumn + SAMPLES_A_SIDE; column++) {
        const at = (start + columns[column]!) * 4;
        red += rgba[at]!;
        green += rgba[at + 1]!;
        blue += rgba[at + 2]!;
      }
    }
    const y = (0.299 * red + 0.587 * green + 0.114 * blue) / perCell;
    luma[cell] = y + 0.5;
    cb[cell] = 128.5 + 0.564 * (blue / perCell - y);
    cr[cell] = 128.5 + 0.713 * (red / perCell - y);
  }
  return { luma, cb, cr };
}

/** Where to look along a side: evenly, in the middle of each of 128 parts. */
function samplePositions(length: number): number[] {
  const count = CELLS * SAMPLES_A_SIDE;
  return Array.from({ length: count }, (_, i) => Math.min(length - 1, Math.floor(((i + 0.5) * length) / count)));
}
