/** The autoencoder's posterior (SPEC §2.4 item 6): the reference draws from it, where a mean would do. */

/** mean + exp(logVariance / 2)·noise, written into `mean`; any layout, equally long. The encoder's graph has clamped the variance. */
export function samplePosterior(mean: Float32Array, logVariance: Float32Array, noise: Float32Array): void {
  if (logVariance.length !== mean.length || noise.length !== mean.length) {
    throw new RangeError(`posterior of ${mean.length} and ${logVariance.length} values, noise of ${noise.length}`);
  }
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + Math.exp(logVariance[i]! / 2) * noise[i]!;
}
