/**
 * 3×3 convolutions by Winograd's minimal filtering, F(4×4, 3×3) (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): 36
 * multiply-adds where the plain form has 144, as standard operators. For providers whose convolution is a plain matrix product: onnxruntime's on
 * WebAssembly takes half the time (docs/performance.md), at an error of 4e-5 of the result's rms at most.
 *
 * Costs 2.25 times the input and the output in intermediate values, and weights four times as large. Runs anywhere.
 */

import { type Dimension, dimension, fixedSize, product, type Shape, type SymbolSizes } from './dimension.ts';
import type { GraphBuilder, Value } from './graph.ts';
import * as op from './operators.ts';

/** Pixels of a tile's side that come out, and that go in. */
const OUT = 4;
const IN = 6;
const POINTS = IN * IN;

/** The paper's Bᵀ, G and Aᵀ for the points 0, ±1, ±2 and infinity. */
const DATA = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
const FILTER = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
const RESULT = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** The sizes that graphs with such convolutions have beside those given. */
export function withTileSizes(sizes: SymbolSizes): SymbolSizes {
  const tiles = Object.entries(sizes).map(([name, size]) => [tileSymbol(name), Math.ceil(size / OUT)] as const);
  return { ...sizes, ...Object.fromEntries(tiles) };
}

function tileSymbol(name: string): string {
  return `tiles:${name}`;
}

/** x [N, C, H, W] with weights [K, C, 3, 3] and bias [K] → [N, K, H, W], one pixel of zeros around x. */
export function winogradConvolution(g: GraphBuilder, x: Value, weights: Value, bias: Value): Value {
  const [outputs, inputs] = weights.shape.map(fixedSize) as [number, number];
  const [frames, , height, width] = x.shape as [Dimension, Dimension, Dimension, Dimension];
  const plane: Shape = [height, width];
  const tiles: Shape = plane.map((size) => ({
    factor: size.factor,
    symbols: size.symbols.map(tileSymbol),
  }));
  const points = dimension(POINTS);
  const count = product(tiles);

  // Beyond the last whole tile zeros are read, and what comes of them is cut off again.
  const spread = g.node(
    'Conv',
    [x, perChannel(g, 'winograd-data', inputs, DATA, DATA, IN)],
    [frames, dimension(POINTS * inputs), ...tiles],
    { kernel_shape: [IN, IN], strides: [OUT, OUT], pads: [1, 1, OUT, OUT], group: inputs },
  );
  const byChannel = op.reshape(g, spread, [0, inputs, POINTS, -1], [frames, dimension(inputs), points, count]);
  const byPoint = op.transpose(g, byChannel, [2, 1, 0, 3]);
  const columns = product([frames, count]);
  const joined = op.reshape(g, byPoint, [0, 0, -1], [points, dimension(inputs), columns]);
  const mixed = g.node(
    'MatMul',
    [transformed(g, weights, outputs, inputs), joined],
    [points, dimension(outputs), columns],
    {},
    { multiplyAdds: product([points, dimension(outputs), columns, dimension(inputs)]) },
  );
  const apart = g.node(
    'Reshape',
    [mixed, sizes(g, [POINTS, outputs], byPoint)],
    [points, dimension(outputs), frames, count],
  );
  const frameFirst = op.transpose(g, apart, [2, 1, 0, 3]);
  const folded = g.node(
    'Reshape',
    [frameFirst, sizes(g, [-1, POINTS * outputs], spread)],
    [frames, dimension(POINTS * outputs), ...tiles],
  );
  const made = g.node(
    'ConvTranspose',
    [folded, perChannel(g, 'winograd-result', outputs, RESULT, RESULT, OUT), bias],
    [frames, dimension(outputs), ...tiles.map((size) => ({ ...size, factor: OUT * size.factor }))],
    { kernel_shape: [OUT, OUT], strides: [OUT, OUT], group: outputs },
  );
  const ends = lastSizes(g, x);
  return g.node(
    'Slice',
    [made, g.integers([0, 0]), ends, g.integers([2, 3])],
    [frames, dimension(outputs), height, width],
  );
}

/** U = G·g·Gᵀ of every pair of channels, [36, K, C]: of weights alone, so that a session folds it when it loads. */
function transformed(g: GraphBuilder, weights: Value, outputs: number, inputs: number): Value {
  const taps = dimension(9);
  const points = dimension(POINTS);
  const pairs = dimension(outputs * inputs);
  const flat = op.reshape(g, weights, [-1, 9], [pairs, taps]);
  const values = new Float32Array(9 * POINTS);
  for (let tap = 0; tap < 9; tap += 1) {
    const [a, b] = [Math.floor(tap / 3), tap % 3];
    for (let point = 0; point < POINTS; point += 1) {
      values[tap * POINTS + point] = FILTER[Math.floor(point / IN)]![a]! * FILTER[point % IN]![b]!;
    }
  }
  const spread = g.node('MatMul', [flat, g.floats('winograd-filter', [9, POINTS], values)], [pairs, points]);
  const byPoint = op.transpose(g, spread, [1, 0]);
  return op.reshape(g, byPoint, [POINTS, outputs, inputs], [points, dimension(outputs), dimension(inputs)]);
}

/** The same kernels [36·channels, 1, side, side] for every channel: `rows` ⊗ `columns`. */
function perChannel(
  g: GraphBuilder,
  name: string,
  channels: number,
  rows: readonly (readonly number[])[],
  columns: readonly (readonly number[])[],
  side: number,
): Value {
  const one = new Float32Array(POINTS * side * side);
  const value = (matrix: readonly (readonly number[])[], point: number, at: number) =>
    side === IN ? matrix[point]![at]! : matrix[at]![point]!;
  for (let point = 0, to = 0; point < POINTS; point += 1) {
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1, to += 1) {
        one[to] = value(rows, Math.floor(point / IN), y) * value(columns, point % IN, x);
      }
    }
  }
  const all = new Float32Array(channels * one.length);
  for (let c = 0; c < channels; c += 1) all.set(one, c * one.length);
  return g.floats(`${name}[${channels}]`, [channels * POINTS, 1, side, side], all);
}

/** `first`, then the last two sizes of `like` [·, ·, a, b]. */
function sizes(g: GraphBuilder, first: readonly number[], like: Value): Value {
  return g.node('Concat', [g.integers(first), lastSizes(g, like)], [dimension(first.length + 2)], { axis: 0 }, INT64);
}

function lastSizes(g: GraphBuilder, like: Value): Value {
  const all = g.node('Shape', [like], [dimension(4)], {}, INT64);
  return g.node('Slice', [all, g.integers([2]), g.integers([4])], [dimension(2)], {}, INT64);
}

const INT64 = { type: 'int64' } as const;
