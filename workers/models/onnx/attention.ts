/**
 * Attention's core from MatMul and Softmax, for every architecture here.
 *
 * The contrib fused operators are wrong on some devices (docs/models.md), and the standard one runs on the CPU; this
 * form is right everywhere. Its price is the score matrix, batch·heads·tokens² floats, of which a piece's rows at a time are there.
 */

import type { GraphBuilder, Value } from './graph.ts';
import * as op from './operators.ts';

/** A mask added to the scores, broadcast over them; pieces that the queries are cut into, 1 when absent. */
export interface WeighOptions {
  readonly mask?: Value | null;
  readonly pieces?: number;
}

const QUERIES = 2;

/**
 * q [B, heads, N, D] (already scaled), k [B, heads, D, M], v [B, heads, M, D] → [B, heads, N, D].
 */
export function weigh(
  g: GraphBuilder,
  q: Value,
  k: Value,
  v: Value,
  { mask = null, pieces = 1 }: WeighOptions = {},
): Value {
  const mixed = op.split(g, q, QUERIES, pieces).map((queries) => {
    const scores = op.matMul(g, queries, k);
    return op.matMul(g, op.softmax(g, mask === null ? scores : op.add(g, scores, mask)), v);
  });
  return op.joined(g, mixed, QUERIES, q.shape);
}
