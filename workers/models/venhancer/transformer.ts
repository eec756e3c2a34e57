/** Spatial and temporal transformers (SPEC §1.2): depth 1, no positions, no mask. */

import { fixedSize } from '../onnx/dimension.ts';
import type { Value, WeightRole } from '../onnx/graph.ts';
import { groupNorm, layerNorm, linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { type Cut, piecesOf } from '../onnx/pieces.ts';
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
  const { chunks } = network;
  const cut = (counts: readonly number[]) => ({ size: chunks!.pixels[x.level]!, count: counts[x.level]! });
  const cuts = chunks && {
    first: cut(chunks.space),
    second: cut(chunks.text),
    feedForward: cut(chunks.feedForward),
  };
  const block = `${path}.transformer_blocks.0`;
  const attended = transformerBlock(network, block, tokens, heads, context ?? 'none', role, cuts ?? WHOLE);
  const output = linear(network, `${path}.proj_out`, attended, x.channels, { role });
  const y = op.add(g, fromPixelTokens(g, output, x.value), x.value);
  mark(path, y);
  return y;
}

/** [F, C, h, w]; every pixel attends along the frames, twice. */
export function temporalTransformer(network: Network, path: string, x: Features): Value {
  const pieces = network.chunks?.time[x.level] ?? 1;
  return alongFrames(network, path, x, headsOf(network, x), resolutionRole(x, 'linear'), pieces);
}

/** What channels are left over by whole heads, the projections drop and restore. */
function headsOf({ config }: Network, { channels }: Features): number {
  return Math.floor(channels / config.headDim);
}

/** The one after the first convolution, whose width does not follow from its channels: 512 in the reference. */
export function firstTemporalTransformer(network: Network, path: string, x: Features): Value {
  const pieces = network.chunks?.firstTime ?? 1;
  return alongFrames(network, path, x, network.config.firstTemporalHeads, 'full-resolution', pieces);
}

/** Pixels know nothing of one another here: `pieces` of them are taken at a time. */
function alongFrames(
  network: Network,
  path: string,
  x: Features,
  heads: number,
  role: WeightRole,
  pieces: number,
): Value {
  const { g, config, mark } = network;
  const normal = groupNorm(network, `${path}.norm`, overTime(g, x.value), TRANSFORMER_NORM_EPSILON);
  const asConvolution = { kernelAxes: 1, role: resolutionRole(x, 'linear') };
  const sequences = frameSequences(g, normal);
  const cut = { size: network.chunks?.pixels[x.level] ?? 1, count: pieces };
  const done = piecesOf(g, sequences, 0, cut).map((piece) => {
    const tokens = linear(network, `${path}.proj_in`, piece, heads * config.headDim, asConvolution);
    const attended = transformerBlock(network, `${path}.transformer_blocks.0`, tokens, heads, 'itself', role, WHOLE);
    return linear(network, `${path}.proj_out`, attended, x.channels, asConvolution);
  });
  const output = op.joined(g, done, 0, sequences.shape);
  const y = op.add(g, fromFrameSequences(g, output, x.value), x.value);
  mark(path, y);
  return y;
}

/** How a block's steps are cut: queries of either attention, tokens of the feed-forward layer; null for not at all. */
interface Cuts {
  readonly first: Cut | null;
  readonly second: Cut | null;
  readonly feedForward: Cut | null;
}

const TOKENS = 1;
const WHOLE: Cuts = { first: null, second: null, feedForward: null };

/** What the second attention attends to. `none`: a block of a model without text has no second attention. */
type Second = Value | 'itself' | 'none';

function transformerBlock(
  network: Network,
  path: string,
  x: Value,
  heads: number,
  second: Second,
  role: WeightRole,
  cuts: Cuts,
): Value {
  const { g, mark } = network;
  const first = layerNorm(network, `${path}.norm1`, x);
  let y = op.add(g, x, attention(network, `${path}.attn1`, first, null, heads, role, cuts.first));
  if (second !== 'none') {
    const normal = layerNorm(network, `${path}.norm2`, y);
    const context = second === 'itself' ? null : second;
    const attended = attention(network, `${path}.attn2`, normal, context, heads, role, cuts.second);
    mark(`${path}.attn2`, attended);
    y = op.add(g, y, attended);
  }
  const normal = layerNorm(network, `${path}.norm3`, y);
  const tokens = cuts.feedForward ? piecesOf(g, normal, TOKENS, cuts.feedForward) : [normal];
  const made = tokens.map((piece) => feedForward(network, `${path}.ff`, piece, role));
  return op.add(g, y, op.joined(g, made, TOKENS, y.shape));
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
