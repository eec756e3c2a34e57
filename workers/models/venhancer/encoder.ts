/** Input and middle blocks: the half that UNet and ControlNet both have (SPEC §1.3). */

import type { Value } from '../onnx/graph.ts';
import { convolution } from '../onnx/layers.ts';
import { channelsAt, type Features, type Network } from './network.ts';
import { downsample, residualBlock } from './residual-block.ts';
import { firstTemporalTransformer, spatialTransformer, temporalTransformer } from './transformer.ts';

export interface EncoderInputs {
  readonly sample: Value;
  /** SiLU of the embedding, [1 or F, 4·dim]. */
  readonly activatedEmbedding: Value;
  readonly context: Value | null;
  /** Added after the first convolution, before the first temporal transformer. */
  readonly addToFirst?: (features: Value) => Value;
}

export interface Encoded {
  /** Every input block's output, first to last: the skips. */
  readonly skips: readonly Features[];
  readonly middle: Features;
}

export function encoder(network: Network, inputs: EncoderInputs): Encoded {
  const { config, mark } = network;
  const { activatedEmbedding, context } = inputs;
  const stem = convolution(network, 'input_blocks.0.0', inputs.sample, config.dim, {
    kernel: 3,
    role: 'edge-convolution',
  });
  mark('input_blocks.0.0', stem);
  const start = inputs.addToFirst?.(stem) ?? stem;
  const stemmed = { value: start, channels: config.dim, level: 0 };
  const first = firstTemporalTransformer(network, 'input_blocks.0.1', stemmed);
  const skips: Features[] = [{ ...stemmed, value: first }];
  for (let level = 0; level < config.multipliers.length; level += 1) {
    for (let block = 0; block < config.blocks; block += 1) {
      const path = `input_blocks.${skips.length}`;
      skips.push(levelBlock(network, path, skips.at(-1)!, activatedEmbedding, context, channelsAt(config, level)));
    }
    if (level < config.multipliers.length - 1) {
      skips.push(downsample(network, `input_blocks.${skips.length}`, skips.at(-1)!));
    }
  }
  return { skips, middle: middle(network, skips.at(-1)!, activatedEmbedding, context) };
}

/** ResBlock, and at levels with attention both transformers. */
export function levelBlock(
  network: Network,
  path: string,
  x: Features,
  activatedEmbedding: Value,
  context: Value | null,
  channels: number,
): Features {
  const { config } = network;
  const y = residualBlock(network, `${path}.0`, x, activatedEmbedding, channels);
  return config.attentionLevels.includes(x.level) ? attended(network, path, y, context) : y;
}

function middle(network: Network, x: Features, activatedEmbedding: Value, context: Value | null): Features {
  const path = 'middle_block';
  const first = residualBlock(network, `${path}.0`, x, activatedEmbedding, x.channels);
  return residualBlock(network, `${path}.3`, attended(network, path, first, context), activatedEmbedding, x.channels);
}

function attended(network: Network, path: string, x: Features, context: Value | null): Features {
  const inSpace = { ...x, value: spatialTransformer(network, `${path}.1`, x, context) };
  return { ...x, value: temporalTransformer(network, `${path}.2`, inSpace) };
}
