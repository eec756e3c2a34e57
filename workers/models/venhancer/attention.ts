/** Multi-head attention of the transformers (SPEC §1.2). */

import { weigh } from '../onnx/attention.ts';
import { dimension, fixedSize, product } from '../onnx/dimension.ts';
import type { GraphBuilder, Value, WeightRole } from '../onnx/graph.ts';
import { linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { type Cut, piecesOf } from '../onnx/pieces.ts';
import type { Network } from './network.ts';

/**
 * x [B, N, I]; `context` [L, D] is shared by all B, `null` means x itself.
 * Returns [B, N, I], the output projection done, the residual not added.
 * @param cut of x along N, a piece of queries at a time; null for all at once.
 */
export function attention(
  network: Network,
  path: string,
  x: Value,
  context: Value | null,
  heads: number,
  role: WeightRole,
  cut: Cut | null = null,
): Value {
  const { g, config } = network;
  const width = heads * config.headDim;
  const source = context ?? x;
  const project = (name: string, from: Value) => linear(network, `${path}.${name}`, from, width, { bias: false, role });
  const [keys, values] = [project('to_k', source), project('to_v', source)];
  const asOne = context !== null;
  return g.scoped(`${path}`, () => {
    const k = inHeads(g, keys, heads, asOne, [0, 2, 3, 1]);
    const v = inHeads(g, values, heads, asOne, [0, 2, 1, 3]);
    const done = (cut ? piecesOf(g, x, QUERIES, cut) : [x]).map((piece) => {
      const query = project('to_q', piece);
      const scaled = op.multiply(g, query, g.scalar(1 / Math.sqrt(config.headDim)));
      const mixed = weigh(g, inHeads(g, scaled, heads, asOne, [0, 2, 1, 3]), k, v);
      const merged = op.reshapeLike(g, op.transpose(g, mixed, [0, 2, 1, 3]), query);
      return linear(network, `${path}.to_out.0`, merged, fixedSize(x.shape.at(-1)), { role });
    });
    return op.joined(g, done, QUERIES, x.shape);
  });
}

/** The axis of x that they lie along. */
const QUERIES = 1;

/**
 * [B, N, I] → [B, N, heads, D] in the given order of axes. `asOne` takes all of x as one sequence, B = 1: over a context that all
 * frames share there is no need to broadcast it over them.
 */
function inHeads(g: GraphBuilder, x: Value, heads: number, asOne: boolean, order: readonly number[]): Value {
  const size = fixedSize(x.shape.at(-1)) / heads;
  const rows = asOne ? [dimension(1), product(x.shape.slice(0, -1))] : x.shape.slice(0, -1);
  const target = asOne ? [1, -1, heads, size] : [0, 0, heads, size];
  const split = op.reshape(g, x, target, [...rows, dimension(heads), dimension(size)]);
  return op.transpose(g, split, order);
}
