/** A tensor's stored bytes as float32 values. */

import type { CheckpointType } from './checkpoint.ts';
import { fromBfloat, fromHalf } from './half.ts';

/** Little-endian bytes in; float64 is rounded to float32. `null`: a type that cannot be a weight. */
export function decodeValues(type: CheckpointType, bytes: Uint8Array): Float32Array | null {
  const buffer = exactBuffer(bytes);
  switch (type) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float16':
      return fromHalf(new Uint16Array(buffer));
    case 'bfloat16':
      return fromBfloat(new Uint16Array(buffer));
    case 'float64':
      return Float32Array.from(new Float64Array(buffer));
    case 'other':
      return null;
  }
}

/** The same bytes with every item's order turned round, in place. */
export function swapped(bytes: Uint8Array, itemBytes: number): Uint8Array {
  for (let at = 0; at < bytes.length; at += itemBytes) bytes.subarray(at, at + itemBytes).reverse();
  return bytes;
}

/** The bytes in a buffer of their own, so that a typed array may start at 0. */
export function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return (whole ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer;
}
