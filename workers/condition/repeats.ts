/**
 * Whether a frame of a clip shows the picture of another again: frames doubled to raise a frame rate, stills, screens on which nothing happens. What an encoder
 * leaves of such a repeat is small and in few places (docs/performance.md); what is less than the limits here, nobody sees move.
 *
 * Two frames that differ are told apart at their first blocks; a real repeat costs a pass over both, 3 ns a value. Pure.
 */

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

const BLOCK = 8;
/** Levels of 255, of the channel that differs most: of any pixel, a block's mean, the picture's mean. */
const MOST_OF_A_PIXEL = 20;
const MOST_OF_A_BLOCK = 4.5;
const MOST_OF_THE_PICTURE = 0.2;

export function isRepeat(a: Picture, b: Picture): boolean {
  const { width, height } = a;
  if (b.width !== width || b.height !== height) return false;
  const [one, other] = [a.rgba, b.rgba];
  const most = MOST_OF_THE_PICTURE * width * height;
  let total = 0;
  for (let top = 0; top < height; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, height);
    for (let left = 0; left < width; left += BLOCK) {
      const right = Math.min(left + BLOCK, width);
      let sum = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let i = 4 * (y * width + left), end = 4 * (y * width + right); i < end; i += 4) {
          const red = Math.abs(one[i]! - other[i]!);
          const green = Math.abs(one[i + 1]! - other[i + 1]!);
          const blue = Math.abs(one[i + 2]! - other[i + 2]!);
          const difference = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
          if (difference > MOST_OF_A_PIXEL) return false;
          sum += difference;
        }
      }
      if (sum > MOST_OF_A_BLOCK * (bottom - top) * (right - left)) return false;
      total += sum;
      if (total > most) return false;
    }
  }
  return true;
}
