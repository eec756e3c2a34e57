import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFLICKER_REACH, inMeanLight, type LightChange, lightChange, smallFrame } from './deflicker.ts';

const [WIDTH, HEIGHT, FRAMES] = [96, 64, 12];

describe('deflicker', () => {
  it('finds the change of light that the evaluation finds, with OpenCV for the motion', () => {
    const fixture = JSON.parse(readFileSync(new URL('./fixtures/motion.json', import.meta.url), 'utf8'));
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
    const small = (text: string, gain: number) => {
      const rgb = bytes(text);
      const rgba = new Uint8Array((4 * rgb.length) / 3).fill(255);
      for (const [i, value] of rgb.entries()) {
        rgba[4 * Math.floor(i / 3) + (i % 3)] = Math.trunc(Math.min(255, value * gain));
      }
      return smallFrame({ width: fixture.width, height: fixture.height, rgba });
    };
    const { data } = lightChange(small(fixture.before, 1), small(fixture.after, 1.06));
    const expected = Float32Array.from(new Int16Array(bytes(fixture.light).buffer), (value) => value / 256);
    expect(data.length).toBe(expected.length);
    const errors = data.map((value, i) => Math.abs(value - expected[i]!));
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
    expect(mean(expected)).toBeGreaterThan(2);
    expect(mean(errors)).toBeLessThan(0.3);
  });

  it('takes more than half of a flicker out of a moving picture', () => {
    const gains = [1.03, 0.97, 1.01, 0.96, 1.04, 1, 0.97, 1.02, 1.05, 0.98, 0.96, 1.03];
    const clip = gains.map((gain, t) => frame(t, (value) => value * gain));
    const truth = gains.map((_, t) => frame(t, (value) => value));
    const before = flicker(clip, truth);
    const after = flicker(deflickered(clip), truth);
    expect(before).toBeGreaterThan(2);
    expect(after).toBeLessThan(before / 2);
  });

  it('does so where only a part of the picture flickers, and leaves the rest', () => {
    const gains = [1.05, 0.95, 1, 0.94, 1.05, 1, 0.95, 1.04, 1.05, 0.95, 0.94, 1.05];
    const clip = gains.map((gain, t) => frame(t, (value, x) => (x < WIDTH / 3 ? value * gain : value)));
    const made = deflickered(clip);
    expect(difference(clip[5]!, made[5]!, (x) => x > WIDTH / 2 + 8)).toBeLessThan(0.7);
    const plain = gains.map((_, t) => frame(t, (value) => value));
    const half = (x: number) => x < WIDTH / 4;
    expect(flicker(made, plain, half)).toBeLessThan(flicker(clip, plain, half) / 2);
  });

  it('leaves a clip without flicker as it is, to half a grey level', () => {
    const clip = Array.from({ length: FRAMES }, (_, t) => frame(t, (value) => value));
    for (const [t, made] of deflickered(clip).entries()) expect(difference(clip[t]!, made)).toBeLessThan(0.5);
  });

  it('leaves a fade as it is, its ends aside', () => {
    const clip = Array.from({ length: FRAMES }, (_, t) => frame(t, (value) => value * (0.7 + 0.02 * t)));
    const made = deflickered(clip);
    for (let t = DEFLICKER_REACH; t < FRAMES - DEFLICKER_REACH; t += 1) {
      expect(difference(clip[t]!, made[t]!)).toBeLessThan(0.7);
    }
  });

  it('leaves a flash as it is', () => {
    const clip = Array.from({ length: FRAMES }, (_, t) => frame(t, (value) => (t === 6 ? value + 70 : value)));
    for (const [t, made] of deflickered(clip).entries()) expect(difference(clip[t]!, made)).toBeLessThan(1);
  });

  it('changes nothing where there is no neighbour', () => {
    const only = frame(0, (value) => value);
    expect(inMeanLight(picture(only), [], [])).toEqual(only);
  });
});

type Pixels = Uint8ClampedArray<ArrayBuffer>;

/** A smooth texture that moves by a pixel and a half a frame. */
function frame(t: number, light: (value: number, x: number) => number): Pixels {
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const u = x - 1.5 * t;
      const value = 110 + 40 * Math.sin(0.31 * u + 0.17 * y) + 30 * Math.sin(0.13 * u - 0.23 * y + 1);
      for (let c = 0; c < 3; c += 1) rgba[4 * (y * WIDTH + x) + c] = light(value + 8 * c, x);
    }
  }
  return rgba;
}

const picture = (rgba: Pixels) => ({ width: WIDTH, height: HEIGHT, rgba });

function deflickered(clip: readonly Pixels[]): Pixels[] {
  const small = clip.map((rgba) => smallFrame(picture(rgba)));
  const changes: LightChange[] = small.slice(1).map((after, t) => lightChange(small[t]!, after));
  return clip.map((rgba, t) =>
    inMeanLight(
      picture(rgba),
      changes.slice(Math.max(0, t - DEFLICKER_REACH), t),
      changes.slice(t, t + DEFLICKER_REACH),
    ),
  );
}

/** How much the mean error changes from frame to frame. */
function flicker(
  clip: readonly Pixels[],
  truth: readonly Pixels[],
  where: (x: number) => boolean = () => true,
): number {
  const means = clip.map((rgba, t) => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < rgba.length; i += 4) {
      if (!where((i / 4) % WIDTH)) continue;
      sum += rgba[i + 1]! - truth[t]![i + 1]!;
      count += 1;
    }
    return sum / count;
  });
  const steps = means.slice(1).map((mean, t) => Math.abs(mean - means[t]!));
  return steps.reduce((sum, step) => sum + step, 0) / steps.length;
}

function difference(a: Pixels, b: Pixels, where: (x: number) => boolean = () => true): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i += 4) {
    if (!where((i / 4) % WIDTH)) continue;
    sum += Math.abs(a[i]! - b[i]!);
    count += 1;
  }
  return sum / count;
}
