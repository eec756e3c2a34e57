/**
 * A value cut along an axis, a slice at a time.
 *
 * Not ONNX's Split: onnxruntime's on WebGPU binds every output at once, and fails above nine (`maxStorageBuffersPerShaderStage`); and all of
 * a Split's outputs are there together, where a slice is gone once it has been used.
 */

import { dimension } from './dimension.ts';
import type { GraphBuilder, Value } from './graph.ts';

/** How an axis is cut: `count` pieces of an axis that is `size` long, equal but for the last. */
export interface Cut {
  readonly size: number;
  readonly count: number;
}

/** Pieces of x; x itself where there is nothing to cut. @throws RangeError where a piece would be empty. */
export function piecesOf(g: GraphBuilder, x: Value, axis: number, { size, count }: Cut): readonly Value[] {
  if (count === 1) return [x];
  const length = Math.ceil(size / count);
  if ((count - 1) * length >= size) throw new RangeError(`${size} in ${count} pieces`);
  return Array.from({ length: count }, (_, index) => {
    const from = index * length;
    const to = Math.min(size, from + length);
    const shape = x.shape.map((whole, at) => (at === axis ? dimension(to - from) : whole));
    return g.node('Slice', [x, g.integers([from]), g.integers([to]), g.integers([axis])], shape);
  });
}
