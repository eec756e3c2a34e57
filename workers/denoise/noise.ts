/**
 * Counter-based Gaussian noise: a value is a function of (seed, stream, frame, y, x, channel) alone, so that every layout of
 * windows and tiles, and every device, sees the same noise.
 *
 * pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", 2020) turns four words into four; Box–Muller makes four normals of
 * them, for four neighbouring channels. Alone it mixes the words' high bits too little (two seeds that differ in the top bit gave
 * squares correlated at 0.07), so all words but x pass through murmur3's finaliser first, outside the inner loop. Only 32-bit integer
 * arithmetic: the same in WGSL. Uniforms have 24 bits, so |value| < 5.9. Logarithm, sine and cosine are short series of our own, so
 * every engine gives the same bits, and a GPU's single precision comes within 1e-6. Costs ~35 ns a value.
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
        gaussianPair(a, b, out, at, count > 1 ? at + plane : -1);
        if (count > 2) gaussianPair(c, d, out, at + 2 * plane, count > 3 ? at + 3 * plane : -1);
      }
    }
  }
}

/** Box–Muller: two words to two normals, at `one` and, unless −1, at `two`. */
function gaussianPair(radiusWord: number, angleWord: number, out: Float32Array, one: number, two: number): void {
  // −2 ln u of u = (2n+1)/2²⁵, by the area hyperbolic tangent's series about u's nearest power of two; error < 1e-10.
  const odd = ((radiusWord >>> 8) << 1) | 1;
  let exponent = 31 - Math.clz32(odd);
  let mantissa = odd / (1 << exponent);
  if (mantissa > Math.SQRT2) {
    mantissa *= 0.5;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const s2 = s * s;
  const series = s * (2 + s2 * (2 / 3 + s2 * (2 / 5 + s2 * (2 / 7 + s2 * (2 / 9 + s2 * (2 / 11))))));
  const radius = Math.sqrt(-2 * (series + (exponent - 25) * Math.LN2));
  // The angle's two high bits are the quadrant; the rest an angle in −π/4…π/4, where short series do.
  const bits = angleWord >>> 8;
  const t = ((bits & 0x3fffff) / 0x400000 - 0.5) * (Math.PI / 2);
  const t2 = t * t;
  const cosine =
    radius * (1 + t2 * (-1 / 2 + t2 * (1 / 24 + t2 * (-1 / 720 + t2 * (1 / 40320 + t2 * (-1 / 3628800))))));
  const sine =
    radius * t * (1 + t2 * (-1 / 6 + t2 * (1 / 120 + t2 * (-1 / 5040 + t2 * (1 / 362880 + t2 * (-1 / 39916800))))));
  const quadrant = bits >>> 22;
  const turned = (quadrant & 1) === 1;
  const sign = quadrant >= 2 ? -1 : 1;
  out[one] = turned ? -sign * sine : sign * cosine;
  if (two >= 0) out[two] = turned ? sign * cosine : sign * sine;
}

/** murmur3's finaliser. */
function mix(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
