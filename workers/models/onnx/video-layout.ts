/** Between the two layouts: frames first [F, C, h, w] for layers in space, [1, C, F, h·w] for layers in time. */

import { dimension, product } from './dimension.ts';
import type { GraphBuilder, Value } from './graph.ts';
import * as op from './operators.ts';

/** [F, C, h, w] → [1, C, F, h·w]. */
export function overTime(g: GraphBuilder, x: Value): Value {
  const flat = op.reshape(g, x, [0, 0, -1], [x.shape[0]!, x.shape[1]!, product(x.shape.slice(2))]);
  return op.transpose(g, op.unsqueeze(g, flat, 0), [0, 2, 1, 3]);
}

/** [1, C, F, h·w] → the layout and shape of `like` [F, C, h, w]. */
export function overSpace(g: GraphBuilder, x: Value, like: Value): Value {
  return op.reshapeLike(g, op.transpose(g, x, [0, 2, 1, 3]), like);
}

/** [1, C, F, n] → [n, F, C]: one sequence of frames per pixel. */
export function frameSequences(g: GraphBuilder, x: Value): Value {
  return op.transpose(g, op.squeeze(g, x, 0), [2, 1, 0]);
}

/** [n, F, C] → the layout and shape of `like` [F, C, h, w]. */
export function fromFrameSequences(g: GraphBuilder, x: Value, like: Value): Value {
  return op.reshapeLike(g, op.transpose(g, x, [1, 2, 0]), like);
}

/** [F, C, h, w] → [F, h·w, C]. */
export function pixelTokens(g: GraphBuilder, x: Value): Value {
  const [frames, channels, ...plane] = x.shape;
  return op.transpose(g, op.reshape(g, x, [0, 0, -1], [frames ?? dimension(1), channels!, product(plane)]), [0, 2, 1]);
}

/** [F, h·w, C] → the layout and shape of `like` [F, C, h, w]. */
export function fromPixelTokens(g: GraphBuilder, x: Value, like: Value): Value {
  return op.reshapeLike(g, op.transpose(g, x, [0, 2, 1]), like);
}
