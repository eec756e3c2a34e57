/**
 * The noise schedule (SPEC §2.1): cosine logSNR over ±15, shifted by 2 at the clean end to 4 at the noisy end, stretched to
 * zero terminal SNR. A thousand timesteps; 0 is cleanest, 999 pure noise.
 *
 * Computed in float64, then rounded where the reference rounds: σ to float32, α and ln k from that σ in float32. The rounding
 * matters only near t = 999, where α = √(1−σ²) cancels: the reference's k there is a ratio of few float32 steps.
 * Costs 50 µs once. Pure; runs anywhere.
 */

export const TIMESTEPS = 1000;
export const LAST_TIMESTEP = TIMESTEPS - 1;

/** A point of the diffusion: x = alpha·x0 + sigma·noise, alpha² + sigma² = 1. */
export interface NoiseLevel {
  readonly alpha: number;
  readonly sigma: number;
}

export interface Schedule {
  /** float32 values in float64 arrays' place: σ_t, α_t = √(1−σ_t²), ln k_t = ln(σ_t/α_t); `logK[999]` is +∞. */
  readonly sigma: Float32Array;
  readonly alpha: Float32Array;
  readonly logK: Float32Array;
  /** σ before rounding. */
  readonly sigmaExact: Float64Array;
}

const LOG_SNR_MAX = 15;
const CLEAN_SHIFT = 2;
const NOISY_SHIFT = 4;

function build(): Schedule {
  const from = Math.atan(Math.exp(LOG_SNR_MAX / 2));
  const to = Math.atan(Math.exp(-LOG_SNR_MAX / 2));
  const sigmaExact = new Float64Array(TIMESTEPS);
  for (let t = 0; t < TIMESTEPS; t++) {
    const u = 1 - t / LAST_TIMESTEP;
    const logSnr = -2 * Math.log(Math.tan(from + u * (to - from)));
    const shifted = u * (logSnr - 2 * Math.log(CLEAN_SHIFT)) + (1 - u) * (logSnr - 2 * Math.log(NOISY_SHIFT));
    sigmaExact[t] = Math.sqrt(1 / (1 + Math.exp(shifted)));
  }
  const least = sigmaExact[0]!;
  const stretch = (1 - least) / (sigmaExact[LAST_TIMESTEP]! - least);
  const sigma = new Float32Array(TIMESTEPS);
  const alpha = new Float32Array(TIMESTEPS);
  const logK = new Float32Array(TIMESTEPS);
  for (let t = 0; t < TIMESTEPS; t++) {
    sigmaExact[t] = t === LAST_TIMESTEP ? 1 : least + (sigmaExact[t]! - least) * stretch;
    const s = Math.fround(sigmaExact[t]!);
    sigma[t] = s;
    alpha[t] = Math.sqrt(Math.fround(1 - Math.fround(s * s)));
    logK[t] = Math.log(Math.fround(s / alpha[t]!));
  }
  return { sigma, alpha, logK, sigmaExact };
}

export const SCHEDULE: Schedule = build();

/** α and σ of a whole timestep, as the network was trained on it. @throws RangeError outside 0…999. */
export function noiseLevel(timestep: number): NoiseLevel {
  if (!Number.isInteger(timestep) || timestep < 0 || timestep > LAST_TIMESTEP) {
    throw new RangeError(`timestep ${timestep} is not a whole number in 0…${LAST_TIMESTEP}`);
  }
  return { alpha: SCHEDULE.alpha[timestep]!, sigma: SCHEDULE.sigma[timestep]! };
}

/** EDM sigma k = σ/α at a real-valued timestep, by linear interpolation of ln k (SPEC §2.2); +∞ beyond 998. */
export function edmSigma(timestep: number): number {
  const below = Math.floor(timestep);
  const above = Math.ceil(timestep);
  const fraction = timestep - below;
  const low = SCHEDULE.logK[below];
  const high = SCHEDULE.logK[above];
  if (low === undefined || high === undefined) throw new RangeError(`timestep ${timestep} is outside the schedule`);
  return Math.exp(fraction === 0 ? low : (1 - fraction) * low + fraction * high);
}

/** The inverse of {@link edmSigma}: real-valued timestep in 0…999 of an EDM sigma. */
export function timestepOf(k: number): number {
  if (k === Number.POSITIVE_INFINITY) return LAST_TIMESTEP;
  const logK = Math.log(k);
  let low = 0;
  let high = LAST_TIMESTEP;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (SCHEDULE.logK[middle]! <= logK) low = middle;
    else high = middle;
  }
  const a = SCHEDULE.logK[low]!;
  const b = SCHEDULE.logK[high]!;
  if (b === Number.POSITIVE_INFINITY) return logK <= a ? low : LAST_TIMESTEP;
  return low + Math.min(1, Math.max(0, (logK - a) / (b - a)));
}

/** α and σ of an EDM sigma: α = 1/√(1+k²), σ = k/√(1+k²). */
export function levelOfEdmSigma(k: number): NoiseLevel {
  if (k === Number.POSITIVE_INFINITY) return { alpha: 0, sigma: 1 };
  const alpha = 1 / Math.sqrt(1 + k * k);
  return { alpha, sigma: k * alpha };
}
