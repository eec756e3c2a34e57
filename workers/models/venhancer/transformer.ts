/** Spatial and temporal transformers (SPEC §1.2): depth 1, no positions, no mask. */

import { fixedSize } from '../onnx/dimension.ts';
import type { Value, WeightRole } from '../onnx/graph.ts';
import { groupNorm, layerNorm, linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { frameSequences, fromFrameSequences, fromPixelTokens, overTime, pixelTokens } from '../onnx/video-layout.ts';
import { attention } from './attention.ts';
import { resolutionRole, TRANSFORMER_NORM_EPSILON } from './layers.ts';
import type { Features, Network } from './network.ts';

/** [F, C, h, w]; every frame's pixels attend to one another, then to the text where the model has one. */
export function spatialTransformer(network: Network, path: string, x: Features, context: Value | null): Value {
  const { g, config, mark } = network;
  const heads = headsOf(network, x);
  const role = resolutionRole(x, 'linear');
  const normal = groupNorm(network, `${path}.norm`, x.value, TRANSFORMER_NORM_EPSILON);
  const tokens = linear(network, `${path}.proj_in`, pixelTokens(g, normal), heads * config.headDim, { role });
  const attended = transformerBlock(network, `${path}.transformer_blocks.0`, tokens, heads, context ?? 'none', role);
  const output = linear(network, `${path}.proj_out`, attended, x.channels, { role });
  const y = op.add(g, fromPixelTokens(g, output, x.value), x.value);
  mark(path, y);
  return y;
}

/** [F, C, h, w]; every pixel attends along the frames, twice. */
export function temporalTransformer(network: Network, path: string, x: Features): Value {
  return alongFrames(network, path, x, headsOf(network, x), resolutionRole(x, 'linear'));
}

/** What channels are left over by whole heads, the projections drop and restore. */
function headsOf({ config }: Network, { channels }: Features): number {
  return Math.floor(channels / config.headDim);
}

/** The one after the first convolution, whose width does not follow from its channels: 512 in the reference. */
export function firstTemporalTransformer(network: Network, path: string, x: Features): Value {
  return alongFrames(network, path, x, network.config.firstTemporalHeads, 'full-resolution');
}

function alongFrames(network: Network, path: string, x: Features, heads: number, role: WeightRole): Value {
  const { g, config, mark } = network;
  const normal = groupNorm(network, `${path}.norm`, overTime(g, x.value), TRANSFORMER_NORM_EPSILON);
  const asConvolution = { kernelAxes: 1, role: resolutionRole(x, 'linear') };
  const tokens = linear(network, `${path}.proj_in`, frameSequences(g, normal), heads * config.headDim, asConvolution);
  const attended = transformerBlock(network, `${path}.transformer_blocks.0`, tokens, heads, 'itself', role);
  const output = linear(network, `${path}.proj_out`, attended, x.channels, asConvolution);
  const y = op.add(g, fromFrameSequences(g, output, x.value), x.value);
  mark(path, y);
  return y;
}

/** What the second attention attends to. `none`: a block of a model without text has no second attention. */
type Second = Value | 'itself' | 'none';

function transformerBlock(
  network: Network,
  path: string,
  x: Value,
  heads: number,
  second: Second,
  role: WeightRole,
): Value {
  const { g, mark } = network;
  const first = layerNorm(network, `${path}.norm1`, x);
  let y = op.add(g, x, attention(network, `${path}.attn1`, first, null, heads, role));
  if (second !== 'none') {
    const normal = layerNorm(network, `${path}.norm2`, y);
    const attended = attention(network, `${path}.attn2`, normal, second === 'itself' ? null : second, heads, role);
    mark(`${path}.attn2`, attended);
    y = op.add(g, y, attended);
  }
  return op.add(g, y, feedForward(network, `${path}.ff`, layerNorm(network, `${path}.norm3`, y), role));
}

/**
 * GEGLU. Value and gate are the two halves of one linear in the checkpoint; as two linears they need no split, and a quarter less
 * memory at the network's peak.
 */
function feedForward(network: Network, path: string, x: Value, role: WeightRole): Value {
  const { g } = network;
  const width = fixedSize(x.shape.at(-1));
  const half = (index: number) =>
    linear(network, `${path}.net.0.proj`, x, 4 * width, { part: { index, count: 2 }, role });
  const gated = op.multiply(g, half(0), op.gelu(g, half(1)));
  return linear(network, `${path}.net.2`, gated, width, { role });
}
