import { afterEach, describe, expect, test, vi } from 'vitest';
import { bitrateOf, chooseEncoder, codecStrings, h264Level } from './encoder-choice.ts';

const request = { width: 1280, height: 720, frameRate: 30, codec: 'auto', quality: 'high' } as const;

/** A browser that has these codecs and no others. */
function browserWith(...prefixes: string[]) {
  vi.stubGlobal('VideoEncoder', {
    isConfigSupported: async (config: VideoEncoderConfig) => ({
      supported: prefixes.some((prefix) => config.codec.startsWith(prefix)),
      config,
    }),
  });
}

afterEach(() => vi.unstubAllGlobals());

describe('the choice', () => {
  test('H.264 first, without a word', async () => {
    browserWith('avc1', 'av01', 'vp09');
    const choice = await chooseEncoder(request);
    expect(choice).toMatchObject({ family: 'h264', codecString: 'avc1.64001F' });
    expect(choice.notice).toBeUndefined();
    expect(choice.config).toMatchObject({ width: 1280, height: 720, framerate: 30, avc: { format: 'avc' } });
  });

  test.each([
    [['hvc1', 'av01', 'vp09'], 'hevc'],
    [['av01', 'vp09'], 'av1'],
    [['vp09'], 'vp9'],
  ])('with only %j: %s, said beforehand', async (prefixes, family) => {
    browserWith(...prefixes);
    const choice = await chooseEncoder(request);
    expect(choice.family).toBe(family);
    expect(choice.notice).toContain('not every player');
  });

  test('a lesser H.264 profile before another codec', async () => {
    browserWith('avc1.42', 'av01');
    expect(await chooseEncoder(request)).toMatchObject({ family: 'h264', codecString: 'avc1.42E01F' });
  });

  test('the codec asked for, without a word; another with one', async () => {
    browserWith('avc1', 'vp09');
    expect(await chooseEncoder({ ...request, codec: 'vp9' })).not.toHaveProperty('notice');
    const fallback = await chooseEncoder({ ...request, codec: 'hevc' });
    expect(fallback.family).toBe('h264');
    expect(fallback.notice).toContain("can't encode HEVC");
  });

  test('nothing at all, no WebCodecs, odd sizes', async () => {
    browserWith();
    await expect(chooseEncoder(request)).rejects.toMatchObject({ code: 'NO_ENCODER' });
    await expect(chooseEncoder({ ...request, width: 1281 })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    vi.unstubAllGlobals();
    await expect(chooseEncoder(request)).rejects.toMatchObject({ code: 'NO_WEBCODECS' });
  });
});

describe('levels', () => {
  // ITU-T H.264 table A-1.
  test.each([
    [176, 144, 15, 10],
    [320, 240, 24, 13],
    [640, 480, 30, 30],
    [1280, 720, 30, 31],
    [1280, 720, 60, 32],
    [1920, 1080, 30, 40],
    [1920, 1080, 60, 42],
    [3840, 2160, 30, 51],
    [3840, 2160, 60, 52],
    [7680, 4320, 30, 60],
  ])('H.264 %i×%i at %i', (width, height, frameRate, level) => {
    expect(h264Level(width, height, frameRate)).toBe(level);
  });

  test('of the others', () => {
    expect(codecStrings('hevc', 1920, 1080, 30)).toEqual(['hvc1.1.6.L120.B0']);
    expect(codecStrings('av1', 1920, 1080, 30)).toEqual(['av01.0.08M.08']);
    expect(codecStrings('vp9', 1920, 1080, 30)).toEqual(['vp09.00.40.08']);
  });
});

test('the bitrate grows with size, rate and quality, less than in proportion', () => {
  const base = bitrateOf('h264', 640, 360, 30, 'balanced');
  expect(bitrateOf('h264', 1280, 720, 30, 'balanced') / base).toBeCloseTo(4 ** 0.85);
  expect(bitrateOf('h264', 640, 360, 60, 'balanced') / base).toBeCloseTo(2 ** 0.7);
  expect(bitrateOf('h264', 640, 360, 30, 'high')).toBeGreaterThan(base);
  expect(bitrateOf('av1', 640, 360, 30, 'balanced')).toBeLessThan(base);
});
