/**
 * What becomes of each kind of clip: decoded whole, with which properties, or refused with which code. One of each kind of file
 * that the wild has brought so far; where the original may not be handed on, or is large, its like made by us.
 */

import { expect } from '@playwright/test';
import { withMedia } from './with-media.ts';

interface Decoded {
  /** Upright, in square pixels. */
  readonly size: string;
  readonly frames: number;
  /** Where pictures are alike: how many differ. All of them when absent. */
  readonly distinct?: number;
  /** As a fraction; `mean` where it varies. */
  readonly frameRate: string;
  readonly durationUs: number;
  readonly firstUs?: number;
  readonly container?: 'mov' | 'webm';
  /** A regular expression. */
  readonly codec: string;
  /** Codec and packets. */
  readonly audio?: readonly (readonly [codec: string, packets: number])[];
  readonly colour?: Readonly<Record<string, unknown>>;
  readonly notices?: readonly string[];
}

interface Refused {
  readonly code: string;
  /** Only so many bytes of the file. */
  readonly bytes?: number;
}

const NTSC = '30000/1001';

const TABLE: Readonly<Record<string, Decoded | Refused>> = {
  'media__bbb_642x642_768kbps_30fps_vp9.webm': {
    size: '642x642',
    frames: 90,
    frameRate: '30/1',
    durationUs: 3_000_000,
    container: 'webm',
    codec: '^vp09',
  },
  'media__bt601.mov': {
    size: '640x428',
    frames: 30,
    frameRate: NTSC,
    durationUs: 1_020_100,
    container: 'mov',
    codec: '^avc1',
    audio: [['aac', 43]],
    colour: { matrix: 'smpte170m', fullRange: false },
  },
  'media__h265_bframes.mp4': { code: 'UNSUPPORTED_CODEC' },
  'media__sample_audio_only.mp4': { code: 'NO_VIDEO_TRACK' },
  'media__sample_av1.mp4': {
    size: '1080x720',
    frames: 30,
    frameRate: NTSC,
    durationUs: 1_001_000,
    codec: '^av01',
    audio: [['aac', 45]],
  },
  'media__sample_fragmented.mp4': {
    size: '1080x720',
    frames: 30,
    frameRate: NTSC,
    durationUs: 1_001_000,
    firstUs: 66_733,
    codec: '^avc1',
    audio: [['aac', 46]],
  },
  'mediabunny__edts.mp4': {
    size: '854x480',
    frames: 225,
    distinct: 4,
    frameRate: '25/1',
    durationUs: 9_000_000,
    codec: '^avc1',
    audio: [['aac', 390]],
  },
  'vfr_57600.mp4': {
    size: '302x138',
    frames: 24,
    frameRate: 'mean',
    durationUs: 2_000_000,
    codec: '^avc1',
  },
  'square_vp9.webm': {
    size: '108x108',
    frames: 100,
    distinct: 99,
    frameRate: '30/1',
    durationUs: 3_333_333,
    container: 'webm',
    codec: '^vp09',
  },
  'rotated_surround.mp4': {
    size: '108x192',
    frames: 45,
    frameRate: '24/1',
    durationUs: 1_875_000,
    codec: '^avc1',
    audio: [['aac', 86]],
  },
  'full_range_601.mp4': {
    size: '320x180',
    frames: 60,
    frameRate: '25/1',
    durationUs: 2_400_000,
    codec: '^avc1',
    audio: [['aac', 31]],
    colour: { matrix: 'bt470bg', fullRange: true },
  },
  'full_range_601.mp4, its first third': { code: 'TRUNCATED', bytes: 10_000 },
  // The index names a chunk that isn't there; samples are where the chunks say.
  'chunk_out_of_range.mp4': {
    size: '176x144',
    frames: 25,
    frameRate: '25/1',
    durationUs: 1_000_000,
    codec: '^avc1',
    audio: [['aac', 45]],
  },
  'encrypted.mp4': { code: 'ENCRYPTED' },
  'self__1frame.mp4': { size: '320x180', frames: 1, frameRate: '24/1', durationUs: 41_667, codec: '^avc1' },
  'self__2x2.mp4': { size: '2x2', frames: 12, distinct: 2, frameRate: '24/1', durationUs: 500_000, codec: '^avc1' },
  'self__av1.mp4': { size: '256x144', frames: 24, frameRate: '24/1', durationUs: 1_000_000, codec: '^av01' },
  'self__1frame.mp4, none of it': { code: 'EMPTY_FILE', bytes: 0 },
  'self__hevc10.mp4': { code: 'UNSUPPORTED_CODEC' },
  'self__moov_at_end_opus.mp4': {
    size: '256x144',
    frames: 50,
    frameRate: '25/1',
    durationUs: 2_000_000,
    codec: '^avc1',
    audio: [['opus', 101]],
  },
  'self__ntsc_bframes_frag.mp4': {
    size: '256x144',
    frames: 60,
    frameRate: NTSC,
    durationUs: 2_002_000,
    firstUs: 66_733,
    codec: '^avc1',
    audio: [['aac', 88]],
  },
  'self__odd_319x179_h264_444.mp4': {
    size: '319x179',
    frames: 36,
    frameRate: '24/1',
    durationUs: 1_500_000,
    codec: '^avc1\\.f4',
  },
  'self__odd_321x181_vp9.webm': {
    size: '321x181',
    frames: 36,
    frameRate: '24/1',
    durationUs: 1_499_667,
    container: 'webm',
    codec: '^vp09\\.01',
    colour: { matrix: 'rgb', fullRange: true },
  },
  'self__text_as.mp4': { code: 'NOT_A_VIDEO' },
  'self__vfr.mp4': {
    size: '256x144',
    frames: 47,
    frameRate: 'mean',
    durationUs: 2_933_333,
    codec: '^avc1',
  },
  'self__zeros.mp4': { code: 'NOT_A_VIDEO' },
  'torchcodec__h264_10bits.mp4': {
    size: '200x200',
    frames: 30,
    frameRate: '30/1',
    durationUs: 1_000_000,
    codec: '^avc1\\.6e',
  },
  'hdr_pq.mp4': {
    size: '160x64',
    frames: 6,
    distinct: 1,
    frameRate: '24/1',
    durationUs: 250_000,
    codec: '^vp09\\.02',
    notices: ['HDR_TONE_MAPPED'],
    colour: { transfer: 'pq' },
  },
  'hdr_hlg.webm': {
    size: '160x64',
    frames: 6,
    distinct: 1,
    frameRate: '24/1',
    durationUs: 249_667,
    container: 'webm',
    codec: '^vp09\\.02',
    colour: { transfer: 'hlg' },
    notices: ['HDR_TONE_MAPPED'],
  },
  'alpha_vp9.webm': {
    size: '64x48',
    frames: 6,
    distinct: 1,
    frameRate: '12/1',
    durationUs: 500_333,
    container: 'webm',
    codec: '^vp09',
    notices: ['ALPHA_COMPOSITED'],
  },
};

// In one page: opening it takes longer than most clips.
withMedia('each clip comes out whole, as it should, or is refused as it should', async ({ media }) => {
  for (const [name, expected] of Object.entries(TABLE)) {
    const result = await media({
      kind: 'whole',
      url: `/e2e/fixtures/clips/${name.split(',')[0]}`,
      ...('bytes' in expected ? { bytes: expected.bytes } : {}),
    });
    if ('code' in expected) {
      expect.soft(result, name).toMatchObject({ kind: 'error', code: expected.code });
      continue;
    }
    if (result.kind !== 'whole') {
      expect.soft(result, name).toMatchObject({ kind: 'whole' });
      continue;
    }
    const { info, audioPackets, ...came } = result.whole;
    const { numerator, denominator } = info.frameRate;
    expect
      .soft(
        {
          ...came,
          size: `${info.width}x${info.height}`,
          frameRate: info.variableFrameRate ? 'mean' : `${numerator}/${denominator}`,
          durationUs: info.durationUs,
          firstUs: info.timestampsUs[0],
          container: info.container,
          audio: info.audioTracks.map(({ codec }, i) => [codec, audioPackets[i]]),
          notices: (info.notices ?? []).map(({ code }) => code),
        },
        name,
      )
      .toEqual({
        frameCount: expected.frames,
        distinctFrames: expected.distinct ?? expected.frames,
        repeatedFrames: 0,
        sizes: [expected.size],
        timely: true,
        size: expected.size,
        frameRate: expected.frameRate,
        durationUs: expected.durationUs,
        firstUs: expected.firstUs ?? 0,
        container: expected.container ?? 'mp4',
        audio: expected.audio ?? [],
        notices: expected.notices ?? [],
      });
    expect.soft(info.videoCodec, name).toMatch(new RegExp(expected.codec));
    expect.soft(info.colourSpace, name).toMatchObject(expected.colour ?? {});
  }
});

for (const name of ['hdr_pq.mp4', 'hdr_hlg.webm']) {
  withMedia(`${name}: 0, 20, 100, 203 and 1000 cd/m² as an ordinary screen shows them`, async ({ media }) => {
    const at = [0, 1, 2, 3, 4].map((i): [number, number] => [i * 32 + 16, 32]);
    const result = await media({ kind: 'frames', url: `/e2e/fixtures/clips/${name}`, startFrame: 0, endFrame: 1, at });
    if (result.kind !== 'frames') throw new Error(JSON.stringify(result));
    const greys = result.frames[0]!.pixels.map(([red, green, blue]) => {
      expect(Math.max(Math.abs(red! - green!), Math.abs(blue! - green!))).toBeLessThanOrEqual(2);
      return green!;
    });
    [0, 97, 190, 231, 255].forEach((level, i) => {
      expect(Math.abs(greys[i]! - level), `${greys}`).toBeLessThanOrEqual(3);
    });
  });
}
