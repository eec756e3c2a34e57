import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cutAudio } from './audio-range.ts';
import type { Rational } from './clip-info.ts';
import { openContainer } from './container.ts';
import type { AudioPacket, AudioTrack, DemuxedClip } from './demuxed.ts';
import { type EncodedVideoPacket, OUTPUT_COLOUR_SPACE, type OutputDecoderConfig } from './group-encoder.ts';
import { scanTopLevel } from './mp4/box-scan.ts';
import { handleTarget, muxMp4, muxMp4ToBlob, videoTimescale } from './mux.ts';
import { MemoryPacketSink } from './packet-sink.ts';

function clip(name: string): File {
  return new File([readFileSync(new URL(`../../e2e/fixtures/clips/${name}`, import.meta.url))], name);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A clip's own H.264 packets as if they came from our encoder: real bytes, B-frames and all. */
async function encodedVideo(demuxed: DemuxedClip) {
  const { video, info } = demuxed;
  const data = await collect(video.packets(0));
  const packets: EncodedVideoPacket[] = new Array(data.length);
  video.frameSamples.forEach((sample, frame) => {
    const timestampUs = info.timestampsUs[frame]!;
    const durationUs = (info.timestampsUs[frame + 1] ?? timestampUs + info.lastFrameDurationUs) - timestampUs;
    packets[sample] = { data: data[sample]!, timestampUs, durationUs, type: video.sync[sample] ? 'key' : 'delta' };
  });
  const decoderConfig: OutputDecoderConfig = {
    codec: info.videoCodec,
    codedWidth: info.codedWidth,
    codedHeight: info.codedHeight,
    description: video.decoderConfig.description as Uint8Array<ArrayBuffer>,
    colorSpace: OUTPUT_COLOUR_SPACE,
  };
  return { packets, decoderConfig };
}

async function remux(name: string, frameRate: Rational | null) {
  const source = await openContainer(clip(name));
  const { packets, decoderConfig } = await encodedVideo(source);
  const sink = new MemoryPacketSink();
  await sink.append({ packets, decoderConfig });
  const blob = await muxMp4ToBlob({
    video: { decoderConfig, packetCount: sink.packetCount, packets: () => sink.packets() },
    frameRate,
    audioTracks: source.audioTracks,
  });
  return { source, blob, output: await openContainer(new File([blob], 'out.mp4')) };
}

async function expectSameAudio(a: AudioTrack, b: AudioTrack, sampleRateHz: number): Promise<void> {
  const [source, output] = [await collect(a.packets()), await collect(b.packets())];
  expect(output.map((packet: AudioPacket) => packet.data)).toEqual(source.map((packet) => packet.data));
  const halfSampleUs = 0.5e6 / sampleRateHz;
  output.forEach((packet, i) => {
    // The start is rounded to the movie's timescale of 57 600.
    expect(Math.abs(packet.timestampUs - source[i]!.timestampUs)).toBeLessThanOrEqual(halfSampleUs + 1e6 / 57600);
    expect(Math.abs(packet.durationUs - source[i]!.durationUs)).toBeLessThanOrEqual(2 * halfSampleUs);
  });
}

describe('what goes in comes out', () => {
  test.each([
    ['real_160x90.mp4', { numerator: 15, denominator: 1 }],
    ['self__moov_at_end_opus.mp4', { numerator: 25, denominator: 1 }],
    ['self__ntsc_bframes_frag.mp4', { numerator: 30000, denominator: 1001 }],
    ['self__vfr.mp4', null],
    ['self__1frame.mp4', { numerator: 24, denominator: 1 }],
    ['two_tracks.mp4', { numerator: 15, denominator: 1 }],
  ] as const)('%s: pictures, times, sound', async (name, frameRate) => {
    const { source, output } = await remux(name, frameRate);
    const { info } = output;
    expect(info.frameCount).toBe(source.info.frameCount);
    expect(info.frameRate).toEqual(source.info.frameRate);
    expect(info.width).toBe(source.info.width);
    expect(Math.abs(info.durationUs - source.info.durationUs)).toBeLessThanOrEqual(100);
    expect(Math.abs(info.lastFrameDurationUs - source.info.lastFrameDurationUs)).toBeLessThanOrEqual(100);
    info.timestampsUs.forEach((time, i) => {
      expect(Math.abs(time - source.info.timestampsUs[i]!)).toBeLessThanOrEqual(70);
    });
    expect(info.colourSpace).toEqual(OUTPUT_COLOUR_SPACE);
    expect(await collect(output.video.packets(0))).toEqual(await collect(source.video.packets(0)));
    expect(output.audioTracks).toHaveLength(source.audioTracks.length);
    for (const [i, track] of source.audioTracks.entries()) {
      await expectSameAudio(track, output.audioTracks[i]!, source.info.audioTracks[i]!.sampleRateHz);
      expect(output.audioTracks[i]!.decoderConfig.description).toEqual(track.decoderConfig.description);
      expect(output.audioTracks[i]!.languageCode).toBe(track.languageCode);
    }
  });

  test('ALAC and AMR keep their sample entries, beside sound that the muxer knows', async () => {
    const film = await openContainer(clip('real_160x90.mp4'));
    const { packets, decoderConfig } = await encodedVideo(film);
    const sources = [await openContainer(clip('alac.mov')), film, await openContainer(clip('amr.3gp'))];
    const audioTracks = sources.flatMap((source) => source.audioTracks);
    const input = {
      video: {
        decoderConfig,
        packetCount: packets.length,
        async *packets() {
          yield* packets;
        },
      },
      frameRate: { numerator: 15, denominator: 1 },
      audioTracks,
    };
    const output = await openContainer(new File([await muxMp4ToBlob(input)], 'out.mp4'));
    expect(output.info.audioTracks).toMatchObject([
      { codec: 'alac', channels: 2, sampleRateHz: 48000, copyable: true },
      { codec: 'aac' },
      { codec: 'amr', channels: 1, sampleRateHz: 8000, copyable: true },
    ]);
    for (const [i, track] of audioTracks.entries()) {
      await expectSameAudio(track, output.audioTracks[i]!, output.info.audioTracks[i]!.sampleRateHz);
      expect(output.audioTracks[i]!.entry).toEqual(track.entry);
      expect(output.audioTracks[i]!.decoderConfig).toEqual(track.decoderConfig);
    }
  });

  test('the index comes first', async () => {
    const { blob } = await remux('real_160x90.mp4', { numerator: 15, denominator: 1 });
    const order = (await scanTopLevel(blob)).map((box) => box.type);
    expect(order.indexOf('moov')).toBeLessThan(order.indexOf('mdat'));
  });

  test('the same bytes through a file handle', async () => {
    const source = await openContainer(clip('real_160x90.mp4'));
    const { packets, decoderConfig } = await encodedVideo(source);
    const sink = new MemoryPacketSink();
    await sink.append({ packets, decoderConfig });
    let file = Buffer.alloc(0);
    const handle = {
      write(data: AllowSharedBufferSource, { at = 0 }: { at?: number } = {}) {
        const bytes = data as Uint8Array;
        if (file.length < at + bytes.length)
          file = Buffer.concat([file, Buffer.alloc(at + bytes.length - file.length)]);
        file.set(bytes, at);
        return bytes.length;
      },
    };
    const video = { decoderConfig, packetCount: sink.packetCount, packets: () => sink.packets() };
    const frameRate = { numerator: 15, denominator: 1 };
    expect(await muxMp4({ video, frameRate, audioTracks: source.audioTracks }, handleTarget(handle))).toBe(1);
    const output = await openContainer(new Blob([file]));
    expect(output.info).toMatchObject({ frameCount: 16, audioTracks: [{ codec: 'aac' }] });
  });

  test('a handle that has no room, and says so by a number as Chromium does', async () => {
    const { packets, decoderConfig } = await encodedVideo(await openContainer(clip('real_160x90.mp4')));
    const sink = new MemoryPacketSink();
    await sink.append({ packets, decoderConfig });
    let writes = 0;
    const handle = {
      write: (data: AllowSharedBufferSource) => {
        writes += 1;
        return writes > 0 ? 2 ** 32 - 8 : data.byteLength;
      },
    };
    const video = { decoderConfig, packetCount: sink.packetCount, packets: () => sink.packets() };
    const muxing = muxMp4({ video, frameRate: null, audioTracks: [] }, handleTarget(handle));
    await expect(muxing).rejects.toMatchObject({ name: 'QuotaExceededError' });
  });

  test('cancelled while writing', async () => {
    const source = await openContainer(clip('real_160x90.mp4'));
    const { packets, decoderConfig } = await encodedVideo(source);
    const controller = new AbortController();
    const video = {
      decoderConfig,
      packetCount: packets.length,
      async *packets() {
        for (const packet of packets) {
          yield packet;
          controller.abort();
        }
      },
    };
    const input = { video, frameRate: null, audioTracks: [], signal: controller.signal };
    await expect(muxMp4ToBlob(input)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('sound of a part', () => {
  test('packets that are heard, counted from its start, and a warm-up before it', async () => {
    const { audioTracks } = await openContainer(clip('real_160x90.mp4'));
    const whole = await collect(audioTracks[0]!.packets());
    const part = await collect(cutAudio(audioTracks[0]!, 500_000, 800_000).packets());
    expect(part.at(-1)!.timestampUs + part.at(-1)!.durationUs).toBeCloseTo(300_000, 3);
    expect(part[0]!.timestampUs).toBeLessThan(-170_000);
    const offset = whole.findIndex(
      (packet) => packet.data === part[0]!.data || Buffer.compare(packet.data, part[0]!.data) === 0,
    );
    part.forEach((packet, i) => {
      expect(packet.data).toEqual(whole[offset + i]!.data);
      expect(packet.timestampUs).toBeCloseTo(whole[offset + i]!.timestampUs - 500_000, 3);
    });
  });
});

test('the timescale holds whole frames', () => {
  expect(videoTimescale({ numerator: 30000, denominator: 1001 })).toBe(30000);
  expect(videoTimescale({ numerator: 24, denominator: 1 }) % 24).toBe(0);
  expect(videoTimescale({ numerator: 24, denominator: 1 })).toBeGreaterThanOrEqual(10_000);
  expect(videoTimescale(null)).toBe(90_000);
});
