/**
 * The learned part of nano's decoder (docs/nano-model.md "Decoder"): a few convolutions at half and at a quarter of the picture's size, in luma, from
 * the source to what is added to all its colours.
 *
 * Costs 2·(36·width + 4·width·inner + 2.25·depth·inner² + width·inner + 36·width) operations per four pixels. A pixel depends on those at most
 * {@link contextPixels} away. Takes pictures whose sides are multiples of four. Runs anywhere.
 */

import { dimension, type Shape } from '../onnx/dimension.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import { linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';

export interface RefinementConfig {
  /** Channels at half the picture's size. */
  readonly width: number;
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
export function refinementTensors({ width, inner, depth }: RefinementConfig): ReadonlyMap<string, readonly number[]> {
  const layers = Array.from({ length: depth }, (_, i) => [`layers.${i}`, [inner, inner, 3, 3]] as const);
  const biases = width + (1 + depth) * inner;
  const convolutions = [
    ['enter', [width, 1, 6, 6]],
    ['down', [inner, width, 4, 4]],
    ...layers,
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

/** How far from a block of 8×8 pixels what it depends on may lie: four pixels by each coarse convolution, two leaving, six entering. */
export function contextPixels({ depth }: RefinementConfig): number {
  return 4 * depth + 8;
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
  { width, inner, depth }: RefinementConfig,
  inputs: { readonly source: Value; readonly conditioning: Value },
  planes: { readonly half: Shape; readonly quarter: Shape },
): Value {
  const sizes = [width, ...Array<number>(1 + depth).fill(inner)];
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
  const entered = convolution('enter', luma(g, inputs.source), [width, 1, 6, 6], 2, planes.half, biases[0]!);
  const coarse = convolution('down', entered, [inner, width, 4, 4], 1, planes.quarter, biases[1]!);
  let x = coarse;
  for (let i = 0; i < depth; i += 1) {
    x = convolution(`layers.${i}`, x, [inner, inner, 3, 3], 1, planes.quarter, biases[i + 2]!);
  }
  const up = op.blockTransposedConvolution(
    g,
    op.add(g, coarse, x),
    weight('up.weight', [inner, width, 2, 2]),
    planes.half,
  );
  const left = convolution('leave', op.add(g, entered, up), [4, width, 3, 3], 1, planes.half);
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
