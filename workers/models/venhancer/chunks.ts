/**
 * Into how many pieces the hungry steps of the transformers are cut, so that no scores and no feed-forward layer holds more than a bound
 * (SPEC §4): attention in space by queries, attention to the text by queries, transformers along time by pixels, feed-forward layers by tokens. Every row
 * is computed as before, so the numbers are the same.
 */

import type { NetworkConfig } from '../manifest.ts';
import { channelsAt, levelSizes } from './network.ts';

/** Numbers of pieces; per level where they are lists. 1 is whole. */
export interface Chunks {
  /** Of the latent plane at each level, which the pieces are cut from. */
  readonly pixels: readonly number[];
  readonly space: readonly number[];
  readonly text: readonly number[];
  readonly feedForward: readonly number[];
  readonly time: readonly number[];
  /** The transformer after the first convolution, wider than its level. */
  readonly firstTime: number;
}

/** What one piece may hold, in bytes of float32. */
export const CHUNK_BYTES = 64 * 2 ** 20;
/** More pieces would make more nodes than they save memory: the plan takes smaller tiles then. */
const MOST_CHUNKS = 64;
const FLOAT_BYTES = 4;
/** Scores and their softmax are there together. */
const SCORES = 2;
/** Value, gate and their product. */
const FEED_FORWARD_TENSORS = 3;
const FEED_FORWARD_WIDTH = 4;

/** For windows of up to `frames` and tiles of that size. */
export function chunksFor(
  config: NetworkConfig,
  frames: number,
  latentHeight: number,
  latentWidth: number,
  chunkBytes: number = CHUNK_BYTES,
): Chunks {
  const sizes = levelSizes(config, frames, latentHeight, latentWidth);
  const levels = config.multipliers.map((_, level) => {
    const [rows, columns] = level === 0 ? ['h', 'w'] : [`h${level}`, `w${level}`];
    const pixels = sizes[rows!]! * sizes[columns!]!;
    const heads = Math.max(1, Math.floor(channelsAt(config, level) / config.headDim));
    return { pixels, heads };
  });
  const pieces = (bytes: number, rows: number) => validCount(Math.ceil(bytes / chunkBytes), rows);
  const scores = SCORES * FLOAT_BYTES;
  const hidden = FEED_FORWARD_TENSORS * FEED_FORWARD_WIDTH * config.headDim * FLOAT_BYTES;
  const alongTime = (pixels: number, heads: number) =>
    pieces(pixels * heads * frames * (hidden + scores * frames), pixels);
  return {
    pixels: levels.map(({ pixels }) => pixels),
    space: levels.map(({ pixels, heads }) => pieces(scores * heads * frames * pixels * pixels, pixels)),
    text: levels.map(({ pixels, heads }) => pieces(scores * heads * frames * pixels * config.contextLength, pixels)),
    feedForward: levels.map(({ pixels, heads }) => pieces(hidden * heads * frames * pixels, pixels)),
    time: levels.map(({ pixels, heads }) => alongTime(pixels, heads)),
    firstTime: alongTime(levels[0]!.pixels, config.firstTemporalHeads),
  };
}

/** The most pieces up to `count` that none of is empty when all but the last are equal. */
function validCount(count: number, rows: number): number {
  let pieces = Math.max(1, Math.min(count, MOST_CHUNKS, rows));
  while ((pieces - 1) * Math.ceil(rows / pieces) >= rows) pieces -= 1;
  return pieces;
}
