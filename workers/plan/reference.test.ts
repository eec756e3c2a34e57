import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  referenceChunks,
  referenceInsertedFrames,
  referenceMask,
  referencePadding,
  referenceTargetSize,
  referenceWindows,
} from './reference.ts';

interface Vectors {
  interp: { input_fps: number; target_fps: number; interp_f_num: number }[];
  chunks: { frames: number; interp_f_num: number; chunks: [number, number][] | null }[];
  padding: { h: number; w: number; pad_w1: number; pad_w2: number; pad_h1: number; pad_h2: number }[];
  target_res: { h: number; w: number; up_scale: number; target: [number, number] }[];
  windows: { full: number; window: number; overlap: number; coords: [number, number][] }[];
  mask: { in_f_num: number; interp_f_num: number; mask_cond: number[] }[];
}

const vectors = JSON.parse(readFileSync(new URL('./fixtures/plan.json', import.meta.url)).toString()) as Vectors;

test('inserted frames', () => {
  for (const v of vectors.interp) expect(referenceInsertedFrames(v.input_fps, v.target_fps)).toBe(v.interp_f_num);
});

test('chunks', () => {
  for (const v of vectors.chunks) expect(referenceChunks(v.frames, v.interp_f_num)).toEqual(v.chunks);
});

test('padding', () => {
  for (const v of vectors.padding) {
    const expected = { left: v.pad_w1, right: v.pad_w2, top: v.pad_h1, bottom: v.pad_h2 };
    expect(referencePadding(v.h, v.w)).toEqual(expected);
  }
});

test('target sizes', () => {
  for (const v of vectors.target_res) {
    const { height, width } = referenceTargetSize(v.h, v.w, v.up_scale);
    expect([height, width]).toEqual(v.target);
  }
});

test('autoencoder windows', () => {
  for (const v of vectors.windows) expect(referenceWindows(v.full, v.window, v.overlap)).toEqual(v.coords);
});

test('masks', () => {
  for (const v of vectors.mask) expect(referenceMask(v.in_f_num, v.interp_f_num)).toEqual(v.mask_cond);
});
