import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { carry, Motion } from './motion.ts';
import { opticalFlow } from './optical-flow.ts';

/** Made by `python -m training.parity`: a real clip's frames 0, 4 and 8, and what the trainer makes of the outer two. */
const fixture = JSON.parse(readFileSync(new URL('./fixtures/motion.json', import.meta.url)).toString()) as {
  width: number;
  height: number;
  before: string;
  truth: string;
  after: string;
  made: string;
  forward: string;
};
const { width, height } = fixture;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

function rgbaOf(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)]!,
  );
}

/** [3, H, W] in −1…1. */
function planarOf(rgb: Uint8Array): Float32Array {
  const plane = rgb.length / 3;
  return Float32Array.from({ length: rgb.length }, (_, i) => rgb[(i % plane) * 3 + Math.floor(i / plane)]! / 127.5 - 1);
}

function psnr(a: Float32Array, b: Float32Array): number {
  const error = a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length;
  return 10 * Math.log10(4 / error);
}

/** A texture without period, at (x, y). */
const texture = (x: number, y: number) =>
  128 +
  40 * Math.sin(x * 0.31 + y * 0.17) +
  30 * Math.sin(x * 0.13 - y * 0.41 + 1) +
  20 * Math.sin(x * 0.05 + y * 0.07 * y * 0.1);

function picture(at: (x: number, y: number) => number, w = 96, h = 64) {
  return { width: w, height: h, data: Float32Array.from({ length: w * h }, (_, i) => at(i % w, Math.floor(i / w))) };
}

describe('optical flow', () => {
  test.each([
    [0, 0],
    [1.5, -0.75],
    [-4.25, 3],
    [7, 2],
  ])('finds a shift of %f, %f', (dx, dy) => {
    const flow = opticalFlow(
      picture(texture),
      picture((x, y) => texture(x - dx, y - dy)),
    );
    const errors: number[] = [];
    for (let y = 16; y < 48; y += 1) {
      for (let x = 16; x < 80; x += 1) {
        const at = 2 * (y * 96 + x);
        errors.push(Math.hypot(flow[at]! - dx, flow[at + 1]! - dy));
      }
    }
    errors.sort((a, b) => a - b);
    expect(errors[Math.floor(errors.length * 0.9)]).toBeLessThan(0.35);
  });

  test('a change of brightness is no motion', () => {
    const flow = opticalFlow(
      picture(texture),
      picture((x, y) => texture(x, y) + 25),
    );
    expect(Math.max(...flow.map(Math.abs))).toBeLessThan(0.05);
  });

  test('is the trainer’s', () => {
    const luma = (text: string) => {
      const rgb = bytes(text);
      const at = (i: number) => 0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!;
      return { width, height, data: Float32Array.from({ length: width * height }, (_, i) => at(i)) };
    };
    const ours = opticalFlow(luma(fixture.before), luma(fixture.after));
    const theirs = new Int16Array(bytes(fixture.forward).buffer);
    const apart = Float32Array.from({ length: width * height }, (_, i) =>
      Math.hypot(ours[2 * i]! - theirs[2 * i]! / 256, ours[2 * i + 1]! - theirs[2 * i + 1]! / 256),
    ).sort();
    if (process.env.MEASURE) console.log('apart, px:', apart[apart.length >> 1], apart[Math.floor(apart.length * 0.9)]);
    expect(apart[apart.length >> 1]).toBeLessThan(0.15);
  });

  test('sizes: tiny pictures stand still, odd ones work, different ones are refused', () => {
    expect([...opticalFlow(picture(texture, 5, 4), picture(texture, 5, 4))].every((v) => v === 0)).toBe(true);
    const odd = opticalFlow(
      picture(texture, 37, 23),
      picture((x, y) => texture(x - 2, y), 37, 23),
    );
    expect(odd[2 * (11 * 37 + 18)]).toBeCloseTo(2, 0);
    expect(() => opticalFlow(picture(texture, 16, 16), picture(texture, 16, 17))).toThrow(RangeError);
  });
});

describe('a frame between two key frames', () => {
  const [before, after] = [bytes(fixture.before), bytes(fixture.after)];
  const motion = new Motion({ width, height, rgba: rgbaOf(before) }, { width, height, rgba: rgbaOf(after) });
  const velocities = motion.velocities(0.5);
  const size = { width, height };
  const [first, last] = [planarOf(before), planarOf(after)];
  const { frame, mismatch } = carry(first, last, size, size, velocities, 0.5, 8);
  const truth = planarOf(bytes(fixture.truth));

  test('is as near the true one as the trainer’s, and far nearer than a blend', () => {
    const theirs = psnr(planarOf(bytes(fixture.made)), truth);
    const ours = psnr(frame, truth);
    const blend = psnr(
      first.map((value, i) => (value + last[i]!) / 2),
      truth,
    );
    if (process.env.MEASURE) console.log({ ours, theirs, blend });
    expect(ours).toBeGreaterThan(theirs - 0.3);
    expect(ours).toBeGreaterThan(blend + 1);
  });

  test('mismatch tells where the key frames disagree', () => {
    const errors = Float32Array.from(mismatch, () => 0);
    frame.forEach((value, i) => {
      const at = i % (width * height);
      const latent = Math.floor(Math.floor(at / width) / 8) * (width / 8) + Math.floor((at % width) / 8);
      errors[latent] = errors[latent]! + (value - truth[i]!) ** 2;
    });
    expect(correlation(mismatch.map(Math.sqrt), errors.map(Math.sqrt))).toBeGreaterThan(0.4);
  });

  test('of two equal key frames is that frame; at twice the size the motion is twice as long', () => {
    const still = new Motion({ width, height, rgba: rgbaOf(before) }, { width, height, rgba: rgbaOf(before) });
    const same = carry(planarOf(before), planarOf(before), size, size, still.velocities(0.25), 0.25, 8);
    expect(psnr(same.frame, planarOf(before))).toBeGreaterThan(60);
    expect(Math.max(...same.mismatch)).toBeLessThan(1e-9);

    const doubled = (planar: Float32Array) =>
      Float32Array.from({ length: planar.length * 4 }, (_, i) => {
        const [x, y] = [i % (2 * width), Math.floor(i / (2 * width)) % (2 * height)];
        return planar[Math.floor(i / (4 * width * height)) * width * height + (y >> 1) * width + (x >> 1)]!;
      });
    const large = { width: 2 * width, height: 2 * height };
    const big = carry(doubled(planarOf(before)), doubled(planarOf(after)), large, large, velocities, 0.5, 8);
    expect(psnr(big.frame, doubled(truth))).toBeGreaterThan(psnr(frame, truth) - 1.5);
  });
});

function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (x: Float32Array) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    ab += (value - ma) * (b[i]! - mb);
    aa += (value - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}
