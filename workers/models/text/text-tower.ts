/**
 * OpenCLIP's text tower as the graph `text-encoder` (SPEC §3 "Text"), over weights named as open_clip names them.
 *
 * All blocks but the last, then the final norm; no projection. Building costs milliseconds and reads no weight. Running costs
 * 45 GFLOP a prompt for ViT-H-14, seconds on the processor. Runs anywhere.
 */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { TextConfig } from '../manifest.ts';
import { weigh } from '../onnx/attention.ts';
import { shapeOf } from '../onnx/dimension.ts';
import { type Graph, GraphBuilder, type Storage, type Value, type WeightRequest } from '../onnx/graph.ts';
import { type LayerContext, layerNorm, linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';

export interface TextOptions {
  /** What each weight is stored as; float32 when absent. */
  readonly storage?: (request: WeightRequest) => Storage;
}

/** ViT-H-14 as `laion2b_s32b_b79k` was trained, which the released model was. */
export const VIT_H_14: TextConfig = {
  family: 'openclip',
  vocabulary: 49408,
  contextLength: 77,
  width: 1024,
  heads: 16,
  mlpWidth: 4096,
  layers: 23,
};

/** Added to the scores of later tokens: far enough below any score that its exponential is 0, and finite in half precision. */
const MASKED = -6e4;
/** Of every OpenCLIP text tower that this family of models is conditioned on. */
const HEAD_WIDTH = 64;

const TABLE = { role: 'embedding', layout: 'as-is' } as const;

interface TextTower extends LayerContext {
  readonly config: TextConfig;
}

/** `tokens` [77], whole numbers in float32 as all inputs are → `context` [77, width]. */
export function textGraph(config: TextConfig, options: TextOptions = {}): Graph {
  const g = new GraphBuilder('text-encoder', options.storage ?? (() => 'float32'));
  const tower: TextTower = { g, config, prefix: '' };
  const { contextLength, width } = config;
  const words = wordEmbeddings(tower, g.input('tokens', shapeOf(contextLength)));
  const positions = g.weight({ ...TABLE, key: 'positional_embedding', shape: [contextLength, width] });
  let x = op.add(g, words, positions);
  for (let layer = 0; layer < config.layers; layer += 1) x = block(tower, `transformer.resblocks.${layer}`, x);
  g.output('context', layerNorm(tower, 'ln_final', x));
  return g.finish();
}

/** Every checkpoint key that the graph reads, with its shape in the checkpoint. */
export function textTensors(config: TextConfig): ReadonlyMap<string, readonly number[]> {
  return new Map(textGraph(config).weights.map(({ key, shape }) => [key, shape]));
}

/**
 * The config that a checkpoint's keys and shapes speak of, or `null` where it has no such tower. It may still lack tensors: compare it with
 * {@link textTensors}.
 */
export function textConfigOf(checkpoint: Pick<Checkpoint, 'has' | 'shape'>): TextConfig | null {
  const shapeOfKey = (key: string) => (checkpoint.has(key) ? checkpoint.shape(key) : []);
  const [vocabulary, width] = shapeOfKey('token_embedding.weight');
  const [contextLength] = shapeOfKey('positional_embedding');
  const [mlpWidth] = shapeOfKey('transformer.resblocks.0.mlp.c_fc.weight');
  let blocks = 0;
  while (checkpoint.has(`transformer.resblocks.${blocks}.ln_1.weight`)) blocks += 1;
  if (!vocabulary || !width || !contextLength || !mlpWidth || blocks < 2) return null;
  const heads = Math.max(1, Math.floor(width / HEAD_WIDTH));
  return { family: 'openclip', vocabulary, contextLength, width, heads, mlpWidth, layers: blocks - 1 };
}

/**
 * tokens [n] → [n, width]. The table is two: as one of 202 MB it would be beyond a WebGPU device's default binding of 128 MiB. Taking rows while they
 * are half precision would need a device with `shader-f16`.
 */
function wordEmbeddings({ g, config }: TextTower, tokens: Value): Value {
  const { vocabulary, width } = config;
  const count = vocabulary % 2 === 0 ? 2 : 1;
  const size = vocabulary / count;
  const table = (index: number) =>
    g.weight({ ...TABLE, key: 'token_embedding.weight', shape: [vocabulary, width], part: { index, count } });
  const low = op.rows(g, table(0), op.clamp(g, tokens, 0, size - 1));
  if (count === 1) return low;
  const offset = op.subtract(g, tokens, g.scalar(size));
  const high = op.rows(g, table(1), op.clamp(g, offset, 0, size - 1));
  const isHigh = op.unsqueeze(g, op.clamp(g, op.add(g, offset, g.scalar(1)), 0, 1), 1);
  const isLow = op.subtract(g, g.scalar(1), isHigh);
  return op.add(g, op.multiply(g, low, isLow), op.multiply(g, high, isHigh));
}

function block(tower: TextTower, path: string, x: Value): Value {
  const { g, config } = tower;
  const attended = op.add(g, x, attention(tower, `${path}.attn`, layerNorm(tower, `${path}.ln_1`, x)));
  const normal = layerNorm(tower, `${path}.ln_2`, attended);
  const hidden = op.gelu(g, linear(tower, `${path}.mlp.c_fc`, normal, config.mlpWidth));
  return op.add(g, attended, linear(tower, `${path}.mlp.c_proj`, hidden, config.width));
}

/** Every token attends to itself and to those before it. x [77, width]. */
function attention(tower: TextTower, path: string, x: Value): Value {
  const { g, config } = tower;
  const { contextLength, width, heads } = config;
  const size = width / heads;
  const split = (index: number, order: readonly number[]) => {
    const part = { index, count: 3 };
    const projected = linear(tower, `${path}.in_proj`, x, width, { part, separator: '_' });
    const dims = [1, contextLength, heads, size];
    return op.transpose(g, op.reshape(g, projected, dims, shapeOf(...dims)), order);
  };
  const query = split(0, [0, 2, 1, 3]);
  const key = split(1, [0, 2, 3, 1]);
  const value = split(2, [0, 2, 1, 3]);
  const merged = g.scoped(path, () => {
    const scaled = op.multiply(g, query, g.scalar(1 / Math.sqrt(size)));
    const mixed = op.transpose(g, weigh(g, scaled, key, value, causalMask(g, contextLength)), [0, 2, 1, 3]);
    return op.reshape(g, mixed, [contextLength, width], shapeOf(contextLength, width));
  });
  return linear(tower, `${path}.out_proj`, merged, width);
}

/** [77, 77], 0 up to the diagonal. */
function causalMask(g: GraphBuilder, length: number): Value {
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row += 1) mask.fill(MASKED, row * length + row + 1, (row + 1) * length);
  return g.floats('causal-mask', [length, length], mask);
}
