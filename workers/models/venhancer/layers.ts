/** The layers of SPEC §1.2, each with the checkpoint's keys for its weights. Paths are relative to the network's prefix. */

import { type Dimension, dimension, fixedSize, product, type Shape } from '../onnx/dimension.ts';
import type { Value, WeightRole } from '../onnx/graph.ts';
import * as op from '../onnx/operators.ts';
import type { Features, Network } from './network.ts';

/** GroupNorm of residual blocks, temporal convolutions and the head. */
export const CONVOLUTION_NORM_EPSILON = 1e-5;
/** GroupNorm before transformers. */
export const TRANSFORMER_NORM_EPSILON = 1e-6;
const LAYER_NORM_EPSILON = 1e-5;

export function silu({ g }: Network, x: Value): Value {
  return op.multiply(g, x, op.sigmoid(g, x));
}

/** What writes the residual stream at full resolution carries most of int8's noise (docs/models.md). */
export function projectionRole({ level }: Pick<Features, 'level'>): 'full-resolution' | 'linear' {
  return level === 0 ? 'full-resolution' : 'linear';
}

export interface LinearOptions {
  readonly role?: WeightRole;
  readonly bias?: boolean;
  /** A 1×1 Conv1d's weight carries one more axis in the checkpoint. */
  readonly kernelAxes?: number;
  /** Only part `index` of `count` of the outputs. */
  readonly part?: { readonly index: number; readonly count: number };
}

/** x [..., Cin] → [..., outputs]. */
export function linear(network: Network, path: string, x: Value, outputs: number, options: LinearOptions = {}): Value {
  const { g, prefix } = network;
  const { role = 'linear', bias = true, kernelAxes = 0, part } = options;
  const inputs = fixedSize(x.shape.at(-1));
  const rows = outputs * (part?.count ?? 1);
  const sliced = part === undefined ? {} : { part };
  return g.scoped(path, () => {
    const weights = g.weight({
      key: `${prefix}${path}.weight`,
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
      g.weight({ key: `${prefix}${path}.bias`, shape: [rows], role: 'bias', layout: 'as-is', ...sliced }),
    );
  });
}

export interface ConvolutionLayer {
  readonly kernel: number;
  readonly role?: WeightRole;
  readonly stride?: number;
  readonly padding?: readonly [number, number];
  readonly plane?: Shape;
}

/** x [N, Cin, H, W] → [N, outputs, H', W']; pads to keep the size unless told otherwise. */
export function convolution(
  network: Network,
  path: string,
  x: Value,
  outputs: number,
  { kernel, role = 'convolution', stride = 1, padding, plane }: ConvolutionLayer,
): Value {
  const { g, prefix } = network;
  const inputs = fixedSize(x.shape[1]);
  const margin = (kernel - 1) / 2;
  return g.scoped(path, () => {
    const shape = [outputs, inputs, kernel, kernel];
    const weights = g.weight({ key: `${prefix}${path}.weight`, shape, role, layout: 'as-is' });
    const bias = g.weight({ key: `${prefix}${path}.bias`, shape: [outputs], role: 'bias', layout: 'as-is' });
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
export function temporalConvolution(network: Network, path: string, x: Value): Value {
  const { g, prefix } = network;
  const channels = fixedSize(x.shape[1]);
  return g.scoped(path, () => {
    const weights = g.weight({
      key: `${prefix}${path}.weight`,
      shape: [channels, channels, 3, 1, 1],
      role: 'convolution',
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
export function groupNorm(network: Network, path: string, x: Value, epsilon: number): Value {
  const { g, prefix, config } = network;
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
export function layerNorm({ g, prefix }: Network, path: string, x: Value): Value {
  const request = { shape: [fixedSize(x.shape.at(-1))], role: 'norm', layout: 'as-is' } as const;
  return g.scoped(path, () => {
    const scale = g.weight({ ...request, key: `${prefix}${path}.weight` });
    const bias = g.weight({ ...request, key: `${prefix}${path}.bias` });
    return op.layerNormalization(g, x, scale, bias, LAYER_NORM_EPSILON);
  });
}

/** Two linears with a SiLU between: the time embedding and the scale condition (SPEC §1.2 "TE"). */
export function embedding(network: Network, path: string, features: Value, width: number): Value {
  const hidden = silu(network, linear(network, `${path}.0`, features, width, { role: 'embedding' }));
  return linear(network, `${path}.2`, hidden, width, { role: 'embedding' });
}
