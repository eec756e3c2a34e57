import { describe, expect, it } from 'vitest';
import { hasAlpha, hdrTransfer } from './frame-pixels.ts';
import { hlgToScene, nitsToPq, pqToNits, toneCurve } from './tone-map.ts';
import { composeOnBlack } from './transparency.ts';
import { type YuvColour, type YuvPicture, yuvToRgba } from './yuv.ts';

/** One flat colour, 4 × 2 pixels, 10-bit limited-range 4:2:0 BT.2020, from R′G′B′ of 0…1. */
function flat(red: number, green: number, blue: number): YuvPicture {
  const luma = 0.2627 * red + 0.678 * green + 0.0593 * blue;
  const plane = (level: number, count: number, stride: number) => ({
    samples: new Uint16Array(count).fill(Math.round(level)),
    stride,
  });
  return {
    width: 4,
    height: 2,
    bitDepth: 10,
    subsampledX: true,
    subsampledY: true,
    y: plane(64 + 876 * luma, 8, 4),
    cb: plane(512 + (896 * (blue - luma)) / 1.8814, 2, 2),
    cr: plane(512 + (896 * (red - luma)) / 1.4746, 2, 2),
    chromaStep: 1,
  };
}

function shown(hdr: YuvColour['hdr'], red: number, green = red, blue = red): number[] {
  const rgba = yuvToRgba(flat(red, green, blue), { matrix: 'bt2020', fullRange: false, hdr });
  expect([...rgba.subarray(28)]).toEqual([...rgba.subarray(0, 4)]);
  return [...rgba.subarray(0, 4)];
}

describe('HDR curves', () => {
  it('have the published values', () => {
    // ST 2084: 100 cd/m² is 0.5081, 203 is 0.5807, 1000 is 0.7518 (BT.2408 table 1: 51, 58, 75 %).
    expect(nitsToPq(100)).toBeCloseTo(0.5081, 4);
    expect(nitsToPq(203)).toBeCloseTo(0.5807, 4);
    expect(nitsToPq(1000)).toBeCloseTo(0.7518, 4);
    for (const nits of [0, 0.1, 5, 100, 4000, 10000]) expect(pqToNits(nitsToPq(nits))).toBeCloseTo(nits, 3);
    // BT.2100: half signal is a twelfth of the light; white is all of it.
    expect(hlgToScene(0.5)).toBeCloseTo(1 / 12, 6);
    expect(hlgToScene(1)).toBeCloseTo(1, 5);
  });

  it('leave shadows alone, bend smoothly, never fold back, and end at white', () => {
    expect(toneCurve(1)).toBe(1);
    expect(toneCurve(50)).toBe(50);
    expect(toneCurve(203)).toBeGreaterThan(150);
    expect(toneCurve(203)).toBeLessThan(175);
    expect(toneCurve(1000)).toBeCloseTo(203, 1);
    expect(toneCurve(9000)).toBeCloseTo(203, 1);
    for (let nits = 1; nits < 1000; nits++) {
      const slope = toneCurve(nits + 1) - toneCurve(nits);
      expect(slope).toBeGreaterThan(0);
      expect(slope).toBeLessThan(1.0001);
    }
  });
});

describe('HDR pictures in SDR', () => {
  it('keep black, white and neutrality', () => {
    for (const hdr of ['pq', 'hlg'] as const) {
      expect(shown(hdr, 0)).toEqual([0, 0, 0, 255]);
      const white = shown(hdr, hdr === 'pq' ? nitsToPq(1000) : 1);
      for (const level of white.slice(0, 3)) expect(level).toBeGreaterThanOrEqual(253);
      for (const signal of [0.2, 0.4, 0.6]) {
        const [red, green, blue] = shown(hdr, signal);
        expect(Math.abs(red! - green!)).toBeLessThanOrEqual(1);
        expect(Math.abs(blue! - green!)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('show diffuse white alike, from PQ (58 %) and from HLG (75 %)', () => {
    const pq = shown('pq', nitsToPq(203))[1]!;
    expect(Math.abs(pq - 231)).toBeLessThanOrEqual(2);
    expect(Math.abs(shown('hlg', 0.75)[1]! - pq)).toBeLessThanOrEqual(2);
  });

  it('show shadows as an SDR screen does: 20 cd/m² of 203', () => {
    expect(Math.abs(shown('pq', nitsToPq(20))[1]! - 255 * (20 / 203) ** (1 / 2.4))).toBeLessThanOrEqual(1.5);
  });

  it('bring BT.709 colours inside BT.2020 back to themselves', () => {
    // BT.709 red, green and blue at 80 cd/m², in BT.2020 (BT.2087-0).
    const inside = [
      [0.6274, 0.0691, 0.0164],
      [0.3293, 0.9195, 0.088],
      [0.0433, 0.0114, 0.8956],
    ];
    inside.forEach((linear, channel) => {
      const [red, green, blue] = linear.map((part) => nitsToPq(80 * part)) as [number, number, number];
      const pixel = shown('pq', red, green, blue);
      for (const other of [0, 1, 2].filter((c) => c !== channel)) expect(pixel[other]).toBeLessThan(40);
      expect(pixel[channel]).toBeGreaterThan(150);
      expect(pixel[channel]).toBeLessThan(180);
    });
  });

  it('brighten as the signal does', () => {
    for (const hdr of ['pq', 'hlg'] as const) {
      let last = -1;
      for (let signal = 0; signal <= 0.75; signal += 0.01) {
        const level = shown(hdr, signal)[1]!;
        expect(level).toBeGreaterThanOrEqual(last);
        last = level;
      }
    }
  });

  it('are those that say so', () => {
    expect(hdrTransfer('pq')).toBe('pq');
    expect(hdrTransfer('hlg')).toBe('hlg');
    expect(hdrTransfer('bt709')).toBeUndefined();
    expect(hdrTransfer(null)).toBeUndefined();
  });
});

describe('transparency', () => {
  it('is put on black, from a plane or from the picture itself', () => {
    const picture = () => new Uint8ClampedArray([200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0, 9, 9, 9, 255]);
    const composed = [200, 100, 50, 255, 100, 50, 25, 255, 0, 0, 0, 255, 9, 9, 9, 255];
    const own = picture();
    composeOnBlack(own, 2, null, 255);
    expect([...own]).toEqual(composed);
    const plane = picture().map((value, i) => (i % 4 === 3 ? 255 : value));
    composeOnBlack(plane, 2, { samples: new Uint8Array([255, 128, 7, 0, 255, 7]), stride: 3 }, 255);
    expect([...plane]).toEqual(composed);
  });

  it('is known by the pixel format', () => {
    expect(['I420A', 'I444AP10', 'RGBA', 'BGRA', 'NV12A'].every(hasAlpha)).toBe(true);
    expect(['I420', 'I420P10', 'NV12', 'RGBX', 'BGRX', null].some(hasAlpha)).toBe(false);
  });
});
