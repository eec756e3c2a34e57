/**
 * Counter-based Gaussian noise: a value is a function of (seed, stream, frame, y, x, channel) alone, so that every layout of
 * windows and tiles, and every device, sees the same noise.
 *
 * pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", 2020) turns four words into four; Box–Muller makes four normals of
 * them, for four neighbouring channels. Alone it mixes the words' high bits too little (two seeds that differ in the top bit gave
 * squares correlated at 0.07), so all words but x pass through murmur3's finaliser first, outside the inner loop. Only 32-bit integer
 * arithmetic: the same in WGSL. Uniforms have 24 bits, so |value| < 5.9. Costs ~90 ns a value. The logarithm and cosine come from the
 * platform: results agree between engines to 1e-6, not to the bit.
 */

/** Streams below this are the solver's evaluations. */
export const START_STREAM = 0xffff;
export const HINT_STREAM = 0xfffe;
/** The autoencoder's sampled posterior. */
export const POSTERIOR_STREAM = 0xfffd;

export interface NoiseRegion {
  /** Unsigned 32-bit. */
  readonly seed: number;
  /** An evaluation's index, or one of the named streams; 16 bits. */
  readonly stream: number;
  /** Output frame in the clip. */
  readonly frame: number;
  readonly channels: number;
  /** Region of the latent plane, in the clip's own coordinates; 16 bits each. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const TWO_PI = 2 * Math.PI;
const TO_UNIT = 1 / 0x1000000;

/** Fills [channels, height, width] of `out` from `offset` with unit Gaussian noise. */
export function fillNoise(region: NoiseRegion, out: Float32Array, offset = 0): void {
  const { channels, width, height } = region;
  const plane = width * height;
  const seedKey = mix(region.seed | 0);
  const frameKey = mix(seedKey ^ region.frame);
  for (let group = 0; group < channels; group += 4) {
    const groupKey = mix(frameKey ^ ((region.stream << 16) | (group >>> 2)));
    const b0 = (Math.imul(frameKey, 1664525) + 1013904223) | 0;
    const c0 = (Math.imul(groupKey, 1664525) + 1013904223) | 0;
    const count = Math.min(4, channels - group);
    const first = offset + group * plane;
    for (let row = 0; row < height; row++) {
      const d0 = (Math.imul(mix(groupKey ^ (region.y + row)), 1664525) + 1013904223) | 0;
      for (let column = 0; column < width; column++) {
        let a = (Math.imul(region.x + column, 1664525) + 1013904223) | 0;
        a = (a + Math.imul(b0, d0)) | 0;
        let b = (b0 + Math.imul(c0, a)) | 0;
        let c = (c0 + Math.imul(a, b)) | 0;
        let d = (d0 + Math.imul(b, c)) | 0;
        a ^= a >>> 16;
        b ^= b >>> 16;
        c ^= c >>> 16;
        d ^= d >>> 16;
        a = (a + Math.imul(b, d)) | 0;
        b = (b + Math.imul(c, a)) | 0;
        c = (c + Math.imul(a, b)) | 0;
        d = (d + Math.imul(b, c)) | 0;
        const at = first + row * width + column;
        const radius = Math.sqrt(-2 * Math.log(((a >>> 8) + 0.5) * TO_UNIT));
        const angle = TWO_PI * ((b >>> 8) * TO_UNIT);
        out[at] = radius * Math.cos(angle);
        if (count > 1) out[at + plane] = radius * Math.sin(angle);
        if (count > 2) {
          const radius2 = Math.sqrt(-2 * Math.log(((c >>> 8) + 0.5) * TO_UNIT));
          const angle2 = TWO_PI * ((d >>> 8) * TO_UNIT);
          out[at + 2 * plane] = radius2 * Math.cos(angle2);
          if (count > 3) out[at + 3 * plane] = radius2 * Math.sin(angle2);
        }
      }
    }
  }
}

/** murmur3's finaliser. */
function mix(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
