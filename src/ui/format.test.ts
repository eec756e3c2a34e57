import { describe, expect, it, test } from 'vitest';
import {
  codecName,
  fileStem,
  formatBytes,
  formatEstimate,
  formatFactor,
  formatFrameRate,
  formatLength,
  formatList,
  formatPercent,
  formatPosition,
  formatSeconds,
} from './format.ts';

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [64_000_000, '64 MB'],
    [999_600_000, '1 GB'],
    [2_340_000_000, '2.3 GB'],
  ])('formatBytes(%d) is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [24, 1, '24'],
    [30_000, 1001, '29.97'],
    [24_000, 1001, '23.976'],
  ])('formatFrameRate(%d/%d) is %s', (numerator, denominator, text) =>
    expect(formatFrameRate({ numerator, denominator })).toBe(text),
  );

  it.each([
    [700_000, '0.7 s'],
    [12_400_000, '12.4 s'],
    [59_990_000, '1 min 00 s'],
    [65_000_000, '1 min 05 s'],
  ])('formatLength(%d) is %s', (durationUs, text) => expect(formatLength(durationUs)).toBe(text));

  it.each([
    [7.25, '0:07.25'],
    [59.999, '1:00.00'],
    [125, '2:05.00'],
  ])('formatPosition(%d) is %s', (seconds, text) => expect(formatPosition(seconds)).toBe(text));

  it.each([
    [4.24, '4.2 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [3599.6, '1 h 00 min'],
    [3900, '1 h 05 min'],
  ])('formatSeconds(%d) is %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [0.3, 'under a second'],
    [4.2, 'about 5 s'],
    [22, 'about 20 s'],
    [57, 'about 55 s'],
    [58, 'about 1 min'],
    [92, 'about 1.5 min'],
    [200, 'about 3 min'],
    [3600, 'about 1 h'],
    [9000, 'about 2 h 30 min'],
  ])('formatEstimate(%d) is %s', (seconds, text) => expect(formatEstimate(seconds)).toBe(text));

  it('never says 100% before the end', () => {
    expect(formatPercent(0.999)).toBe('99%');
    expect(formatPercent(0.29)).toBe('29%');
    expect(formatPercent(1)).toBe('100%');
  });

  it('shows a factor as it was typed', () => {
    expect(formatFactor(2)).toBe('2×');
    expect(formatFactor(3.456)).toBe('3.456×');
  });
});

it.each([
  ['avc1.64001f', 'H.264'],
  ['hev1.1.6.L93.B0', 'HEVC'],
  ['av01.0.04M.08', 'AV1'],
  ['vp09.00.10.08', 'VP9'],
  ['mp4a.40.2', 'AAC'],
  ['mp4a.6B', 'MP3'],
  ['prores', 'prores'],
])('codecName(%s) is %s', (codec, name) => expect(codecName(codec)).toBe(name));

it.each([
  ['clip.mp4', 'clip'],
  ['my.holiday.mov', 'my.holiday'],
  ['noextension', 'noextension'],
  ['.hidden', '.hidden'],
])('fileStem(%s) is %s', (fileName, stem) => expect(fileStem(fileName)).toBe(stem));

test('formatList', () => {
  expect(formatList(['a.mp4'])).toBe('a.mp4');
  expect(formatList(['a.mp4', 'b.mp4', 'c.mp4'])).toBe('a.mp4, b.mp4, and c.mp4');
});
