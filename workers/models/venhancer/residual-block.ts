/** ResBlock with its temporal convolutions, and the two resamplings (SPEC §1.2). */

import { dimension } from '../onnx/dimension.ts';
import type { Value, WeightRole } from '../onnx/graph.ts';
import { convolution, groupNorm, linear, silu, temporalConvolution } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { overSpace, overTime } from '../onnx/video-layout.ts';
import { CONVOLUTION_NORM_EPSILON, resolutionRole } from './layers.ts';
import { type Features, type Network, planeOf } from './network.ts';

/**
 * [F, Cin, h, w] → [F, outputs, h, w].
 * @param activatedEmbedding SiLU of the time embedding, [1 or F, 4·dim].
 */
export function residualBlock(
  network: Network,
  path: string,
  x: Features,
  activatedEmbedding: Value,
  outputs: number,
): Features {
  const { g, mark } = network;
  const role = resolutionRole(x, 'convolution');
  const before = silu(network, groupNorm(network, `${path}.in_layers.0`, x.value, CONVOLUTION_NORM_EPSILON));
  const inner = convolution(network, `${path}.in_layers.2`, before, outputs, { kernel: 3, role });
  const shift = linear(network, `${path}.emb_layers.1`, activatedEmbedding, outputs, { role: 'embedding' });
  const one = dimension(1);
  const perFrame = op.reshape(g, shift, [-1, outputs, 1, 1], [shift.shape[0]!, dimension(outputs), one, one]);
  const shifted = op.add(g, inner, perFrame);
  const after = silu(network, groupNorm(network, `${path}.out_layers.0`, shifted, CONVOLUTION_NORM_EPSILON));
  const outer = convolution(network, `${path}.out_layers.3`, after, outputs, { kernel: 3, role });
  const sum = op.add(g, skipConnection(network, `${path}.skip_connection`, x, outputs), outer);
  const value = temporalConvolutions(network, `${path}.temopral_conv`, sum, role);
  mark(path, value);
  return { ...x, value, channels: outputs };
}

function skipConnection(network: Network, path: string, x: Features, outputs: number): Value {
  if (x.channels === outputs) return x.value;
  return convolution(network, path, x.value, outputs, { kernel: 1, role: 'skip-convolution' });
}

/** Four norm–SiLU–(3,1,1) units and one residual around them all; the name's spelling is the checkpoint's. */
function temporalConvolutions(network: Network, path: string, x: Value, role: WeightRole): Value {
  const { g, mark } = network;
  const identity = overTime(g, x);
  let y = identity;
  for (const [unit, index] of [
    [1, 2],
    [2, 3],
    [3, 3],
    [4, 3],
  ] as const) {
    const normal = groupNorm(network, `${path}.conv${unit}.0`, y, CONVOLUTION_NORM_EPSILON);
    y = temporalConvolution(network, `${path}.conv${unit}.${index}`, silu(network, normal), role);
  }
  const output = overSpace(g, op.add(g, identity, y), x);
  mark(path, output);
  return output;
}

/** Stride 2; the reference pads rows by 2 and columns by 1, so a plane loses one row less than half. */
export function downsample(network: Network, path: string, x: Features): Features {
  const level = x.level + 1;
  const value = convolution(network, `${path}.op`, x.value, x.channels, {
    kernel: 3,
    stride: 2,
    padding: network.config.padding === 'reference' ? [2, 1] : [1, 1],
    plane: planeOf(level),
  });
  network.mark(path, value);
  return { value, channels: x.channels, level };
}

/** Nearest ×2; the reference drops the first and last row again. */
export function upsample(network: Network, path: string, x: Features): Features {
  const { g, config, mark } = network;
  const level = x.level - 1;
  const plane = planeOf(level);
  const doubled = g.scoped(path, () => {
    if (config.padding === 'plain') return op.doubled(g, x.value, plane);
    const rows = planeOf(x.level)[0]!;
    const tall = op.doubled(g, x.value, [{ ...rows, factor: 2 * rows.factor }, plane[1]!]);
    return op.withoutEdgeRows(g, tall, plane);
  });
  const value = convolution(network, `${path}.conv`, doubled, x.channels, { kernel: 3 });
  mark(path, value);
  return { value, channels: x.channels, level };
}
