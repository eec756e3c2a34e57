import { describe, expect, test } from 'vitest';
import { h264Colour } from './h264-colour.ts';

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
const NOTHING = { primaries: null, transfer: null, matrix: null, fullRange: null };

describe('colours in the sequence parameter set', () => {
  test.each([
    [
      'a clip made from JPEGs: matrix and range, no primaries',
      '01640028ffe1001e67640028acd940780227e5c05b810102d2800000030080000019078c18cb01000668ebe08cb22cfdf8f800',
      { primaries: null, transfer: null, matrix: 5, fullRange: true },
    ],
    [
      "Chromium's encoder: BT.709, limited",
      '01640c14ffe1001367640c14ac191a8141979e6a0202020f08846a01000468ce3c80fdf8f800',
      { primaries: 1, transfer: 1, matrix: 1, fullRange: false },
    ],
    [
      'baseline, BT.709, limited',
      '0142c014ffe100126742c0148c8d40a0cbcf350101010784423501000468ce3c80',
      { primaries: 1, transfer: 1, matrix: 1, fullRange: false },
    ],
  ])('%s', (_, record, expected) => {
    expect(h264Colour(bytes(record))).toEqual(expected);
  });

  test('cut anywhere, it never throws and never invents', () => {
    const whole = bytes('0142c014ffe100126742c0148c8d40a0cbcf350101010784423501000468ce3c80');
    for (let length = 0; length < 20; length++) expect(h264Colour(whole.subarray(0, length))).toEqual(NOTHING);
    expect(h264Colour(new Uint8Array(40).fill(0xe1))).toEqual(NOTHING);
  });
});
