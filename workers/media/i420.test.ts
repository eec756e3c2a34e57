import { describe, expect, test } from 'vitest';
import { i420Bytes, rgbaToI420 } from './i420.ts';
import { type YuvPicture, yuvToRgba } from './yuv.ts';

function flat(width: number, height: number, [r, g, b]: readonly number[]): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => [r!, g!, b!, 255][i % 4]!);
}

function asYuv(width: number, height: number, data: Uint8Array): YuvPicture {
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const stride = Math.ceil(width / 2);
  return {
    width,
    height,
    bitDepth: 8,
    subsampledX: true,
    subsampledY: true,
    y: { samples: data, stride: width },
    cb: { samples: data.subarray(width * height), stride },
    cr: { samples: data.subarray(width * height + chroma), stride },
    chromaStep: 1,
  };
}

describe('RGBA to I420', () => {
  // ITU-R BT.709-6, limited range: the primaries as every colour bar has them.
  test.each([
    ['white', [255, 255, 255], [235, 128, 128]],
    ['black', [0, 0, 0], [16, 128, 128]],
    ['red', [255, 0, 0], [63, 102, 240]],
    ['green', [0, 255, 0], [173, 42, 26]],
    ['blue', [0, 0, 255], [32, 240, 118]],
    ['grey', [128, 128, 128], [126, 128, 128]],
  ])('%s', (_, rgb, [luma, cb, cr]) => {
    const { data } = rgbaToI420(flat(4, 4, rgb), 4, 4);
    expect([...data]).toEqual([...Array(16).fill(luma), ...Array(4).fill(cb), ...Array(4).fill(cr)]);
  });

  test('odd sizes have room for their last column and row', () => {
    expect(rgbaToI420(flat(5, 3, [255, 0, 0]), 5, 3).data).toHaveLength(i420Bytes(5, 3));
  });

  test('and back: smooth colour returns within two steps', () => {
    const [width, height] = [32, 24];
    const rgba = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
      const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
      return [40 + 5 * x, 60 + 6 * y, 200 - 3 * x - y, 255][i & 3]!;
    });
    const { data } = rgbaToI420(rgba, width, height);
    const back = yuvToRgba(asYuv(width, height, data), { matrix: 'bt709', fullRange: false });
    let worst = 0;
    for (let y = 2; y < height - 2; y++) {
      for (let x = 2; x < width - 2; x++) {
        for (let c = 0; c < 3; c++) {
          const at = (y * width + x) * 4 + c;
          worst = Math.max(worst, Math.abs(back[at]! - rgba[at]!));
        }
      }
    }
    expect(worst).toBeLessThanOrEqual(2);
  });
});

describe('planes to RGBA', () => {
  const one = (y: number, cb: number, cr: number, bitDepth = 8): YuvPicture => {
    const plane = (value: number) => ({
      samples: bitDepth > 8 ? Uint16Array.of(value) : Uint8Array.of(value),
      stride: 1,
    });
    const [width, height] = [1, 1];
    const planes = { y: plane(y), cb: plane(cb), cr: plane(cr), chromaStep: 1 };
    return { width, height, bitDepth, subsampledX: false, subsampledY: false, ...planes };
  };

  test.each([
    ['BT.601 limited, red', one(81, 90, 240), { matrix: 'bt601', fullRange: false }, [254, 0, 0]],
    ['BT.601 full, red', one(76, 85, 255), { matrix: 'bt601', fullRange: true }, [254, 0, 0]],
    ['BT.709 limited, red', one(63, 102, 240), { matrix: 'bt709', fullRange: false }, [255, 1, 0]],
    ['BT.709 full, blue', one(18, 255, 117), { matrix: 'bt709', fullRange: true }, [1, 0, 254]],
    [
      'BT.2020 limited, 10 bits, white',
      one(940, 512, 512, 10),
      { matrix: 'bt2020', fullRange: false },
      [255, 255, 255],
    ],
    ['BT.709 limited, 10 bits, black', one(64, 512, 512, 10), { matrix: 'bt709', fullRange: false }, [0, 0, 0]],
    ['green, blue, red', one(10, 20, 30), { matrix: 'rgb', fullRange: true }, [30, 10, 20]],
  ] as const)('%s', (_, planes, colour, expected) => {
    expect([...yuvToRgba(planes, colour)]).toEqual([...expected, 255]);
  });

  test('interleaved chroma is the same picture', () => {
    const chroma = Uint8Array.of(100, 150, 110, 160, 120, 170, 130, 180);
    const luma = { samples: new Uint8Array(16).fill(120), stride: 4 };
    const shape = { width: 4, height: 4, bitDepth: 8, subsampledX: true, subsampledY: true, y: luma };
    const nv12 = {
      ...shape,
      cb: { samples: chroma, stride: 4 },
      cr: { samples: chroma.subarray(1), stride: 4 },
      chromaStep: 2,
    };
    const even = chroma.filter((_, i) => i % 2 === 0);
    const odd = chroma.filter((_, i) => i % 2 === 1);
    const i420 = { ...shape, cb: { samples: even, stride: 2 }, cr: { samples: odd, stride: 2 }, chromaStep: 1 };
    const colour = { matrix: 'bt709', fullRange: false } as const;
    expect(yuvToRgba(nv12, colour)).toEqual(yuvToRgba(i420, colour));
  });
});
