/**
 * Signed int4 in blocks of inputs, two to a byte, with a scale for each block that is chosen by the error it leaves.
 *
 * A block's largest value, whatever its sign, goes to −8: that end of the range has one step more. From there the scale is shrunk and
 * stretched, and the one with the least squared error after rounding (of the scale to half precision too) is kept: 21.7 dB on normally
 * distributed weights where plain rounding gives 20.3. Costs about 15 ns a weight. Runs anywhere.
 */

import { fromHalf, toHalf } from '../checkpoint/half.ts';
import { INT4_BLOCK } from '../onnx/graph.ts';

/** Of the scale that just holds the largest value. */
const FRACTIONS = [1, 1.05, 1.1, 1.15, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6] as const;

export interface BlockedInt4 {
  /** [inputs, outputs] in row-major order, the earlier of two in the low half of a byte. */
  readonly nibbles: Uint8Array;
  /** Half-precision bits, [inputs / block, outputs]. */
  readonly scales: Uint16Array;
}

/** Values [inputs, outputs]; inputs are whole blocks. */
export function quantiseBlocks(values: Float32Array, inputs: number, outputs: number): BlockedInt4 {
  const nibbles = new Uint8Array(Math.ceil(values.length / 2));
  const scales = new Uint16Array((inputs / INT4_BLOCK) * outputs);
  const block = new Float32Array(INT4_BLOCK);
  for (let row = 0, at = 0; row < inputs; row += INT4_BLOCK) {
    for (let column = 0; column < outputs; column += 1, at += 1) {
      const start = row * outputs + column;
      for (let i = 0; i < INT4_BLOCK; i += 1) block[i] = values[start + i * outputs]!;
      const [bits, scale] = bestScale(block);
      scales[at] = bits;
      for (let i = 0; i < INT4_BLOCK; i += 1) {
        const index = start + i * outputs;
        nibbles[index >> 1]! |= (step(block[i]!, 1 / scale) & 15) << (4 * (index & 1));
      }
    }
  }
  return { nibbles, scales };
}

/** Squared error that int4 leaves on a block. */
export function blockNoise(block: Float32Array): number {
  const [, scale] = bestScale(block);
  return block.reduce((noise, value) => noise + (step(value, 1 / scale) * scale - value) ** 2, 0);
}

/** The scale as half-precision bits and as their value; 1 where a block is too near zero for any. */
function bestScale(block: Float32Array): readonly [bits: number, scale: number] {
  let extreme = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  const bits = toHalf(Float32Array.from(FRACTIONS, (fraction) => (-extreme * fraction) / 8));
  const scales = fromHalf(bits);
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let candidate = 0; candidate < scales.length; candidate += 1) {
    const scale = scales[candidate]!;
    if (scale === 0 || !Number.isFinite(scale)) continue;
    const inverse = 1 / scale;
    let error = 0;
    for (let i = 0; i < INT4_BLOCK && error < least; i += 1) {
      const difference = step(block[i]!, inverse) * scale - block[i]!;
      error += difference * difference;
    }
    if (error < least) [least, best] = [error, candidate];
  }
  return best < 0 ? [0x3c00, 1] : [bits[best]!, scales[best]!];
}

/** To the nearest of −8…7. */
function step(value: number, inverse: number): number {
  const shifted = value * inverse + 8.5;
  return (shifted < 0 ? 0 : shifted >= 16 ? 15 : shifted | 0) - 8;
}
