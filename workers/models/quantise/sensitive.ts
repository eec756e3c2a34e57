/**
 * Which weights int4 does not suit: measured on the checkpoint itself before anything is written.
 *
 * Trained weights differ in their tails. Blocks of normally distributed values keep 21.7 dB, Laplace's 19.8, Student's with three
 * degrees of freedom 18.0; a tensor below {@link LEAST_DECIBELS} has outliers that cost its other values their precision, and stays in
 * int8. Costs one more reading of the linears; one block in sixteen is tried. Runs anywhere.
 */

import { throwIfAborted } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { INT4_BLOCK, type Weight } from '../onnx/graph.ts';
import { blockNoise } from './int4.ts';

const LEAST_DECIBELS = 18;
const BLOCKS_APART = 16;

/** Keys of weights stored in int4 that should not be. */
export async function sensitiveKeys(
  checkpoint: Checkpoint,
  weights: readonly Weight[],
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const sensitive = new Set<string>();
  const keys = new Set(weights.filter(({ storage }) => storage === 'int4').map(({ key }) => key));
  for (const key of keys) {
    throwIfAborted(signal);
    // In the checkpoint a linear is [outputs, inputs], so blocks of inputs lie one after another.
    if (int4Decibels(await checkpoint.read(key)) < LEAST_DECIBELS) sensitive.add(key);
  }
  return sensitive;
}

/** Signal to noise of int4 on a sample of a tensor's blocks. */
function int4Decibels(values: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (let at = 0; at + INT4_BLOCK <= values.length; at += INT4_BLOCK * BLOCKS_APART) {
    const block = values.subarray(at, at + INT4_BLOCK);
    for (const value of block) signal += value * value;
    noise += blockNoise(block);
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}
