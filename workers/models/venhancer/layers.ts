/** What SPEC §1.2 has beyond the common layers: epsilons, roles, the embedding. */

import type { Value, WeightRole } from '../onnx/graph.ts';
import { linear, silu } from '../onnx/layers.ts';
import type { Features, Network } from './network.ts';

/** GroupNorm of residual blocks, temporal convolutions and the head. */
export const CONVOLUTION_NORM_EPSILON = 1e-5;
/** GroupNorm before transformers. */
export const TRANSFORMER_NORM_EPSILON = 1e-6;

/** At full resolution errors reach the output unblurred: most of int8's noise would come from there (docs/models.md). */
export function resolutionRole({ level }: Pick<Features, 'level'>, below: 'linear' | 'convolution'): WeightRole {
  return level === 0 ? 'full-resolution' : below;
}

/** Two linears with a SiLU between: the time embedding and the scale condition (SPEC §1.2 "TE"). */
export function embedding(network: Network, path: string, features: Value, width: number): Value {
  const hidden = silu(network, linear(network, `${path}.0`, features, width, { role: 'embedding' }));
  return linear(network, `${path}.2`, hidden, width, { role: 'embedding' });
}
