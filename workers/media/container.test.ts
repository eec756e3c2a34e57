import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EnhancerError } from '../errors.ts';
import { openContainer, sniffContainer } from './container.ts';
import { pcmFormat } from './mp4/pcm.ts';

function clip(name: string): File {
  return new File([readFileSync(new URL(`../../e2e/fixtures/clips/${name}`, import.meta.url))], name);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function refusal(file: File): Promise<EnhancerError> {
  return openContainer(file).then(
    () => {
      throw new Error(`${file.name} was opened`);
    },
    (error) => error,
  );
}

describe('what is known of a clip', () => {
  test('H.264 with B-frames and AAC: sorted times, edits applied, sound that primes the decoder at a negative time', async () => {
    const { info, video, audioTracks } = await openContainer(clip('real_160x90.mp4'));
    expect(info).toMatchObject({
      name: 'real_160x90.mp4',
      container: 'mp4',
      width: 160,
      height: 90,
      frameCount: 16,
      rotationDegrees: 0,
      frameRate: { numerator: 15, denominator: 1 },
      variableFrameRate: false,
      lastFrameDurationUs: 66667,
      durationUs: 1066667,
    });
    expect(info.videoCodec).toMatch(/^avc1\.64/);
    expect(info.timestampsUs).toEqual(Array.from({ length: 16 }, (_, i) => Math.round((i * 1e6) / 15)));
    expect([...video.frameSamples.slice(0, 4)]).not.toEqual([0, 1, 2, 3]);
    expect(info.audioTracks).toEqual([
      { codec: 'aac', channels: 2, sampleRateHz: 44100, durationUs: expect.any(Number), copyable: true },
    ]);
    const packets = await collect(audioTracks[0]!.packets());
    expect(packets).toHaveLength(47);
    expect(packets[0]!.timestampUs).toBeCloseTo((-1024 / 44100) * 1e6, 3);
    expect(packets[1]!.timestampUs).toBeCloseTo(0, 3);
    // The encoder's padding at the end is not shown: stts says 931 of 1024.
    expect(packets[46]!.durationUs).toBeLessThan((1024 / 44100) * 1e6);
  });

  const cases: readonly [name: string, expected: object][] = [
    ['self__moov_at_end_opus.mp4', { frameCount: 50, frameRate: { numerator: 25, denominator: 1 }, durationUs: 2e6 }],
    [
      'self__ntsc_bframes_frag.mp4',
      { frameCount: 60, frameRate: { numerator: 30000, denominator: 1001 }, durationUs: 2002000 },
    ],
    ['self__vfr.mp4', { frameCount: 47, variableFrameRate: true, durationUs: 2933333 }],
    ['self__1frame.mp4', { frameCount: 1, timestampsUs: [0], durationUs: 41667, variableFrameRate: false }],
    ['self__2x2.mp4', { width: 2, height: 2, frameCount: 12 }],
    ['self__odd_319x179_h264_444.mp4', { width: 319, height: 179, frameCount: 36 }],
    [
      'self__odd_321x181_vp9.webm',
      { container: 'webm', width: 321, height: 181, frameCount: 36, videoCodec: expect.stringMatching(/^vp09/) },
    ],
    ['self__av1.mp4', { videoCodec: 'av01.0.00M.08', frameCount: 24 }],
    ['self__hevc10.mp4', { videoCodec: 'hvc1.2.4.L60.90', frameCount: 24 }],
    ['pixels_2to1.mp4', { width: 128, height: 48, codedWidth: 64, codedHeight: 48 }],
    // ffmpeg's `rotate=90` turns the picture left, which is 270 clockwise.
    ['corners_rotate90.mp4', { rotationDegrees: 270, width: 48, height: 64, codedWidth: 64, codedHeight: 48 }],
    ['corners_rotate180.mp4', { rotationDegrees: 180, width: 64, height: 48 }],
    ['corners_rotate270.mp4', { rotationDegrees: 90, width: 48, height: 64 }],
    [
      'bars_bt601_tv.mp4',
      { colourSpace: { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m', fullRange: false } },
    ],
    ['bars_unmarked.mp4', { colourSpace: {} }],
  ];
  test.each(cases)('%s', async (name, expected) => {
    const demuxed = await openContainer(clip(name));
    expect(demuxed.info).toMatchObject(expected);
    const { timestampsUs, frameCount } = demuxed.info;
    expect(timestampsUs).toHaveLength(frameCount);
    expect(timestampsUs.every((time, i) => i === 0 || time > timestampsUs[i - 1]!)).toBe(true);
    demuxed.close();
  });

  test('a fragmented file starts at its true offset: its sound at zero, its picture two frames later', async () => {
    const { info, audioTracks } = await openContainer(clip('self__ntsc_bframes_frag.mp4'));
    expect(info.timestampsUs[0]).toBe(66733);
    const [first] = await collect(audioTracks[0]!.packets());
    expect(first!.timestampUs).toBe(0);
  });

  test('several tracks of sound, each with its language', async () => {
    const { info, audioTracks } = await openContainer(clip('two_tracks.mp4'));
    expect(info.audioTracks.map((track) => track.codec)).toEqual(['aac', 'mp3']);
    expect(audioTracks.map((track) => track.languageCode)).toEqual(['eng', 'fra']);
  });

  test('Opus keeps its configuration, byte order turned', async () => {
    const { audioTracks } = await openContainer(clip('self__moov_at_end_opus.mp4'));
    const head = new Uint8Array(audioTracks[0]!.decoderConfig.description as Uint8Array);
    expect(new TextDecoder().decode(head.subarray(0, 8))).toBe('OpusHead');
    expect(head[9]).toBe(1);
    // 6.5 ms of pre-skip, which is what the edit list hides.
    expect(new DataView(head.buffer).getUint16(10, true)).toBe(312);
  });
});

describe('reading', () => {
  test('never the whole file: headers, and the samples asked for', async () => {
    const whole = clip('self__moov_at_end_opus.mp4');
    const padding = new Uint8Array(32 * 1024 * 1024);
    // A free box of 32 MiB in front of everything.
    new DataView(padding.buffer).setUint32(0, padding.byteLength);
    padding.set(new TextEncoder().encode('free'), 4);
    const big = new Blob([padding, whole]);
    let bytesRead = 0;
    const counted = new Proxy(big, {
      get(target, key) {
        if (key === 'slice') {
          return (start: number, end: number) => {
            bytesRead += Math.min(end, big.size) - start;
            return target.slice(start, end);
          };
        }
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { info } = await openContainer(counted);
    expect(info.frameCount).toBe(50);
    expect(bytesRead).toBeLessThan(256 * 1024);
  });

  test('packets in decode order from any sample on', async () => {
    const { video } = await openContainer(clip('real_160x90.mp4'));
    const all = await collect(video.packets(0));
    expect(all).toHaveLength(video.sampleCount);
    const rest = await collect(video.packets(10));
    expect(rest[0]).toEqual(all[10]);
    // Length-prefixed H.264: the lengths fill the packet exactly.
    for (const packet of all) expect(nalUnitEnd(packet)).toBe(packet.byteLength);
  });

  test('WebM packets can be had again from a later sample', async () => {
    const { video, close } = await openContainer(clip('self__odd_321x181_vp9.webm'));
    const all = await collect(video.packets(0));
    const rest = await collect(video.packets(7));
    expect(rest).toEqual(all.slice(7));
    close();
  });
});

function nalUnitEnd(packet: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = 0;
  while (at < packet.byteLength) at += 4 + view.getUint32(at);
  return at;
}

describe('refusals', () => {
  test('empty', async () => {
    expect(await refusal(new File([], 'empty.mp4'))).toMatchObject({ code: 'EMPTY_FILE' });
  });

  test.each(['self__text_as.mp4', 'self__zeros.mp4'])('%s is no video, whatever its name', async (name) => {
    expect(await refusal(clip(name))).toMatchObject({ code: 'NOT_A_VIDEO' });
  });

  test('sound only', async () => {
    expect(await refusal(clip('audio_only.mp4'))).toMatchObject({ code: 'NO_VIDEO_TRACK' });
  });

  test('encrypted', async () => {
    expect(await refusal(clip('encrypted.mp4'))).toMatchObject({ code: 'ENCRYPTED' });
  });

  test('a header without frames', async () => {
    // The fragmented clip's ftyp and moov alone.
    const whole = clip('self__ntsc_bframes_frag.mp4');
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const firstMoof = Buffer.from(bytes).indexOf('moof') - 4;
    expect(await refusal(new File([bytes.slice(0, firstMoof)], 'init.mp4'))).toMatchObject({ code: 'NO_FRAMES' });
  });

  test.each([
    ['real_160x90.mp4', 0.5],
    ['real_160x90.mp4', 0.99],
    ['self__moov_at_end_opus.mp4', 0.5],
    ['self__ntsc_bframes_frag.mp4', 0.7],
    ['self__odd_321x181_vp9.webm', 0.5],
  ])('%s cut to %f of its length', async (name, fraction) => {
    const whole = clip(name);
    const cut = new File([whole.slice(0, Math.floor(whole.size * fraction))], name);
    const error = await refusal(cut);
    expect(error.code).toBe('TRUNCATED');
    expect(error.hint).not.toBe('');
  });

  test.each([
    ['RIFF....AVI LIST', 'AVI'],
    ['FLV\u0001', 'Flash'],
    ['OggS', 'Ogg'],
  ])('%s: a container that is named', async (start, word) => {
    const error = await refusal(new File([start.padEnd(500, '.')], 'clip'));
    expect(error).toMatchObject({ code: 'UNSUPPORTED_CONTAINER' });
    expect(error.message).toContain(word);
  });

  test('a picture is named too', () => {
    const heic = new TextEncoder().encode('....ftypheic');
    expect(sniffContainer(heic)).toMatchObject({ kind: 'other' });
  });

  test('cancelled while opening', async () => {
    await expect(openContainer(clip('real_160x90.mp4'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('uncompressed sound', () => {
  test('is read in blocks, every byte of it, in sync', async () => {
    const { info, audioTracks } = await openContainer(clip('pcm.mov'));
    expect(info.audioTracks).toEqual([
      { codec: 'pcm-s16', channels: 1, sampleRateHz: 8000, durationUs: 500_000, copyable: true },
    ]);
    const packets = await collect(audioTracks[0]!.packets());
    expect(packets.length).toBeGreaterThan(3);
    let endUs = 0;
    for (const { data, timestampUs, durationUs } of packets) {
      expect(timestampUs).toBeCloseTo(endUs, 3);
      expect(durationUs).toBeCloseTo((data.byteLength / 2 / 8000) * 1e6, 3);
      endUs = timestampUs + durationUs;
    }
    const bytes = Buffer.concat(packets.map(({ data }) => data));
    // ffmpeg -i pcm.mov -map 0:a -f s16le - | sha256sum
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      'c1110b3bb28beb0784530da83a4d6c2f80bd25d3a651e7435159177f6555037d',
    );
  });

  test('may claim any number of samples: no more than the file has bytes are believed', async () => {
    const bytes = readFileSync(new URL('../../e2e/fixtures/clips/pcm.mov', import.meta.url));
    const at = bytes.lastIndexOf('stsz') - 4;
    expect(bytes.readUInt32BE(at + 12)).toBe(2);
    bytes.writeUInt32BE(0xfffffff0, at + 16);
    const started = performance.now();
    expect((await refusal(new File([bytes], 'endless.mov'))).code).toBe('TRUNCATED');
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('goes by many names', () => {
    const entry = (version: number, channels: number, bits: number, rate: number) => {
      const bytes = new Uint8Array(80);
      const view = new DataView(bytes.buffer);
      view.setUint16(16, version);
      view.setUint16(24, channels);
      view.setUint16(26, bits);
      view.setUint16(32, rate);
      return bytes;
    };
    const little = Uint8Array.of(0, 1);
    const cd = entry(0, 2, 16, 44100);
    expect(pcmFormat('sowt', cd, 0, null, null)).toEqual({
      codec: 'pcm-s16',
      frameBytes: 4,
      channels: 2,
      sampleRateHz: 44100,
    });
    expect(pcmFormat('twos', cd, 0, null, null)?.codec).toBe('pcm-s16be');
    expect(pcmFormat('in24', cd, 0, null, null)).toMatchObject({ codec: 'pcm-s24be', frameBytes: 6 });
    expect(pcmFormat('in24', cd, 0, little, null)?.codec).toBe('pcm-s24');
    expect(pcmFormat('fl32', cd, 0, little, null)).toMatchObject({ codec: 'pcm-f32', frameBytes: 8 });
    expect(pcmFormat('ipcm', cd, 0, null, Uint8Array.of(0, 0, 0, 0, 1, 24))?.codec).toBe('pcm-s24');
    expect(pcmFormat('fpcm', cd, 0, null, Uint8Array.of(0, 0, 0, 0, 0, 64))?.codec).toBe('pcm-f64be');
    // An MP4 can't hold these, but they have to be stepped over.
    expect(pcmFormat('raw ', entry(0, 1, 8, 8000), 0, null, null)).toMatchObject({ codec: null, frameBytes: 1 });
    expect(pcmFormat('ulaw', cd, 0, null, null)).toMatchObject({ codec: null, frameBytes: 2 });
    expect(pcmFormat('mp4a', cd, 0, null, null)).toBeNull();
    expect(pcmFormat('sowt', entry(0, 0, 16, 44100), 0, null, null)).toBeNull();
    const newest = entry(2, 3, 16, 1);
    const view = new DataView(newest.buffer);
    view.setFloat64(40, 96_000);
    view.setUint32(48, 6);
    view.setUint32(56, 32);
    view.setUint32(60, 1);
    expect(pcmFormat('lpcm', newest, 0, null, null)).toEqual({
      codec: 'pcm-f32',
      frameBytes: 24,
      channels: 6,
      sampleRateHz: 96_000,
    });
    view.setUint32(60, 4 + 2);
    expect(pcmFormat('lpcm', newest, 0, null, null)?.codec).toBe('pcm-s32be');
  });
});
