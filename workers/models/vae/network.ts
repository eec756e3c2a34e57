/** What the autoencoder's blocks are built with, and the names of its planes. */

import type { KlAutoencoderConfig } from '../manifest.ts';
import type { Dimension, Shape } from '../onnx/dimension.ts';
import type { Value } from '../onnx/graph.ts';
import type { GroupedContext } from '../onnx/layers.ts';

export interface Autoencoder extends GroupedContext {
  readonly config: KlAutoencoderConfig;
}

/** A feature map [F, channels, ·, ·] on the plane of a level; level 0 is the frames' own. */
export interface Features {
  readonly value: Value;
  readonly channels: number;
  readonly level: number;
}

/** Pixels per latent row. */
export function latentFactorOf({ channels }: KlAutoencoderConfig): number {
  return 2 ** (channels.length - 1);
}

/** A level's plane in terms of the latent's [h, w]. */
export function planeOf(config: KlAutoencoderConfig, level: number): Shape {
  const factor = 2 ** (config.channels.length - 1 - level);
  const times = (symbol: string): Dimension => ({ factor, symbols: [symbol] });
  return [times('h'), times('w')];
}
