/** Figures as people read them. Decimal units: 1 MB is a million bytes. */

import type { Rational } from '../../workers/media/clip-info.ts';
import { LOCALE, words } from './words.ts';

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const hundredth = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const thousandth = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 3, useGrouping: false });
const percent = new Intl.NumberFormat(LOCALE, { style: 'percent', maximumFractionDigits: 0 });

/** Frames a second: 12, 4.2, 0.35. */
export const formatRate = (rate: number): string => (rate < 1 ? hundredth : rate < 10 ? tenth : whole).format(rate);

export const formatCount = (count: number): string => whole.format(count);

/** Rounded down, so that 100% is said only when it is done. */
export const formatPercent = (fraction: number): string => percent.format(Math.floor(fraction * 100 + 1e-9) / 100);

/** A small measure, to a tenth. */
export const formatDifference = (value: number): string => tenth.format(value);

export const formatSize = (width: number, height: number): string => `${width} × ${height}`;

export const formatFactor = (factor: number): string => `${thousandth.format(factor)}${words.settings.times}`;

/** 24, 29.97 or 23.976; no unit. */
export function formatFrameRate({ numerator, denominator }: Rational): string {
  return thousandth.format(numerator / denominator);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${whole.format(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? tenth.format(value) : whole.format(value)} ${units[unit]}`;
}

/** How long a clip lasts, from microseconds: "0.7 s", "12.4 s", "1 min 05 s". */
export function formatLength(durationUs: number): string {
  const seconds = durationUs / 1e6;
  return seconds < 59.95 ? `${tenth.format(seconds)} ${words.time.seconds}` : formatSeconds(seconds);
}

/** A place in a clip, from seconds: "0:07.25". */
export function formatPosition(seconds: number): string {
  const hundredths = Math.max(0, Math.round(seconds * 100));
  const minutes = Math.floor(hundredths / 6000);
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, '0');
  return `${minutes}:${rest}`;
}

/** A measured time: "45 s", "3 min 20 s", "1 h 05 min". */
export function formatSeconds(seconds: number): string {
  const { hours: h, minutes: min, seconds: s } = words.time;
  const rounded = Math.round(seconds);
  if (rounded < 60) return seconds < 9.95 ? `${tenth.format(seconds)} ${s}` : `${rounded} ${s}`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (rounded < 3600) return `${Math.floor(rounded / 60)} ${min} ${two(rounded % 60)} ${s}`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} ${h} ${two(minutes % 60)} ${min}`;
}

/** An estimate, no finer than it can be known: "about 20 s", "about 3 min", "about 2 h 30 min". */
export function formatEstimate(seconds: number): string {
  const { hours: h, minutes: min, seconds: s, about, underASecond } = words.time;
  if (seconds < 1) return underASecond;
  if (seconds < 10) return about(`${Math.ceil(seconds)} ${s}`);
  if (seconds < 57.5) return about(`${Math.round(seconds / 5) * 5} ${s}`);
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (seconds < 150) return about(`${(Math.round(seconds / 30) / 2).toLocaleString(LOCALE)} ${min}`);
  if (minutes < 60) return about(`${minutes} ${min}`);
  const tens = Math.round(minutes / 10) * 10;
  const rest = tens % 60;
  return about(`${Math.floor(tens / 60)} ${h}${rest === 0 ? '' : ` ${rest} ${min}`}`);
}

const CODEC_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(avc[1-4]|h264)/i, 'H.264'],
  [/^(hvc1|hev1|hevc|h265)/i, 'HEVC'],
  [/^av01|^av1/i, 'AV1'],
  [/^vp0?9/i, 'VP9'],
  [/^vp0?8/i, 'VP8'],
  [/^mp4a|^aac/i, 'AAC'],
  [/^opus/i, 'Opus'],
  [/^mp3/i, 'MP3'],
  [/^flac/i, 'FLAC'],
  [/^vorbis/i, 'Vorbis'],
];

/** The name people know for a codec string such as `avc1.64001f`. */
export function codecName(codec: string): string {
  if (/^mp4a\.(69|6b)/i.test(codec)) return 'MP3';
  return CODEC_NAMES.find(([pattern]) => pattern.test(codec))?.[1] ?? codec;
}

/** A file's name without its last extension. */
export function fileStem(fileName: string): string {
  const dot = fileName.lastIndexOf('.');
  return dot > 0 ? fileName.slice(0, dot) : fileName;
}

/** A time of day, with its date where that is not today. */
export function formatMoment(ms: number, nowMs = Date.now()): string {
  const today = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return new Intl.DateTimeFormat(LOCALE, {
    ...(today ? {} : { dateStyle: 'medium' as const }),
    timeStyle: 'short',
  }).format(ms);
}

/** Names one after the other, the last with the language's own word before it. */
export function formatList(names: readonly string[]): string {
  return new Intl.ListFormat(LOCALE).format(names);
}
