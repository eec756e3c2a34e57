/** The media room in a real browser: what it decodes is the right picture, and what it writes is read back the same. */

import { expect } from '@playwright/test';
import type { Command, EncodeReport, FrameReport } from './harness.worker.ts';
import { type Run, withMedia } from './with-media.ts';

const url = (name: string) => `/e2e/fixtures/clips/${name}`;

async function framesOf(media: Run, name: string, from: number, to: number, at: [number, number][] = []) {
  const result = await media({ kind: 'frames', url: url(name), startFrame: from, endFrame: to, at });
  if (result.kind !== 'frames') throw new Error(JSON.stringify(result));
  return result.frames;
}

async function encoded(media: Run, command: Omit<Extract<Command, { kind: 'encode' }>, 'kind'>): Promise<EncodeReport> {
  const result = await media({ kind: 'encode', ...command });
  if (result.kind !== 'encoded') throw new Error(JSON.stringify(result));
  return result.report;
}

function expectNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `${actual} is not ${expected}`).toBeLessThanOrEqual(tolerance);
  });
}

const BARS: readonly (readonly [number, number, number])[] = [
  [255, 255, 255],
  [255, 255, 0],
  [0, 255, 255],
  [0, 255, 0],
  [255, 0, 255],
  [255, 0, 0],
  [0, 0, 255],
  [0, 0, 0],
  [128, 128, 128],
  [200, 80, 40],
  [40, 120, 200],
  [64, 192, 96],
];

withMedia.describe('decoding', () => {
  for (const name of ['bars_bt709_tv', 'bars_bt709_pc', 'bars_bt601_tv', 'bars_bt601_pc', 'bars_unmarked']) {
    withMedia(`${name}: every colour right`, async ({ media }) => {
      const at = BARS.map((_, i): [number, number] => [i * 16 + 8, 32]);
      const [frame] = await framesOf(media, `${name}.mp4`, 0, 1, at);
      for (const [i, colour] of BARS.entries()) expectNear(frame!.pixels[i]!, [...colour, 255], 2);
    });
  }

  for (const name of ['bars_bt2020_sdr', 'bars_p3_sdr']) {
    withMedia(`${name}: a wide gamut’s colours as BT.709’s`, async ({ media }) => {
      const at = BARS.map((_, i): [number, number] => [i * 16 + 8, 32]);
      const [frame] = await framesOf(media, `${name}.mp4`, 0, 1, at);
      for (const [i, colour] of BARS.entries()) {
        const pixel = frame!.pixels[i]!;
        // Of a saturated colour's dark channel the last of ten bits is up to twenty levels.
        colour.forEach((value, channel) => {
          expectNear([pixel[channel]!], [value], value === 0 && Math.max(...colour) > 0 ? 20 : 2);
        });
      }
    });
  }

  withMedia('alpha_vp9.webm: its second stream decides what is seen, on black', async ({ media }) => {
    const frames = await framesOf(media, 'alpha_vp9.webm', 2, 6, [
      [12, 24],
      [52, 24],
    ]);
    expect(frames).toHaveLength(4);
    for (const { pixels } of frames) {
      expectNear(pixels[0]!, [253, 0, 0, 255], 3);
      expectNear(pixels[1]!, [63, 0, 0, 255], 3);
    }
  });

  const corners: readonly [name: string, width: number, height: number, expected: string][] = [
    // Top left, top right, bottom left, bottom right, as ffmpeg shows them.
    ['corners_rotate90.mp4', 48, 64, 'green white red blue'],
    ['corners_rotate180.mp4', 64, 48, 'white blue green red'],
    ['corners_rotate270.mp4', 48, 64, 'blue red white green'],
    ['pixels_2to1.mp4', 128, 48, 'red green blue white'],
  ];
  const COLOURS: Readonly<Record<string, readonly number[]>> = {
    red: [255, 0, 0],
    green: [0, 255, 0],
    blue: [0, 0, 255],
    white: [255, 255, 255],
  };
  for (const [name, width, height, expected] of corners) {
    withMedia(`${name}: upright and square`, async ({ media }) => {
      const at: [number, number][] = [
        [8, 8],
        [width - 8, 8],
        [8, height - 8],
        [width - 8, height - 8],
      ];
      const [frame] = await framesOf(media, name, 0, 1, at);
      expect(frame).toMatchObject({ width, height });
      expected.split(' ').forEach((colour, i) => {
        expectNear(frame!.pixels[i]!, COLOURS[colour]!, 3);
      });
    });
  }

  withMedia('frames are those of the ground truth, in order', async ({ media }) => {
    const grid = Array.from({ length: 40 }, (_, i): [number, number] => [8 + 18 * (i % 8), 8 + 18 * Math.floor(i / 8)]);
    const small = await framesOf(media, 'real_160x90.mp4', 0, 16, grid);
    expect(small.map((frame) => frame.index)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(small.every((frame) => !frame.repeated)).toBe(true);
    const fine = grid.flatMap(([x, y]): [number, number][] => [
      [2 * x, 2 * y],
      [2 * x + 1, 2 * y],
      [2 * x, 2 * y + 1],
      [2 * x + 1, 2 * y + 1],
    ]);
    const truth = await framesOf(media, 'real_320x180_truth.mp4', 0, 31, fine);
    const distance = (a: FrameReport, b: FrameReport) => {
      let sum = 0;
      a.pixels.forEach((pixel, i) => {
        for (let c = 0; c < 3; c++) {
          const mean = [0, 1, 2, 3].reduce((total, k) => total + b.pixels[4 * i + k]![c]!, 0) / 4;
          sum += (pixel[c]! - mean) ** 2;
        }
      });
      return Math.sqrt(sum / (a.pixels.length * 3));
    };
    for (const [i, frame] of small.entries()) {
      const distances = truth.map((candidate) => distance(frame, candidate));
      expect(distances.indexOf(Math.min(...distances))).toBe(2 * i);
      expect(distances[2 * i]).toBeLessThan(4);
    }
  });

  for (const name of ['self__ntsc_bframes_frag.mp4', 'self__odd_321x181_vp9.webm', 'self__av1.mp4']) {
    withMedia(`${name}: a part is the same as in the whole`, async ({ media }) => {
      const whole = await framesOf(media, name, 0, 24);
      const part = await framesOf(media, name, 11, 17);
      expect(part).toEqual(whole.slice(11, 17));
      expect(new Set(whole.map((frame) => frame.hash)).size).toBeGreaterThan(12);
    });
  }

  withMedia('a stream that hides how far its pictures are reordered loses none', async ({ media }) => {
    // Chromium's decoder drops the second picture of this one the first time.
    const frames = await framesOf(media, 'media__bt601.mov', 0, 30);
    expect(frames.filter((frame) => frame.repeated)).toEqual([]);
    expect(new Set(frames.map((frame) => frame.hash)).size).toBe(30);
  });

  withMedia('sizes as they are: odd, 4:4:4, tiny, a single frame', async ({ media }) => {
    expect((await framesOf(media, 'self__odd_319x179_h264_444.mp4', 0, 2))[1]).toMatchObject({
      width: 319,
      height: 179,
    });
    expect((await framesOf(media, 'self__odd_321x181_vp9.webm', 0, 2))[1]).toMatchObject({ width: 321, height: 181 });
    expect(await framesOf(media, 'self__2x2.mp4', 0, 12)).toHaveLength(12);
    expect(await framesOf(media, 'self__1frame.mp4', 0, 1)).toHaveLength(1);
  });

  withMedia('stops at once when told to', async ({ media }) => {
    const result = await media({ kind: 'cancel', url: url('self__ntsc_bframes_frag.mp4'), afterFrames: 3 });
    expect(result).toMatchObject({ kind: 'error', code: 'CANCELLED' });
  });
});

withMedia.describe('refusing', () => {
  const refusals: readonly [name: string, code: string][] = [
    ['self__hevc10.mp4', 'UNSUPPORTED_CODEC'],
    ['self__text_as.mp4', 'NOT_A_VIDEO'],
    ['self__zeros.mp4', 'NOT_A_VIDEO'],
    ['encrypted.mp4', 'ENCRYPTED'],
    ['audio_only.mp4', 'NO_VIDEO_TRACK'],
  ];
  for (const [name, code] of refusals) {
    withMedia(`${name}: ${code}`, async ({ media }) => {
      const result = await media({ kind: 'open', url: url(name) });
      expect(result).toMatchObject({ kind: 'error', code });
      if (result.kind === 'error') expect(result.hint).not.toBe('');
    });
  }

  withMedia('a browser without WebCodecs', async ({ media }) => {
    for (const missing of ['VideoEncoder', 'VideoDecoder'] as const) {
      const result = await media({ kind: 'without', url: url('self__1frame.mp4'), missing });
      expect(result).toMatchObject({ kind: 'error', code: 'NO_WEBCODECS' });
    }
  });

  withMedia('a stream of noise fails, it does not hang', async ({ media }) => {
    // The media data: behind the 48 bytes of ftyp and free, before the index.
    const noise = [60, 16_000] as const;
    expect(await media({ kind: 'open', url: url('real_160x90.mp4'), noise })).toMatchObject({
      kind: 'error',
      code: 'DECODE_FAILED',
    });
  });

  withMedia('noise in the middle costs frames or the job, never the time', async ({ media }) => {
    const source = { url: url('self__ntsc_bframes_frag.mp4'), noise: [30_000, 34_000] as const };
    const result = await media({ kind: 'frames', ...source, startFrame: 0, endFrame: 60, at: [] });
    if (result.kind === 'frames') expect(result.frames).toHaveLength(60);
    else expect(result).toMatchObject({ kind: 'error', code: 'DECODE_FAILED' });
  });
});

withMedia.describe('writing', () => {
  withMedia('H.264 in three windows, twice the size, sound copied', async ({ media }) => {
    const report = await encoded(media, {
      url: url('real_160x90.mp4'),
      scale: 2,
      windowFrames: 6,
      codec: 'auto',
      quality: 'high',
    });
    const { source, output } = report;
    expect(report.notice).toBeNull();
    expect(output.videoCodec).toMatch(/^avc1/);
    expect(output).toMatchObject({
      width: 320,
      height: 180,
      frameCount: 16,
      frameRate: source.frameRate,
      variableFrameRate: false,
      timestampsUs: source.timestampsUs,
      lastFrameDurationUs: source.lastFrameDurationUs,
      durationUs: source.durationUs,
      colourSpace: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false },
    });
    expect(report.psnr).toBeGreaterThan(38);
    expect(report.outputAudio).toHaveLength(1);
    expect(report.outputAudio[0]!.packets.map((packet) => packet.hash)).toEqual(
      report.sourceAudio[0]!.packets.map((packet) => packet.hash),
    );
    report.outputAudio[0]!.packets.forEach((packet, i) => {
      expect(Math.abs(packet.timestampUs - report.sourceAudio[0]!.packets[i]!.timestampUs)).toBeLessThan(40);
    });
  });

  for (const codec of ['vp9', 'av1'] as const) {
    withMedia(`${codec}, as asked`, async ({ media }) => {
      const report = await encoded(media, {
        url: url('real_160x90.mp4'),
        scale: 1,
        windowFrames: 8,
        codec,
        quality: 'high',
      });
      expect(report.output.videoCodec).toMatch(codec === 'vp9' ? /^vp09/ : /^av01/);
      expect(report.output).toMatchObject({ frameCount: 16, timestampsUs: report.source.timestampsUs });
      expect(report.psnr).toBeGreaterThan(34);
    });
  }

  withMedia('29.97 frames a second stay 30000/1001, from their true offset', async ({ media }) => {
    const report = await encoded(media, {
      url: url('self__ntsc_bframes_frag.mp4'),
      scale: 1,
      windowFrames: 25,
      codec: 'auto',
      quality: 'balanced',
    });
    const { source, output } = report;
    expect(output.frameRate).toEqual({ numerator: 30000, denominator: 1001 });
    expect(output.frameCount).toBe(60);
    expect(Math.abs(output.timestampsUs[0]! - source.timestampsUs[0]!)).toBeLessThan(20);
    expect(Math.abs(output.durationUs - source.durationUs)).toBeLessThan(20);
    expect(report.outputAudio[0]!.packets).toHaveLength(report.sourceAudio[0]!.packets.length);
  });

  withMedia('varying intervals are kept', async ({ media }) => {
    const report = await encoded(media, {
      url: url('self__vfr.mp4'),
      scale: 1,
      windowFrames: 16,
      codec: 'auto',
      quality: 'balanced',
    });
    expect(report.output.variableFrameRate).toBe(true);
    report.output.timestampsUs.forEach((time, i) => {
      expect(Math.abs(time - report.source.timestampsUs[i]!)).toBeLessThan(20);
    });
  });
});
