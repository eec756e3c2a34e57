/**
 * What each weight is stored as at each precision (docs/models.md has the figures behind it).
 *
 * `exact`: as the checkpoint has it; bfloat16 and float64, which devices do not share, become float32. `balanced`: int8 with one scale
 * per output channel for convolutions and linears; float16 where errors reach the output unhindered (everything at full resolution; first,
 * last, hint, zero and skip convolutions) and for tables. `compact`: int4 in blocks for the linears below full resolution, int8 for the
 * rest but the first, last and hint convolutions. Norms and biases, which weigh nothing, are float32 in all: every float16 tensor
 * costs a node that sessions spend time folding.
 */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Precision } from '../manifest.ts';
import { INT4_BLOCK, type Storage, type WeightRequest } from '../onnx/graph.ts';

export type StoragePolicy = (request: WeightRequest) => Storage;

/** `sensitive`: keys that int4 does not suit (sensitive.ts). */
export function storagePolicy(
  precision: Precision,
  checkpoint: Checkpoint,
  sensitive: ReadonlySet<string> = new Set(),
): StoragePolicy {
  switch (precision) {
    case 'exact':
      return ({ key, role }) => {
        const small = role === 'norm' || role === 'bias';
        return checkpoint.type(key) === 'float16' && !small ? 'float16' : 'float32';
      };
    case 'balanced':
      return balanced;
    case 'compact':
      return (request) => compact(request, sensitive);
  }
}

function balanced({ role, layout }: WeightRequest): Storage {
  switch (role) {
    case 'convolution':
    case 'linear':
      return 'int8';
    case 'embedding':
      return layout === 'transposed' ? 'int8' : 'float16';
    case 'full-resolution':
    case 'skip-convolution':
    case 'edge-convolution':
    case 'zero-convolution':
    case 'hint':
      return 'float16';
    case 'norm':
    case 'bias':
      return 'float32';
  }
}

function compact({ key, role, layout, shape }: WeightRequest, sensitive: ReadonlySet<string>): Storage {
  switch (role) {
    case 'linear':
      if (layout !== 'transposed' || shape[1]! % INT4_BLOCK !== 0) return 'int8';
      return sensitive.has(key) ? 'int8' : 'int4';
    case 'convolution':
    case 'full-resolution':
    case 'skip-convolution':
    case 'zero-convolution':
    case 'embedding':
      return 'int8';
    case 'edge-convolution':
    case 'hint':
      return 'float16';
    case 'norm':
    case 'bias':
      return 'float32';
  }
}
