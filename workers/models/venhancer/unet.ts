/** The 3-D UNet (SPEC §1.3), steered by the ControlNet's residuals (SPEC §1.4 "Injection"). */

import { dimension, shapeOf } from '../onnx/dimension.ts';
import type { Value } from '../onnx/graph.ts';
import { convolution, groupNorm, silu } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { encoder, levelBlock } from './encoder.ts';
import { CONVOLUTION_NORM_EPSILON, embedding } from './layers.ts';
import { channelsAt, type Features, FRAMES, type Network, planeOf, timeWidth } from './network.ts';
import { upsample } from './residual-block.ts';

export interface UNetInputs {
  /** [F, Z, h, w] */
  readonly sample: Value;
  /** [1, dim] */
  readonly timestepFeatures: Value;
  readonly context: Value | null;
  /** The residual for a skip, or for the middle, in that feature map's shape. */
  readonly residualFor: (index: number, features: Features) => Value;
}

/** Predicted velocity, [F, Z, h, w]. */
export function unet(network: Network, inputs: UNetInputs): Value {
  const { g, config, mark } = network;
  const { context, residualFor } = inputs;
  const time = embedding(network, 'time_embed', inputs.timestepFeatures, timeWidth(config));
  mark('time_embed', time);
  const activatedEmbedding = silu(network, time);
  const { skips, middle } = encoder(network, { sample: inputs.sample, activatedEmbedding, context });
  const residuals = skips.map((skip, index) => residualFor(index, skip));
  let x: Features = { ...middle, value: op.add(g, middle.value, residualFor(skips.length, middle)) };
  let index = 0;
  for (let level = config.multipliers.length - 1; level >= 0; level -= 1) {
    for (let block = 0; block <= config.blocks; block += 1, index += 1) {
      const at = skips.length - 1 - index;
      const last = block === config.blocks;
      x = outputBlock(network, index, x, skips[at]!, residuals[at]!, activatedEmbedding, context, last);
    }
  }
  return head(network, x);
}

/** Velocity from the last block's features. */
export function head(network: Network, x: Features): Value {
  const normal = silu(network, groupNorm(network, 'out.0', x.value, CONVOLUTION_NORM_EPSILON));
  const { latentChannels } = network.config;
  return convolution(network, 'out.2', normal, latentChannels, { kernel: 3, role: 'edge-convolution' });
}

/** One output block: the features so far beside a steered skip. `last` of its level: what comes out is upsampled. */
export function outputBlock(
  network: Network,
  index: number,
  x: Features,
  skip: Features,
  residual: Value,
  activatedEmbedding: Value,
  context: Value | null,
  last: boolean,
): Features {
  const { g, config } = network;
  const { level } = x;
  const steered = op.add(g, skip.value, residual);
  const joined = { ...x, value: op.concat(g, [x.value, steered], 1), channels: x.channels + skip.channels };
  const path = `output_blocks.${index}`;
  const y = levelBlock(network, path, joined, activatedEmbedding, context, channelsAt(config, level));
  if (!last || level === 0) return y;
  return upsample(network, `${path}.${config.attentionLevels.includes(level) ? 3 : 1}`, y);
}

/** The graph `unet` (DESIGN "Graph interface"). */
export function unetGraph(network: Network): void {
  const { g, config } = network;
  const velocity = unet(network, {
    sample: g.input('sample', [FRAMES, dimension(config.latentChannels), ...planeOf(0)]),
    timestepFeatures: g.input('timestep_features', shapeOf(1, config.dim)),
    context: config.contextDim > 0 ? g.input('context', shapeOf(config.contextLength, config.contextDim)) : null,
    residualFor: (index, { channels, level }) =>
      g.input(`residual_${index}`, [FRAMES, dimension(channels), ...planeOf(level)]),
  });
  g.output('velocity', velocity);
}
