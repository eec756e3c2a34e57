/**
 * RGBA to limited-range BT.709 Y′CbCr 4:2:0, for the encoder.
 *
 * Pure; about 5 ms for 1280×720. Encoders fed RGBA write full range, which many players show washed out or too dark, so the
 * conversion is ours. Chroma is sited as H.264 and HEVC assume: on the even columns, midway between two rows; each sample is
 * the (1, 2, 1)/4 mean across and the plain mean down. Matrix: ITU-R BT.709-6 §3, quantised as §4 (16–235, 16–240).
 */

export interface I420Picture {
  readonly width: number;
  readonly height: number;
  /** Y plane, then Cb, then Cr, without padding between rows. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Bytes of an I420 picture; odd sizes round the chroma planes up. */
export function i420Bytes(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

const RED = 0.2126;
const BLUE = 0.0722;
const GREEN = 1 - RED - BLUE;
const LUMA = 219 / 255;
const CB_SCALE = 224 / 255 / (2 * (1 - BLUE));
const CR_SCALE = 224 / 255 / (2 * (1 - RED));

/** Alpha is ignored. `into` may be reused between frames of one size. */
export function rgbaToI420(
  rgba: Uint8ClampedArray | Uint8Array,
  width: number,
  height: number,
  into: Uint8Array<ArrayBuffer> = new Uint8Array(i420Bytes(width, height)),
): I420Picture {
  const chromaWidth = Math.ceil(width / 2);
  const chromaHeight = Math.ceil(height / 2);
  const cbStart = width * height;
  const crStart = cbStart + chromaWidth * chromaHeight;

  for (let i = 0, at = 0; i < cbStart; i++, at += 4) {
    const luma = RED * rgba[at]! + GREEN * rgba[at + 1]! + BLUE * rgba[at + 2]!;
    into[i] = 16.5 + LUMA * luma;
  }
  for (let cy = 0; cy < chromaHeight; cy++) {
    const top = cy * 2 * width;
    const bottom = Math.min(cy * 2 + 1, height - 1) * width;
    for (let cx = 0; cx < chromaWidth; cx++) {
      const centre = cx * 2;
      const left = Math.max(centre - 1, 0);
      const right = Math.min(centre + 1, width - 1);
      const a = (top + left) * 4;
      const b = (top + centre) * 4;
      const c = (top + right) * 4;
      const d = (bottom + left) * 4;
      const e = (bottom + centre) * 4;
      const f = (bottom + right) * 4;
      const red = (rgba[a]! + 2 * rgba[b]! + rgba[c]! + rgba[d]! + 2 * rgba[e]! + rgba[f]!) / 8;
      const green =
        (rgba[a + 1]! + 2 * rgba[b + 1]! + rgba[c + 1]! + rgba[d + 1]! + 2 * rgba[e + 1]! + rgba[f + 1]!) / 8;
      const blue =
        (rgba[a + 2]! + 2 * rgba[b + 2]! + rgba[c + 2]! + rgba[d + 2]! + 2 * rgba[e + 2]! + rgba[f + 2]!) / 8;
      const luma = RED * red + GREEN * green + BLUE * blue;
      const at = cy * chromaWidth + cx;
      into[cbStart + at] = 128.5 + CB_SCALE * (blue - luma);
      into[crStart + at] = 128.5 + CR_SCALE * (red - luma);
    }
  }
  return { width, height, data: into };
}
