/**
 * The learned part of nano's decoder (docs/nano-model.md "Decoder"): a few convolutions at half and at a quarter of the picture's size, in luma, from
 * the source to what is added to all its colours.
 *
 * Costs 2·(36·width + 18·near·width² + 4·width·inner + 2.25·depth·inner² + width·inner + 36·width) operations per four pixels. A pixel depends on those at most
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
/** Scale and strength, see `decoderConditioning`. */
const CONDITIONS = 2;
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
    ['leave', [4, width, 3, 3]],
  ] as const;
  return new Map(
    convolutions
      .flatMap(([path, shape]): [string, readonly number[]][] => [
        [`${path}.weight`, shape],
        [`${path}.bias`, [shape[0]]],
      ])
      .concat([
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
 * source [F, 3, H, W] and conditioning [1, 2] → [F, 1, H, W], to be added to every colour.
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
      const y = op.convolution(g, x, weight(`${path}.weight`, dims), sum, {
        stride,
        padding: [padding, padding],
        plane,
      });
      return bias === undefined ? y : op.leakyRelu(g, y, SLOPE);
    });
  const remaining = biases[Symbol.iterator]();
  const activated = (path: string, x: Value, dims: readonly number[], padding: number, plane: Shape) =>
    convolution(path, x, dims, padding, plane, remaining.next().value);
  const stack = (path: string, x: Value, channels: number, count: number, plane: Shape) => {
    for (let i = 0; i < count; i += 1) x = activated(`${path}.${i}`, x, [channels, channels, 3, 3], 1, plane);
    return x;
  };
  const entered = activated('enter', luma(g, inputs.source), [width, 1, 6, 6], 2, planes.half);
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
  const left = convolution('leave', op.add(g, entered, merged), [4, width, 3, 3], 1, planes.half);
  const corners = g.floats(
    'corners',
    [4, 1, 2, 2],
    Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0)),
  );
  return op.blockTransposedConvolution(g, left, corners, [dimension('H'), dimension('W')]);
}

function luma(g: GraphBuilder, picture: Value): Value {
  return op.convolution(g, picture, g.floats('luma', [1, 3, 1, 1], Float32Array.from(LUMA)), null, { padding: [0, 0] });
}
