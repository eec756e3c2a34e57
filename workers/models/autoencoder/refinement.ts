/**
 * The learned part of nano's decoder (docs/nano-model.md "Decoder"): a few convolutions at half and at a quarter of the picture's size, from the source
 * to what is added to it: luma at every pixel, and two colour differences for every four.
 *
 * Costs 2·(48·width + 18·near·width² + 4·width·inner + 2.25·depth·inner² + width·inner + 54·width + 72) operations per four pixels. A pixel depends on those at most
 * {@link contextPixels} away. Takes pictures whose sides are multiples of four. Runs anywhere.
 */

import { dimension, type Shape } from '../onnx/dimension.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import { linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';

export interface RefinementConfig {
  /** Channels at half the picture's size. */
  readonly width: number;
  /** Convolutions at half the picture's size, as many before the quarter as after it. */
  readonly near: number;
  /** Channels at a quarter of it. */
  readonly inner: number;
  /** Convolutions at a quarter. */
  readonly depth: number;
}

const PREFIX = 'decoder.';
/** Of red, green and blue. */
export const LUMA = [0.299, 0.587, 0.114] as const;
/** What blue's and red's difference (BT.601) add to red, green and blue; nothing to luma. */
const COLOUR_DIFFERENCES = [
  [0, -0.344136, 1.772],
  [1.402, -0.714136, 0],
] as const;
/** Scale and strength, see `decoderConditioning`. */
const CONDITIONS = 2;
const CORNERS = 4;
/** Of the activation below zero, as `training/refinement.py` has it. */
const SLOPE = 0.1;

/** Keys and shapes, as `training/refinement.py` saves them. */
export function refinementTensors(config: RefinementConfig): ReadonlyMap<string, readonly number[]> {
  const { width, near, inner, depth } = config;
  const stack = (path: string, channels: number, count: number) =>
    Array.from({ length: count }, (_, i) => [`${path}.${i}`, [channels, channels, 3, 3]] as const);
  const biases = biasSizes(config).reduce((sum, size) => sum + size, 0);
  const convolutions = [
    ['enter', [width, 1, 6, 6]],
    ...stack('before', width, near),
    ['down', [inner, width, 4, 4]],
    ...stack('layers', inner, depth),
    ...stack('after', width, near),
    ['leave', [CORNERS + COLOUR_DIFFERENCES.length, width, 3, 3]],
  ] as const;
  return new Map(
    convolutions
      .flatMap(([path, shape]): [string, readonly number[]][] => [
        [`${path}.weight`, shape],
        [`${path}.bias`, [shape[0]]],
      ])
      .concat([
        ['tint.weight', [width, 3, 2, 2]],
        ['up.weight', [inner, width, 2, 2]],
        ['condition.weight', [biases, CONDITIONS]],
        ['condition.bias', [biases]],
      ])
      .map(([key, shape]) => [PREFIX + key, shape]),
  );
}

/** Biases that scale and strength set: of every activated convolution in the order of the data. */
function biasSizes({ width, near, inner, depth }: RefinementConfig): readonly number[] {
  const sizes = (channels: number, count: number) => Array<number>(count).fill(channels);
  return [...sizes(width, 1 + near), ...sizes(inner, 1 + depth), ...sizes(width, near)];
}

/**
 * How far from a block of 8×8 pixels what it depends on may lie: four pixels by each convolution at a quarter, two by each at half, two leaving, six
 * entering.
 */
export function contextPixels({ near, depth }: RefinementConfig): number {
  return 4 * depth + 4 * near + 8;
}

/** The graph's `conditioning` for a spatial factor of 1–8 and a strength of 0–1. */
export function decoderConditioning(scale: number, strength: number): Float32Array {
  return Float32Array.of(Math.log(scale) / Math.log(8), strength);
}

/**
 * source [F, 3, H, W] and conditioning [1, 2] → [F, 3, H, W], to be added to it.
 * @param planes those of half and of a quarter of the picture's size.
 */
export function refine(
  g: GraphBuilder,
  config: RefinementConfig,
  inputs: { readonly source: Value; readonly conditioning: Value },
  planes: { readonly half: Shape; readonly quarter: Shape },
): Value {
  const { width, near, inner, depth } = config;
  const sizes = biasSizes(config);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const conditions = linear({ g, prefix: PREFIX }, 'condition', inputs.conditioning, total);
  const biases = op.splitAt(g, conditions, 1, sizes).map((each) => op.squeeze(g, each, 0));
  const weight = (path: string, shape: readonly number[]) =>
    g.weight({ key: PREFIX + path, shape, role: 'full-resolution', layout: 'as-is' });
  const convolution = (path: string, x: Value, dims: readonly number[], padding: number, plane: Shape, bias?: Value) =>
    g.scoped(path, () => {
      const own = weight(`${path}.bias`, [dims[0]!]);
      const sum = bias === undefined ? own : op.add(g, own, bias);
      const stride = dims[2]! > 3 ? 2 : 1;
      return op.convolution(g, x, weight(`${path}.weight`, dims), sum, { stride, padding: [padding, padding], plane });
    });
  const remaining = biases[Symbol.iterator]();
  const activated = (path: string, x: Value, dims: readonly number[], padding: number, plane: Shape) =>
    op.leakyRelu(g, convolution(path, x, dims, padding, plane, remaining.next().value), SLOPE);
  const stack = (path: string, x: Value, channels: number, count: number, plane: Shape) => {
    for (let i = 0; i < count; i += 1) x = activated(`${path}.${i}`, x, [channels, channels, 3, 3], 1, plane);
    return x;
  };
  const grey = convolution('enter', luma(g, inputs.source), [width, 1, 6, 6], 2, planes.half, remaining.next().value);
  const tint = op.convolution(g, inputs.source, weight('tint.weight', [width, 3, 2, 2]), null, {
    stride: 2,
    padding: [0, 0],
    plane: planes.half,
  });
  const entered = op.leakyRelu(g, op.add(g, grey, tint), SLOPE);
  const detailed = stack('before', entered, width, near, planes.half);
  const coarse = activated('down', detailed, [inner, width, 4, 4], 1, planes.quarter);
  const filtered = stack('layers', coarse, inner, depth, planes.quarter);
  const up = op.blockTransposedConvolution(
    g,
    op.add(g, coarse, filtered),
    weight('up.weight', [inner, width, 2, 2]),
    planes.half,
  );
  const merged = stack('after', op.add(g, detailed, up), width, near, planes.half);
  const leaving = CORNERS + COLOUR_DIFFERENCES.length;
  const left = convolution('leave', op.add(g, entered, merged), [leaving, width, 3, 3], 1, planes.half);
  const spread = g.floats('spread', [leaving, 3, 2, 2], spreadWeights());
  return op.blockTransposedConvolution(g, left, spread, [dimension('H'), dimension('W')]);
}

/** [6, 3, 2, 2]: luma of each of four pixels, and the colour differences of all four → their red, green and blue. */
function spreadWeights(): Float32Array {
  const corner = (k: number) => [0, 1, 2].flatMap(() => Array.from({ length: CORNERS }, (_, i) => (i === k ? 1 : 0)));
  const difference = (colours: readonly number[]) => colours.flatMap((c) => Array<number>(CORNERS).fill(c));
  return Float32Array.from([...[0, 1, 2, 3].flatMap(corner), ...COLOUR_DIFFERENCES.flatMap(difference)]);
}

function luma(g: GraphBuilder, picture: Value): Value {
  return op.convolution(g, picture, g.floats('luma', [1, 3, 1, 1], Float32Array.from(LUMA)), null, { padding: [0, 0] });
}
