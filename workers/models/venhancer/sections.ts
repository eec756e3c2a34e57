/**
 * The UNet in sections that are loaded one after another where memory has no room for the whole: the encoder with the middle, then shares of
 * the decoder. A section takes what the ones before it gave: `skip_<n>`, and `features_<block>` that output block is given.
 */

import type { NetworkConfig } from '../manifest.ts';
import { dimension, shapeOf } from '../onnx/dimension.ts';
import type { Value } from '../onnx/graph.ts';
import { silu } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { encoder } from './encoder.ts';
import { embedding } from './layers.ts';
import { channelsAt, type Features, FRAMES, type Network, planeOf, timeWidth } from './network.ts';
import { head, outputBlock } from './unet.ts';

/** `encoder`, or the output blocks [from, to). */
export type UNetSection = 'encoder' | { readonly from: number; readonly to: number };

/** The encoder, then the decoder in halves: at the official size 616, 486 and 307 million parameters. */
export function unetSections(config: NetworkConfig): readonly UNetSection[] {
  const blocks = config.multipliers.length * (config.blocks + 1);
  // Deep blocks are the heavy ones.
  const half = Math.max(1, Math.floor((5 * blocks) / 12));
  return ['encoder', { from: 0, to: half }, { from: half, to: blocks }];
}

export function unetSectionGraph(network: Network, section: UNetSection): void {
  const { g, config } = network;
  const inputs = {
    timestepFeatures: g.input('timestep_features', shapeOf(1, config.dim)),
    context: config.contextDim > 0 ? g.input('context', shapeOf(config.contextLength, config.contextDim)) : null,
  };
  const time = embedding(network, 'time_embed', inputs.timestepFeatures, timeWidth(config));
  const activated = silu(network, time);
  if (section === 'encoder') encoderSection(network, activated, inputs.context);
  else decoderSection(network, section.from, section.to, activated, inputs.context);
}

/** `sample` → `skip_<n>`, and the middle as `features_0`. */
function encoderSection(network: Network, activatedEmbedding: Value, context: Value | null): void {
  const { g, config } = network;
  const sample = g.input('sample', [FRAMES, dimension(config.latentChannels), ...planeOf(0)]);
  const { skips, middle } = encoder(network, { sample, activatedEmbedding, context });
  for (const [index, { value }] of skips.entries()) g.output(`skip_${index}`, value);
  g.output('features_0', middle.value);
}

/** `features_<from>`, and `skip_<n>` and `residual_<n>` of its blocks → `features_<to>`, at the end `velocity`. */
function decoderSection(
  network: Network,
  from: number,
  to: number,
  activatedEmbedding: Value,
  context: Value | null,
): void {
  const { g, config } = network;
  const skips = skipsOf(config);
  const input = (name: string, { channels, level }: Place) =>
    g.input(name, [FRAMES, dimension(channels), ...planeOf(level)]);
  const start = placeBefore(config, from);
  let x: Features = { ...start, value: input(`features_${from}`, start) };
  // The middle's residual is the last.
  if (from === 0) x = { ...x, value: op.add(g, x.value, input(`residual_${skips.length}`, start)) };
  for (let index = from; index < to; index += 1) {
    const at = skips.length - 1 - index;
    const place = skips[at]!;
    const skip = { ...place, value: input(`skip_${at}`, place) };
    const last = index % (config.blocks + 1) === config.blocks;
    x = outputBlock(network, index, x, skip, input(`residual_${at}`, place), activatedEmbedding, context, last);
  }
  if (to === skips.length) g.output('velocity', head(network, x));
  else g.output(`features_${to}`, x.value);
}

type Place = Pick<Features, 'channels' | 'level'>;

function skipsOf(config: NetworkConfig): Place[] {
  const places: Place[] = [{ channels: config.dim, level: 0 }];
  for (let level = 0; level < config.multipliers.length; level += 1) {
    for (let block = 0; block < config.blocks; block += 1) places.push({ channels: channelsAt(config, level), level });
    if (level < config.multipliers.length - 1) places.push({ channels: channelsAt(config, level), level: level + 1 });
  }
  return places;
}

/** What output block `index` is given: the middle's features, or those of the block before it. */
function placeBefore(config: NetworkConfig, index: number): Place {
  const top = config.multipliers.length - 1;
  if (index === 0) return { channels: channelsAt(config, top), level: top };
  const perLevel = config.blocks + 1;
  const made = top - Math.floor((index - 1) / perLevel);
  return { channels: channelsAt(config, made), level: top - Math.floor(index / perLevel) };
}
