/**
 * Layers over named weights, each with the checkpoint's keys for them. Paths are relative to the context's prefix.
 *
 * What every architecture here is made of; what only one has lies in its own folder. Runs anywhere.
 */

import { type Dimension, dimension, fixedSize, product, type Shape } from './dimension.ts';
import type { GraphBuilder, Value, WeightRole } from './graph.ts';
import * as op from './operators.ts';
import { winogradConvolution } from './winograd.ts';

const LAYER_NORM_EPSILON = 1e-5;

/** Where a layer is built. */
export interface LayerContext {
  readonly g: GraphBuilder;
  /** Before every key of the checkpoint. */
  readonly prefix: string;
  /** 3×3 convolutions that keep the size in fewer multiply-adds (winograd.ts). */
  readonly winograd?: boolean;
}

export interface GroupedContext extends LayerContext {
  /** Groups of every group norm. */
  readonly config: { readonly groups: number };
}

export function silu({ g }: LayerContext, x: Value): Value {
  return op.multiply(g, x, op.sigmoid(g, x));
}

export interface LinearOptions {
  readonly role?: WeightRole;
  readonly bias?: boolean;
  /** A 1×1 Conv1d's weight carries one more axis in the checkpoint. */
  readonly kernelAxes?: number;
  /** Only part `index` of `count` of the outputs. */
  readonly part?: { readonly index: number; readonly count: number };
  /** Between path and `weight`: torch's attention calls its joint projection `in_proj_weight`. */
  readonly separator?: '.' | '_';
}

/** x [..., Cin] → [..., outputs]. */
export function linear(
  context: LayerContext,
  path: string,
  x: Value,
  outputs: number,
  options: LinearOptions = {},
): Value {
  const { g, prefix } = context;
  const { role = 'linear', bias = true, kernelAxes = 0, part, separator = '.' } = options;
  const inputs = fixedSize(x.shape.at(-1));
  const rows = outputs * (part?.count ?? 1);
  const sliced = part === undefined ? {} : { part };
  return g.scoped(path, () => {
    const weights = g.weight({
      key: `${prefix}${path}${separator}weight`,
      shape: [rows, inputs, ...Array<number>(kernelAxes).fill(1)],
      role,
      layout: 'transposed',
      dims: [inputs, outputs],
      ...sliced,
    });
    const y = op.matMul(g, x, weights);
    if (!bias) return y;
    return op.add(
      g,
      y,
      g.weight({ key: `${prefix}${path}${separator}bias`, shape: [rows], role: 'bias', layout: 'as-is', ...sliced }),
    );
  });
}

export interface ConvolutionLayer {
  readonly kernel: number;
  readonly role?: WeightRole;
  readonly stride?: number;
  readonly padding?: op.Padding;
  readonly plane?: Shape;
}

/** x [N, Cin, H, W] → [N, outputs, H', W']; pads to keep the size unless told otherwise. */
export function convolution(
  context: LayerContext,
  path: string,
  x: Value,
  outputs: number,
  { kernel, role = 'convolution', stride = 1, padding, plane }: ConvolutionLayer,
): Value {
  const { g, prefix, winograd = false } = context;
  const inputs = fixedSize(x.shape[1]);
  const margin = (kernel - 1) / 2;
  return g.scoped(path, () => {
    const shape = [outputs, inputs, kernel, kernel];
    const weights = g.weight({ key: `${prefix}${path}.weight`, shape, role, layout: 'as-is' });
    const bias = g.weight({ key: `${prefix}${path}.bias`, shape: [outputs], role: 'bias', layout: 'as-is' });
    if (winograd && kernel === 3 && stride === 1 && padding === undefined) {
      return winogradConvolution(g, x, weights, bias);
    }
    return op.convolution(g, x, weights, bias, {
      stride,
      padding: padding ?? [margin, margin],
      ...(plane === undefined ? {} : { plane }),
    });
  });
}

/**
 * A (3,1,1) Conv3d on x [1, C, F, h·w]: the same numbers as a (3,1) 2-D convolution, which has a fast kernel on WebGPU
 * where Conv3d has a naive one.
 */
export function temporalConvolution(
  context: LayerContext,
  path: string,
  x: Value,
  role: WeightRole = 'convolution',
): Value {
  const { g, prefix } = context;
  const channels = fixedSize(x.shape[1]);
  return g.scoped(path, () => {
    const weights = g.weight({
      key: `${prefix}${path}.weight`,
      shape: [channels, channels, 3, 1, 1],
      role,
      layout: 'as-is',
      dims: [channels, channels, 3, 1],
    });
    const bias = g.weight({ key: `${prefix}${path}.bias`, shape: [channels], role: 'bias', layout: 'as-is' });
    return op.convolution(g, x, weights, bias, { padding: [1, 0] });
  });
}

/**
 * x [N, C, …]: statistics per item of the first axis, over all later axes. On [F, C, h, w] that is a norm per frame; on
 * [1, C, F, h·w] it is the 5-D norm that pools over the clip (SPEC §1.2 ⚠).
 */
export function groupNorm(context: GroupedContext, path: string, x: Value, epsilon: number): Value {
  const { g, prefix, config } = context;
  const channels = fixedSize(x.shape[1]);
  const rest: Dimension = product([dimension(channels / config.groups), ...x.shape.slice(2)]);
  return g.scoped(path, () => {
    const dims = [channels, 1, 1];
    const request = { shape: [channels], role: 'norm', layout: 'as-is', dims } as const;
    const grouped = op.reshape(g, x, [0, config.groups, -1], [x.shape[0]!, dimension(config.groups), rest]);
    const normal = op.reshapeLike(g, op.instanceNormalization(g, grouped, epsilon), x);
    const scaled = op.multiply(g, normal, g.weight({ ...request, key: `${prefix}${path}.weight` }));
    return op.add(g, scaled, g.weight({ ...request, key: `${prefix}${path}.bias` }));
  });
}

/** Over the last axis. */
export function layerNorm({ g, prefix }: LayerContext, path: string, x: Value): Value {
  const request = { shape: [fixedSize(x.shape.at(-1))], role: 'norm', layout: 'as-is' } as const;
  return g.scoped(path, () => {
    const scale = g.weight({ ...request, key: `${prefix}${path}.weight` });
    const bias = g.weight({ ...request, key: `${prefix}${path}.bias` });
    return op.layerNormalization(g, x, scale, bias, LAYER_NORM_EPSILON);
  });
}
