/**
 * Attention's core from MatMul and Softmax, for every architecture here.
 *
 * The contrib fused operators are wrong on some devices (docs/models.md), and the standard one runs on the CPU; this
 * form is right everywhere. Its price is the score matrix, batch·heads·tokens² floats.
 */

import type { GraphBuilder, Value } from './graph.ts';
import * as op from './operators.ts';

/**
 * q [B, heads, N, D] (already scaled), k [B, heads, D, M], v [B, heads, M, D] → [B, heads, N, D].
 * @param mask added to the scores, broadcast over them.
 */
export function weigh(g: GraphBuilder, q: Value, k: Value, v: Value, mask: Value | null = null): Value {
  const scores = op.matMul(g, q, k);
  return op.matMul(g, op.softmax(g, mask === null ? scores : op.add(g, scores, mask)), v);
}
