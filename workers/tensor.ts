/**
 * Dense float32 tensors on the CPU, row-major. Latents are [F, Z, h, w] (frames first), images [F, 3, H, W].
 */

export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** @throws RangeError when the data's length does not match the dimensions. */
export function tensor(dims: readonly number[], data?: Float32Array): Tensor {
  const count = elementCount(dims);
  const values = data ?? new Float32Array(count);
  if (values.length !== count) throw new RangeError(`tensor [${dims}] needs ${count} values, got ${values.length}`);
  return { dims, data: values };
}
