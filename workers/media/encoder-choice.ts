/**
 * Which encoder an output gets: H.264 where it can be had, else HEVC, AV1, VP9.
 *
 * Asks the browser, encodes nothing. Levels follow from size and frame rate (H.264 table A-1, HEVC table A.8, AV1 annex A.3, VP9
 * levels), because a level too low is refused and one too high is refused by small players.
 */

import { EnhancerError } from '../errors.ts';
import type { OutputCodec, Quality } from './output-format.ts';
import { noEncoder, noWebCodecs } from './refusals.ts';

export type CodecFamily = Exclude<OutputCodec, 'auto'>;

export interface EncoderRequest {
  /** Even: 4:2:0 has a colour sample for every 2×2 pixels. The plan rounds output sizes to even. */
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly frameRate: number;
  readonly codec: OutputCodec;
  readonly quality: Quality;
}

export interface EncoderChoice {
  readonly family: CodecFamily;
  readonly codecString: string;
  readonly config: VideoEncoderConfig;
  /** Said to the person before the start, where the output won't play everywhere or isn't what was asked for. */
  readonly notice?: string;
}

const FALLBACK_ORDER: readonly CodecFamily[] = ['h264', 'hevc', 'av1', 'vp9'];
const FAMILY_NAMES: Readonly<Record<CodecFamily, string>> = { h264: 'H.264', hevc: 'HEVC', av1: 'AV1', vp9: 'VP9' };

/**
 * The first encoder that the browser says it has, beginning with the codec asked for.
 *
 * @throws EnhancerError `NO_WEBCODECS`; `SETTINGS_INVALID` for odd sizes; `NO_ENCODER` when there is none for this size.
 */
export async function chooseEncoder(request: EncoderRequest): Promise<EncoderChoice> {
  if (typeof VideoEncoder === 'undefined') throw noWebCodecs();
  const { width, height, codec } = request;
  if (width % 2 !== 0 || height % 2 !== 0 || width < 2 || height < 2) {
    throw new EnhancerError(
      'SETTINGS_INVALID',
      `A video of ${width}×${height} pixels can't be written: both sides must be even.`,
      'Choose a slightly different scale.',
    );
  }
  const order = codec === 'auto' ? FALLBACK_ORDER : [codec, ...FALLBACK_ORDER.filter((family) => family !== codec)];
  for (const family of order) {
    for (const config of candidateConfigs(family, request)) {
      if (await isSupported(config)) {
        const notice = noticeFor(family, codec);
        const choice = { family, codecString: config.codec, config };
        return notice === null ? choice : { ...choice, notice };
      }
    }
  }
  throw noEncoder(width, height);
}

async function isSupported(config: VideoEncoderConfig): Promise<boolean> {
  try {
    return (await VideoEncoder.isConfigSupported(config)).supported === true;
  } catch {
    return false;
  }
}

function noticeFor(family: CodecFamily, asked: OutputCodec): string | null {
  const name = FAMILY_NAMES[family];
  if (asked !== 'auto' && asked !== family) {
    return `This browser can't encode ${FAMILY_NAMES[asked]} at this size; the video will be ${name}.`;
  }
  if (family === 'h264' || asked === family) return null;
  return `This browser can't encode H.264 at this size; the video will be ${name}, which not every player shows.`;
}

/** Configurations to try for a family, best first. */
export function candidateConfigs(family: CodecFamily, request: EncoderRequest): VideoEncoderConfig[] {
  const { width, height, frameRate, quality } = request;
  const base: Omit<VideoEncoderConfig, 'codec'> = {
    width,
    height,
    framerate: frameRate,
    latencyMode: 'quality',
    bitrateMode: 'variable',
    bitrate: bitrateOf(family, width, height, frameRate, quality),
  };
  return codecStrings(family, width, height, frameRate).map((codec) => ({
    ...base,
    codec,
    ...(family === 'h264' ? { avc: { format: 'avc' as const } } : {}),
    ...(family === 'hevc' ? { hevc: { format: 'hevc' as const } } : {}),
  }));
}

/** Bits per pixel and frame of H.264 at 1280×720, 30 frames a second. Measured in docs/media.md. */
const BITS_PER_PIXEL: Readonly<Record<Quality, number>> = { small: 0.12, balanced: 0.3, high: 0.6 };
/** What newer codecs need of H.264's rate for the same picture. */
const EFFICIENCY: Readonly<Record<CodecFamily, number>> = { h264: 1, hevc: 0.75, av1: 0.65, vp9: 0.75 };
const REFERENCE_PIXELS = 1280 * 720;
const REFERENCE_RATE = 30;
const MIN_BITRATE = 200_000;

/** Bits per second. Larger pictures and faster clips repeat themselves more, so that both count less than in proportion. */
export function bitrateOf(
  family: CodecFamily,
  width: number,
  height: number,
  frameRate: number,
  quality: Quality,
): number {
  const pixels = width * height;
  const perSecond =
    BITS_PER_PIXEL[quality] *
    REFERENCE_PIXELS *
    REFERENCE_RATE *
    (pixels / REFERENCE_PIXELS) ** 0.85 *
    (frameRate / REFERENCE_RATE) ** 0.7;
  return Math.max(MIN_BITRATE, Math.round(perSecond * EFFICIENCY[family]));
}

/** Codec strings of a family for a size and rate, best profile first. */
export function codecStrings(family: CodecFamily, width: number, height: number, frameRate: number): string[] {
  switch (family) {
    case 'h264': {
      const level = h264Level(width, height, frameRate).toString(16).padStart(2, '0').toUpperCase();
      return ['6400', '4D00', '42E0'].map((profile) => `avc1.${profile}${level}`);
    }
    case 'hevc':
      return [`hvc1.1.6.L${hevcLevel(width, height, frameRate)}.B0`];
    case 'av1':
      return [`av01.0.${String(av1Level(width, height, frameRate)).padStart(2, '0')}M.08`];
    case 'vp9':
      return [`vp09.00.${vp9Level(width, height, frameRate)}.08`];
  }
}

type LevelTable = readonly (readonly [level: number, maxPicture: number, maxPerSecond: number])[];

/** level_idc, macroblocks a frame, macroblocks a second. */
const H264_LEVELS: LevelTable = [
  [10, 99, 1485],
  [11, 396, 3000],
  [12, 396, 6000],
  [13, 396, 11_880],
  [21, 792, 19_800],
  [22, 1620, 20_250],
  [30, 1620, 40_500],
  [31, 3600, 108_000],
  [32, 5120, 216_000],
  [40, 8192, 245_760],
  [42, 8704, 522_240],
  [50, 22_080, 589_824],
  [51, 36_864, 983_040],
  [52, 36_864, 2_073_600],
  [60, 139_264, 4_177_920],
  [61, 139_264, 8_355_840],
  [62, 139_264, 16_711_680],
];
/** general_level_idc, luma samples a picture, luma samples a second. */
const HEVC_LEVELS: LevelTable = [
  [30, 36_864, 552_960],
  [60, 122_880, 3_686_400],
  [63, 245_760, 7_372_800],
  [90, 552_960, 16_588_800],
  [93, 983_040, 33_177_600],
  [120, 2_228_224, 66_846_720],
  [123, 2_228_224, 133_693_440],
  [150, 8_912_896, 267_386_880],
  [153, 8_912_896, 534_773_760],
  [156, 8_912_896, 1_069_547_520],
  [180, 35_651_584, 1_069_547_520],
  [183, 35_651_584, 2_139_095_040],
  [186, 35_651_584, 4_278_190_080],
];
/** seq_level_idx, luma samples a picture, luma samples a second. */
const AV1_LEVELS: LevelTable = [
  [0, 147_456, 4_423_680],
  [1, 278_784, 8_363_520],
  [4, 665_856, 19_975_680],
  [5, 1_065_024, 31_950_720],
  [8, 2_359_296, 70_778_880],
  [9, 2_359_296, 141_557_760],
  [12, 8_912_896, 267_386_880],
  [13, 8_912_896, 534_773_760],
  [14, 8_912_896, 1_069_547_520],
  [16, 35_651_584, 1_069_547_520],
  [17, 35_651_584, 2_139_095_040],
  [18, 35_651_584, 4_278_190_080],
];
/** Level times ten, luma samples a picture, luma samples a second. */
const VP9_LEVELS: LevelTable = [
  [10, 36_864, 829_440],
  [11, 73_728, 2_764_800],
  [20, 122_880, 4_608_000],
  [21, 245_760, 9_216_000],
  [30, 552_960, 20_736_000],
  [31, 983_040, 36_864_000],
  [40, 2_228_224, 83_558_400],
  [41, 2_228_224, 160_432_128],
  [50, 8_912_896, 311_951_360],
  [51, 8_912_896, 588_251_136],
  [52, 8_912_896, 1_176_502_272],
  [60, 35_651_584, 1_176_502_272],
  [61, 35_651_584, 2_353_004_544],
  [62, 35_651_584, 4_706_009_088],
];

function levelFor(table: LevelTable, picture: number, perSecond: number): number {
  const fits = table.find(([, maxPicture, maxPerSecond]) => picture <= maxPicture && perSecond <= maxPerSecond);
  return (fits ?? table.at(-1)!)[0];
}

export function h264Level(width: number, height: number, frameRate: number): number {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  return levelFor(H264_LEVELS, macroblocks, macroblocks * frameRate);
}

function hevcLevel(width: number, height: number, frameRate: number): number {
  return levelFor(HEVC_LEVELS, width * height, width * height * frameRate);
}

function av1Level(width: number, height: number, frameRate: number): number {
  return levelFor(AV1_LEVELS, width * height, width * height * frameRate);
}

function vp9Level(width: number, height: number, frameRate: number): number {
  return levelFor(VP9_LEVELS, width * height, width * height * frameRate);
}
