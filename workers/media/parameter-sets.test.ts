import { expect, test } from 'vitest';
import { type EncodedGroup, OUTPUT_COLOUR_SPACE } from './group-encoder.ts';
import { fitToTrack } from './parameter-sets.ts';

function avcGroup(sps: readonly number[], pps: readonly number[]): EncodedGroup {
  const description = Uint8Array.of(1, 100, 0, 31, 255, 0xe1, 0, sps.length, ...sps, 1, 0, pps.length, ...pps);
  return {
    packets: [
      { data: Uint8Array.of(0, 0, 0, 1, 0x65), timestampUs: 0, durationUs: 1, type: 'key' },
      { data: Uint8Array.of(0, 0, 0, 1, 0x41), timestampUs: 1, durationUs: 1, type: 'delta' },
    ],
    decoderConfig: {
      codec: 'avc1.64001F',
      codedWidth: 64,
      codedHeight: 64,
      description,
      colorSpace: OUTPUT_COLOUR_SPACE,
    },
  };
}

test('groups with one configuration stay as they are', () => {
  const group = avcGroup([0x67, 1], [0x68, 2]);
  expect(fitToTrack(group, avcGroup([0x67, 1], [0x68, 2]).decoderConfig)).toBe(group);
});

test('another configuration goes in front of the key frame, each unit with its length', () => {
  const track = avcGroup([0x67, 9, 9], [0x68, 9]).decoderConfig;
  const fitted = fitToTrack(avcGroup([0x67, 1], [0x68, 2, 3]), track);
  expect(fitted.decoderConfig).toBe(track);
  expect([...fitted.packets[0]!.data]).toEqual([
    ...[0, 0, 0, 2, 0x67, 1],
    ...[0, 0, 0, 3, 0x68, 2, 3],
    ...[0, 0, 0, 1, 0x65],
  ]);
  expect([...fitted.packets[1]!.data]).toEqual([0, 0, 0, 1, 0x41]);
});

test('another codec fits no track', () => {
  const group = avcGroup([0x67], [0x68]);
  const { description: _, ...withoutDescription } = group.decoderConfig;
  const track = { ...withoutDescription, codec: 'vp09.00.31.08' };
  expect(() => fitToTrack(group, track)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
});
