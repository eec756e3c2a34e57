/** One weight from the checkpoint's values to the bytes that its graph reads: part, layout, number format. */

import { invalidCheckpoint } from '../checkpoint/checkpoint.ts';
import { toHalf } from '../checkpoint/half.ts';
import { fixedSize, product } from '../onnx/dimension.ts';
import { type Storage, scaleValue, type Weight } from '../onnx/graph.ts';
import { quantiseBlocks } from './int4.ts';

const ITEM_BYTES: { readonly [storage in Storage]: number } = { float32: 4, float16: 2, int8: 1, int4: 0.5 };

export interface EncodedTensor {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * @param checkpointValues of the weight's part of the checkpoint's tensor, where it has only one.
 * @throws EnhancerError `CHECKPOINT_INVALID` for values that are not finite, or too large for float16.
 */
export function encodeWeight(weight: Weight, checkpointValues: Float32Array): readonly EncodedTensor[] {
  const count = weight.storedDims.reduce((total, size) => total * size, 1);
  if (checkpointValues.length !== count)
    throw new RangeError(`${weight.name}: ${checkpointValues.length} values of ${count}`);
  const values = laidOut(weight, checkpointValues);
  for (let i = 0; i < values.length; i += 1) {
    if (!Number.isFinite(values[i]))
      throw invalidCheckpoint(`The checkpoint's ${weight.key} has values that are no numbers.`);
  }
  switch (weight.storage) {
    case 'float32':
      return [{ name: weight.name, bytes: bytesOf(values) }];
    case 'float16':
      return [{ name: weight.name, bytes: bytesOf(halves(weight, values)) }];
    case 'int8': {
      const { integers, scales } = quantise(values, weight.storedDims, weight.channelAxis);
      return [
        { name: weight.name, bytes: bytesOf(integers) },
        { name: scaleValue(weight)!.name, bytes: bytesOf(scales) },
      ];
    }
    case 'int4': {
      requireHalf(weight, values);
      const { nibbles, scales } = quantiseBlocks(values, weight.storedDims[0]!, weight.storedDims[1]!);
      return [
        { name: weight.name, bytes: nibbles },
        { name: scaleValue(weight)!.name, bytes: bytesOf(scales) },
      ];
    }
  }
}

/** The bytes of {@link encodeWeight} before a value is read. */
export function encodedBytes(weight: Weight): readonly { readonly name: string; readonly bytes: number }[] {
  const count = weight.storedDims.reduce((total, size) => total * size, 1);
  const stored = { name: weight.name, bytes: Math.ceil(count * ITEM_BYTES[weight.storage]) };
  const scale = scaleValue(weight);
  if (scale === undefined) return [stored];
  const scaleBytes = fixedSize(product(scale.shape)) * (scale.type === 'float16' ? 2 : 4);
  return [stored, { name: scale.name, bytes: scaleBytes }];
}

/**
 * Symmetric int8 with one scale per channel of `axis` (0 or the last): scale = max|w|/127, so no value is clipped.
 */
export function quantise(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
): { readonly integers: Int8Array; readonly scales: Float32Array } {
  const channels = dims[axis]!;
  const perChannel = values.length / channels;
  const [channelStep, itemStep] = axis === 0 ? [perChannel, 1] : [1, channels];
  const integers = new Int8Array(values.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel += 1) {
    const start = channel * channelStep;
    let largest = 0;
    for (let i = 0, at = start; i < perChannel; i += 1, at += itemStep) {
      largest = Math.max(largest, Math.abs(values[at]!));
    }
    const scale = Math.fround(largest / 127) || 1;
    scales[channel] = scale;
    for (let i = 0, at = start; i < perChannel; i += 1, at += itemStep) {
      integers[at] = Math.max(-127, Math.min(127, Math.round(values[at]! / scale)));
    }
  }
  return { integers, scales };
}

function laidOut(weight: Weight, values: Float32Array): Float32Array {
  const { count } = weight.part ?? { count: 1 };
  return weight.layout === 'transposed' ? transposed(values, weight.shape[0]! / count) : values;
}

/** [rows, columns] → [columns, rows]. */
function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) result[column * rows + row] = values[row * columns + column]!;
  }
  return result;
}

function halves(weight: Weight, values: Float32Array): Uint16Array {
  requireHalf(weight, values);
  return toHalf(values);
}

function requireHalf(weight: Weight, values: Float32Array): void {
  if (values.some((value) => Math.abs(value) >= 65520)) {
    throw invalidCheckpoint(`The checkpoint's ${weight.key} has values beyond half precision; pack it as "exact".`);
  }
}

function bytesOf(values: Float32Array | Uint16Array | Int8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
