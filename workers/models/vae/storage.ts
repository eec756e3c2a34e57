/**
 * What the autoencoder's weights are stored as: float16 wherever the network is quantised. Nothing after the decoder corrects
 * its errors, int8 costs it 29 dB and saves a twentieth of the package (docs/models.md).
 */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Precision } from '../manifest.ts';
import type { Storage, WeightRequest } from '../onnx/graph.ts';
import { storagePolicy } from '../quantise/storage.ts';

export function vaeStorage(precision: Precision, checkpoint: Checkpoint): (request: WeightRequest) => Storage {
  if (precision === 'exact') return storagePolicy(precision, checkpoint);
  return ({ role }) => (role === 'norm' || role === 'bias' ? 'float32' : 'float16');
}
