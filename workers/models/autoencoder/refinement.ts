/**
 * The learned part of nano's decoder (docs/nano-model.md "Decoder"): a few convolutions at half the picture's size, in luma, from the source and
 * from the change that the latents ask for to a further change.
 *
 * Costs 2·(72 + 9·depth·width + 36)·width operations per four pixels. A pixel depends on those at most {@link contextPixels} away. Runs anywhere.
 */

import { dimension, type Shape } from '../onnx/dimension.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import { linear } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';

export interface RefinementConfig {
  readonly width: number;
  readonly depth: number;
}

const PREFIX = 'decoder.';
/** Of red, green and blue. */
export const LUMA = [0.299, 0.587, 0.114] as const;
/** Scale and strength, see `decoderConditioning`. */
const CONDITIONS = 2;

/** Keys and shapes, as `training/refinement.py` saves them. */
export function refinementTensors({ width, depth }: RefinementConfig): ReadonlyMap<string, readonly number[]> {
  const layers = Array.from({ length: depth }, (_, i) => [`layers.${i}`, [width, width, 3, 3]] as const);
  const biases = width * (depth + 1);
  return new Map(
    [['enter', [width, 2, 6, 6]] as const, ...layers, ['leave', [4, width, 3, 3]] as const]
      .flatMap(([path, shape]): [string, readonly number[]][] => [
        [`${path}.weight`, shape],
        [`${path}.bias`, [shape[0]!]],
      ])
      .concat([
        ['condition.weight', [biases, CONDITIONS]],
        ['condition.bias', [biases]],
      ])
      .map(([key, shape]) => [PREFIX + key, shape]),
  );
}

/** How far away what a pixel depends on may lie: three pixels by the entering convolution, two by each of the others. */
export function contextPixels({ depth }: RefinementConfig): number {
  return 3 + 2 * (depth + 1);
}

/** The graph's `conditioning` for a spatial factor of 1–8 and a strength of 0–1. */
export function decoderConditioning(scale: number, strength: number): Float32Array {
  return Float32Array.of(Math.log(scale) / Math.log(8), strength);
}

/**
 * source, change [F, 3, H, W] and conditioning [1, 2] → [F, 1, H, W], to be added to every colour.
 * @param half the plane at half size.
 */
export function refine(
  g: GraphBuilder,
  { width, depth }: RefinementConfig,
  inputs: { readonly source: Value; readonly change: Value; readonly conditioning: Value },
  half: Shape,
): Value {
  const conditions = linear({ g, prefix: PREFIX }, 'condition', inputs.conditioning, width * (depth + 1));
  const biases = op.split(g, conditions, 1, depth + 1).map((each) => op.squeeze(g, each, 0));
  const convolution = (path: string, x: Value, dims: readonly number[], bias: Value | null, stride = 1) =>
    g.scoped(path, () => {
      const weight = (name: string, shape: readonly number[]) =>
        g.weight({ key: `${PREFIX}${path}.${name}`, shape, role: 'full-resolution', layout: 'as-is' });
      const own = weight('bias', [dims[0]!]);
      const total = bias === null ? own : op.add(g, own, bias);
      const margin = stride === 2 ? 2 : 1;
      return op.convolution(g, x, weight('weight', dims), total, { stride, padding: [margin, margin], plane: half });
    });
  const grey = [inputs.source, inputs.change].map((picture) => luma(g, picture));
  const entered = op.relu(g, convolution('enter', op.concat(g, grey, 1), [width, 2, 6, 6], biases[0]!, 2));
  let x = entered;
  for (let i = 0; i < depth; i += 1) {
    x = op.relu(g, convolution(`layers.${i}`, x, [width, width, 3, 3], biases[i + 1]!));
  }
  const left = convolution('leave', op.add(g, entered, x), [4, width, 3, 3], null);
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
