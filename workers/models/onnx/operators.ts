/**
 * ONNX operators over symbolic shapes: each checks its operands and counts its multiply-adds.
 *
 * Only operators that docs/models.md lists as right on WebGPU and on WASM; no contrib domain, so that any ONNX runtime reads
 * the graphs. Opset {@link OPSET}.
 */

import {
  dimension,
  fixedSize,
  product,
  type Shape,
  sameDimension,
  sameShape,
  shapeOf,
  shapeText,
} from './dimension.ts';
import type { GraphBuilder, Value } from './graph.ts';

/** 20 brought the exact Gelu. */
export const OPSET = 20;
/** 21 brought int4 and scales per block; only graphs with such weights ask for it. */
export const INT4_OPSET = 21;

/** Element-wise with ONNX broadcasting. */
function elementwise(g: GraphBuilder, op: string, a: Value, b: Value): Value {
  const rank = Math.max(a.shape.length, b.shape.length);
  const one = dimension(1);
  const shape: Shape = Array.from({ length: rank }, (_, axis) => {
    const left = a.shape[axis - rank + a.shape.length] ?? one;
    const right = b.shape[axis - rank + b.shape.length] ?? one;
    if (sameDimension(left, right) || sameDimension(right, one)) return left;
    if (sameDimension(left, one)) return right;
    throw new RangeError(`${op}: ${shapeText(a.shape)} and ${shapeText(b.shape)}`);
  });
  return g.node(op, [a, b], shape);
}

export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, 'Add', a, b);
}

export function subtract(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, 'Sub', a, b);
}

export function multiply(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, 'Mul', a, b);
}

export function sigmoid(g: GraphBuilder, x: Value): Value {
  return g.node('Sigmoid', [x], x.shape);
}

/** x·Φ(x) with the error function. */
export function gelu(g: GraphBuilder, x: Value): Value {
  return g.node('Gelu', [x], x.shape, { approximate: 'none' });
}

export function leakyRelu(g: GraphBuilder, x: Value, slope: number): Value {
  return g.node('LeakyRelu', [x], x.shape, { alpha: { float: slope } });
}

export function softmax(g: GraphBuilder, x: Value): Value {
  return g.node('Softmax', [x], x.shape, { axis: -1 });
}

/** `target`: ONNX's list, 0 to keep an axis and −1 for the rest; `shape`: what comes out. */
export function reshape(g: GraphBuilder, x: Value, target: readonly number[], shape: Shape): Value {
  if (!sameDimension(product(x.shape), product(shape))) {
    throw new RangeError(`Reshape: ${shapeText(x.shape)} to ${shapeText(shape)}`);
  }
  return g.node('Reshape', [x, g.integers(target)], shape, {});
}

/** x in the shape of another value: one Shape node, no arithmetic on sizes. */
export function reshapeLike(g: GraphBuilder, x: Value, like: Value): Value {
  if (!sameDimension(product(x.shape), product(like.shape))) {
    throw new RangeError(`Reshape: ${shapeText(x.shape)} to ${shapeText(like.shape)}`);
  }
  const sizes = g.node('Shape', [like], shapeOf(like.shape.length), {}, { type: 'int64' });
  return g.node('Reshape', [x, sizes], like.shape);
}

export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  const shape = order.map((axis) => x.shape[axis]!);
  return g.node('Transpose', [x], shape, { perm: order });
}

export function unsqueeze(g: GraphBuilder, x: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), dimension(1), ...x.shape.slice(axis)];
  return g.node('Unsqueeze', [x, g.integers([axis])], shape);
}

export function squeeze(g: GraphBuilder, x: Value, axis: number): Value {
  if (fixedSize(x.shape[axis]) !== 1) throw new RangeError(`Squeeze: ${shapeText(x.shape)}`);
  return g.node('Squeeze', [x, g.integers([axis])], [...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)]);
}

/** a [..., n, k] × b [..., k, m] or [k, m]. */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  const inner = a.shape.at(-1)!;
  const batch = a.shape.slice(0, -2);
  if (!sameDimension(inner, b.shape.at(-2)!) || (b.shape.length > 2 && !sameShape(batch, b.shape.slice(0, -2)))) {
    throw new RangeError(`MatMul: ${shapeText(a.shape)} × ${shapeText(b.shape)}`);
  }
  const shape = [...a.shape.slice(0, -1), b.shape.at(-1)!];
  return g.node('MatMul', [a, b], shape, {}, { multiplyAdds: product([...shape, inner]) });
}

/** Rows above and below, columns left and right; or each side by itself. */
export type Padding =
  | readonly [rows: number, columns: number]
  | readonly [top: number, left: number, bottom: number, right: number];

export interface ConvolutionOptions {
  readonly stride?: number;
  readonly padding: Padding;
  /** Height and width of the result, where the stride changes them. */
  readonly plane?: Shape;
}

/** x [N, Cin, H, W] with weights [Cout, Cin, kh, kw] and bias [Cout]. */
export function convolution(
  g: GraphBuilder,
  x: Value,
  weights: Value,
  bias: Value | null,
  { stride = 1, padding, plane = x.shape.slice(2) }: ConvolutionOptions,
): Value {
  const [output, input, height, width] = weights.shape.map(fixedSize) as [number, number, number, number];
  if (x.shape.length !== 4 || fixedSize(x.shape[1]) !== input) {
    throw new RangeError(`Conv: ${shapeText(x.shape)} with ${shapeText(weights.shape)}`);
  }
  const shape = [x.shape[0]!, dimension(output), ...plane];
  const pads = padding.length === 4 ? padding : [...padding, ...padding];
  return g.node(
    'Conv',
    bias === null ? [x, weights] : [x, weights, bias],
    shape,
    { kernel_shape: [height, width], strides: [stride, stride], pads },
    { multiplyAdds: product([...shape, dimension(input * height * width)]) },
  );
}

/** x [N, Cin, H, W] with weights [Cin, Cout, n, n], stride n: each value spread over its own n×n block. */
export function blockTransposedConvolution(g: GraphBuilder, x: Value, weights: Value, plane: Shape): Value {
  const [input, output, size] = weights.shape.map(fixedSize) as [number, number, number, number];
  if (fixedSize(x.shape[1]) !== input) throw new RangeError(`ConvTranspose: ${shapeText(x.shape)}`);
  const shape = [x.shape[0]!, dimension(output), ...plane];
  return g.node(
    'ConvTranspose',
    [x, weights],
    shape,
    { kernel_shape: [size, size], strides: [size, size] },
    { multiplyAdds: product([...x.shape, dimension(output * size * size)]) },
  );
}

/** x [N, G, L]: each of the N·G rows to mean 0 and variance 1. */
export function instanceNormalization(g: GraphBuilder, x: Value, epsilon: number): Value {
  const rows = fixedSize(x.shape[1]);
  const inputs = [x, g.filled(rows, 1), g.filled(rows, 0)];
  return g.node('InstanceNormalization', inputs, x.shape, { epsilon: { float: epsilon } });
}

/** Over the last axis. */
export function layerNormalization(g: GraphBuilder, x: Value, scale: Value, bias: Value, epsilon: number): Value {
  return g.node('LayerNormalization', [x, scale, bias], x.shape, { axis: -1, epsilon: { float: epsilon } });
}

export function concat(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const total = values.reduce((sum, value) => sum + fixedSize(value.shape[axis]), 0);
  const shape = values[0]!.shape.map((size, at) => (at === axis ? dimension(total) : size));
  for (const value of values) {
    if (value.shape.some((size, at) => at !== axis && !sameDimension(size, shape[at]!))) {
      throw new RangeError(`Concat: ${values.map((each) => shapeText(each.shape)).join(' and ')}`);
    }
  }
  return g.node('Concat', values, shape, { axis });
}

/** Rows of a table [rows, width] by the whole numbers, held in float32, of x [n] → [n, width]. */
export function rows(g: GraphBuilder, table: Value, x: Value): Value {
  const indices = g.node('Cast', [x], x.shape, { to: 6 }, { type: 'int32' });
  return g.node('Gather', [table, indices], [...x.shape, ...table.shape.slice(1)], { axis: 0 });
}

/** Channels [from, to) of x [N, C, …]. */
export function channels(g: GraphBuilder, x: Value, from: number, to: number): Value {
  const inputs = [x, g.integers([from]), g.integers([to]), g.integers([1])];
  return g.node('Slice', inputs, [x.shape[0]!, dimension(to - from), ...x.shape.slice(2)]);
}

export function clamp(g: GraphBuilder, x: Value, least: number, most: number): Value {
  return g.node('Clip', [x, g.scalar(least), g.scalar(most)], x.shape);
}

/** Nearest neighbour, twice the height and width; `plane` is what the result's height and width are called. */
export function doubled(g: GraphBuilder, x: Value, plane: Shape): Value {
  const scales = g.floats('doubling', [4], Float32Array.of(1, 1, 2, 2));
  return g.node('Resize', [x, null, scales], [...x.shape.slice(0, 2), ...plane], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}

/** x [N, C, H, W] without its first and last row. */
export function withoutEdgeRows(g: GraphBuilder, x: Value, plane: Shape): Value {
  const inputs = [x, g.integers([1]), g.integers([-1]), g.integers([2])];
  return g.node('Slice', inputs, [...x.shape.slice(0, 2), ...plane]);
}

/** Outputs of one Split: onnxruntime binds them all beside the input, and WebGPU promises eight storage buffers a shader. */
const SPLIT_AT_MOST = 7;

/** x cut along an axis into pieces of the given sizes. */
export function splitAt(g: GraphBuilder, x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  if (sizes.length > SPLIT_AT_MOST) {
    const groups = Array.from({ length: Math.ceil(sizes.length / SPLIT_AT_MOST) }, (_, i) =>
      sizes.slice(i * SPLIT_AT_MOST, (i + 1) * SPLIT_AT_MOST),
    );
    const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0));
    const parts = splitAt(g, x, axis, totals);
    return parts.flatMap((part, i) => (groups[i]!.length === 1 ? [part] : splitAt(g, part, axis, groups[i]!)));
  }
  const pieces = sizes.map((size) => x.shape.map((whole, at) => (at === axis ? dimension(size) : whole)));
  return g.nodes('Split', [x, g.integers(sizes)], pieces, { axis });
}

/** Pieces (pieces.ts) together again, in the shape that they came from. */
export function joined(g: GraphBuilder, pieces: readonly Value[], axis: number, shape: Shape): Value {
  return pieces.length === 1 ? pieces[0]! : g.node('Concat', pieces, shape, { axis });
}
