/**
 * Classifier-free guidance with rescale (SPEC §2.1), on the network's own output (velocity). Two passes over the values; pure.
 */

/** The reference's φ. */
export const GUIDANCE_RESCALE = 0.2;

/**
 * v = negative + scale·(positive − negative), then v·(rescale·std(positive)/std(v) + 1 − rescale), written into `positive`.
 * Both are a window's frames, any layout; the deviations are taken over the whole window, unbiased, as the reference does per
 * chunk. Scale 1 leaves `positive` as it is, with no rescale.
 */
export function guide(
  positive: readonly Float32Array[],
  negative: readonly Float32Array[],
  scale: number,
  rescale: number = GUIDANCE_RESCALE,
): void {
  if (scale === 1) return;
  const before = standardDeviation(positive);
  positive.forEach((frame, f) => {
    const other = negative[f]!;
    for (let i = 0; i < frame.length; i++) frame[i] = other[i]! + scale * (frame[i]! - other[i]!);
  });
  if (rescale === 0) return;
  const factor = (rescale * before) / (standardDeviation(positive) + 1e-12) + 1 - rescale;
  for (const frame of positive) for (let i = 0; i < frame.length; i++) frame[i] = frame[i]! * factor;
}

/** Unbiased standard deviation over all values. */
export function standardDeviation(frames: readonly Float32Array[]): number {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const frame of frames) {
    count += frame.length;
    for (let i = 0; i < frame.length; i++) {
      const value = frame[i]!;
      sum += value;
      squares += value * value;
    }
  }
  return Math.sqrt(Math.max(0, squares - (sum * sum) / count) / (count - 1));
}
