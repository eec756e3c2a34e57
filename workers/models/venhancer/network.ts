/**
 * What every block of the architecture is built with, and the levels' names.
 *
 * Level 0 is the latent plane [h, w]; level k, after k downsamplings, is [hk, wk]. Names are symbols of the graph.
 */

import type { NetworkConfig } from '../manifest.ts';
import { type Dimension, dimension, product, type Shape, type SymbolSizes } from '../onnx/dimension.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Chunks } from './chunks.ts';

export interface Network {
  readonly g: GraphBuilder;
  readonly config: NetworkConfig;
  /** SPEC §1.6: the UNet's keys have none. */
  readonly prefix: '' | 'VideoControlNet.';
  /** Null: nothing is cut. */
  readonly chunks: Chunks | null;
  readonly winograd: boolean;
  /** Notes a module's output under its official path, for tests that compare sub-blocks. */
  readonly mark: (path: string, value: Value) => void;
}

/** A feature map [F, C, h, w] and what is known of it. */
export interface Features {
  readonly value: Value;
  readonly channels: number;
  readonly level: number;
}

export const FRAMES = dimension('F');

export function planeOf(level: number): Shape {
  return level === 0 ? [dimension('h'), dimension('w')] : [dimension(`h${level}`), dimension(`w${level}`)];
}

export function pixelsOf(level: number): Dimension {
  return product(planeOf(level));
}

export function timeWidth(config: NetworkConfig): number {
  return 4 * config.dim;
}

export function channelsAt(config: NetworkConfig, level: number): number {
  return config.dim * config.multipliers[level]!;
}

/** Every symbol's size for a clip of that many frames and latent rows and columns (SPEC §1.2 "Downsample"). */
export function levelSizes(config: NetworkConfig, frames: number, height: number, width: number): SymbolSizes {
  const extraRow = config.padding === 'reference' ? 1 : 0;
  const sizes: { [symbol: string]: number } = { F: frames, h: height, w: width };
  for (let level = 1, rows = height, columns = width; level < config.multipliers.length; level += 1) {
    rows = Math.floor((rows + 1) / 2) + extraRow;
    columns = Math.floor((columns + 1) / 2);
    sizes[`h${level}`] = rows;
    sizes[`w${level}`] = columns;
  }
  return sizes;
}
