import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Tile } from '../plan/job-plan.ts';
import { accumulateTile, crossFade, crossFadeWeight, extractTile, rampWeights } from './blend.ts';
import { framesOf, largestDifference } from './fixtures/analytic.ts';
import { parseVectors } from './fixtures/safetensors.ts';

const vectors = parseVectors(readFileSync(new URL('./fixtures/blend.safetensors', import.meta.url)));

const tile = (
  [latentX, latentWidth, overlapLeft, overlapRight]: number[],
  [latentY, latentHeight, overlapTop, overlapBottom]: number[],
) => ({ latentX, latentWidth, overlapLeft, overlapRight, latentY, latentHeight, overlapTop, overlapBottom }) as Tile;

describe('blending', () => {
  test('the cross-fade of two windows is the reference’s', () => {
    const frames = (name: string) => framesOf(vectors.get(name)!.data as Float32Array, vectors.get(name)!.dims);
    const overlap = 2;
    const [a, b, expected] = [frames('a'), frames('b'), frames('blend2')];
    // The reference blends a's tail into b's head, in b.
    for (let j = 0; j < expected.length; j++) {
      const blended = j < overlap ? a[a.length - overlap + j]!.slice() : b[j]!.slice();
      crossFade(blended, b[j]!, crossFadeWeight(j, overlap));
      expect(largestDifference(blended, expected[j]!)).toBeLessThan(1e-6);
    }
  });

  test('ramps of neighbours complete each other', () => {
    for (const overlap of [1, 2, 7, 16]) {
      const left = rampWeights(20, 0, overlap);
      const right = rampWeights(16, overlap, 0);
      for (let j = 0; j < overlap; j++) expect(left[20 - overlap + j]! + right[j]!).toBeCloseTo(1, 6);
      expect(left[19 - overlap]).toBe(1);
      expect(right[15]).toBe(overlap === 16 ? right[15] : 1);
    }
  });

  test('tiles taken out and put back are the frame', () => {
    const [planes, width, height] = [3, 30, 21];
    const frame = Float32Array.from({ length: planes * width * height }, (_, i) => Math.sin(i));
    const columns = [
      [0, 14, 0, 6],
      [8, 14, 6, 6],
      [16, 14, 6, 0],
    ];
    const rows = [
      [0, 12, 0, 3],
      [9, 12, 3, 0],
    ];
    const out = new Float32Array(frame.length);
    for (const column of columns) {
      for (const row of rows) {
        const part = tile(column, row);
        const values = new Float32Array(5 + planes * part.latentWidth * part.latentHeight);
        extractTile(frame, planes, width, height, part, values, 5);
        accumulateTile(out, planes, width, height, part, values, 5);
      }
    }
    expect(largestDifference(out, frame)).toBeLessThan(1e-6);
  });
});
