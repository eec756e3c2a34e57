/** Sinusoidal features (SPEC §1.2), made here because sin and cos near 999 are off by 2e-4 on some GPUs. */

const MAX_PERIOD = 10000;

/** [cos, sin] of value·10000^(−i/half), i = 0…half−1; `dim` is even. The value may be any real number. */
export function sinusoid(value: number, dim: number): Float32Array {
  if (dim % 2 !== 0) throw new RangeError(`${dim} features cannot be halved`);
  const half = dim / 2;
  const out: Float32Array = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const angle = value * MAX_PERIOD ** (-i / half);
    out[i] = Math.cos(angle);
    out[half + i] = Math.sin(angle);
  }
  return out;
}
