/**
 * What each weight is stored as at each precision (docs/models.md has the figures behind it).
 *
 * `exact`: as the checkpoint has it; bfloat16 and float64, which devices do not share, become float32. `balanced`: int8 with one scale
 * per output channel for convolutions and linears; float16 where errors reach everything (first, last, hint and zero
 * convolutions, embeddings, projections at full resolution). Norms and biases, which weigh nothing, are float32 in both: every
 * float16 tensor costs a node that sessions spend time folding.
 */

import { EnhancerError } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Precision } from '../manifest.ts';
import type { Storage, WeightRequest } from '../onnx/graph.ts';

/** @throws EnhancerError `SETTINGS_INVALID` for a precision that does not exist yet. */
export function storagePolicy(precision: Precision, checkpoint: Checkpoint): (request: WeightRequest) => Storage {
  switch (precision) {
    case 'exact':
      return ({ key, role }) => {
        const small = role === 'norm' || role === 'bias';
        return checkpoint.type(key) === 'float16' && !small ? 'float16' : 'float32';
      };
    case 'balanced':
      return balanced;
    case 'compact':
      throw new EnhancerError(
        'SETTINGS_INVALID',
        'The precision "compact" is not available yet.',
        'Use "balanced" for small files or "exact" for the checkpoint\'s own precision.',
      );
  }
}

function balanced({ role }: WeightRequest): Storage {
  switch (role) {
    case 'convolution':
    case 'linear':
      return 'int8';
    case 'full-resolution':
    case 'edge-convolution':
    case 'zero-convolution':
    case 'hint':
    case 'embedding':
      return 'float16';
    case 'norm':
    case 'bias':
      return 'float32';
  }
}
