/** The sizes and frame rates that people aim at, as places on the pad for a given clip. */

import type { ClipInfo, Rational } from '../../workers/media/clip-info.ts';
import { SETTING_RANGES } from './setting-ranges.ts';

export interface ScaleTarget {
  readonly name: string;
  readonly scale: number;
}

export interface RateRow {
  readonly factor: number;
  readonly framesPerSecond: number;
  /** One of the rates that people aim at. */
  readonly common: boolean;
}

const BOXES = [
  { name: '720p', long: 1280, short: 720 },
  { name: '1080p', long: 1920, short: 1080 },
  { name: '1440p', long: 2560, short: 1440 },
  { name: '4K', long: 3840, short: 2160 },
] as const;
const COMMON_RATES = [24, 30, 60];
/** 29.97 is what people call 30. */
const RATE_TOLERANCE = 0.002;

/** Scales at which the clip just fits into each common size; those out of reach are left out. */
export function scaleTargets({ width, height }: Pick<ClipInfo, 'width' | 'height'>): readonly ScaleTarget[] {
  const { min, max } = SETTING_RANGES.scale;
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  return BOXES.map((box) => {
    const scale = Math.min(box.long / long, box.short / short);
    return { name: box.name, scale: Math.round(scale * 1e4) / 1e4 };
  }).filter(({ scale }) => scale >= min && scale <= max);
}

/** Every frame rate factor with what comes of it. */
export function rateRows({ numerator, denominator }: Rational): readonly RateRow[] {
  const { min, max } = SETTING_RANGES.frameRateFactor;
  return Array.from({ length: max - min + 1 }, (_, index) => {
    const factor = min + index;
    const framesPerSecond = (factor * numerator) / denominator;
    const common = COMMON_RATES.some((rate) => Math.abs(framesPerSecond / rate - 1) <= RATE_TOLERANCE);
    return { factor, framesPerSecond, common };
  });
}

/** Place of a scale along the pad, 0–1: each doubling takes a third. */
export function scaleToPlace(scale: number): number {
  const { min, max } = SETTING_RANGES.scale;
  return Math.log2(scale / min) / Math.log2(max / min);
}

/**
 * The scale at a place along the pad, in steps of a twentieth; a target nearer than `reach` draws it.
 * @param reach a part of the pad's width.
 */
export function placeToScale(place: number, targets: readonly ScaleTarget[], reach: number): number {
  const { min, max } = SETTING_RANGES.scale;
  const clamped = Math.min(1, Math.max(0, place));
  const near = targets.find(({ scale }) => Math.abs(scaleToPlace(scale) - clamped) <= reach);
  if (near) return near.scale;
  const scale = min * (max / min) ** clamped;
  return Math.min(max, Math.max(min, Math.round(scale * 20) / 20));
}

/** Place of a factor up the pad, 0–1, at the middle of its row. */
export function factorToPlace(factor: number): number {
  const { min, max } = SETTING_RANGES.frameRateFactor;
  return (factor - min + 0.5) / (max - min + 1);
}

export function placeToFactor(place: number): number {
  const { min, max } = SETTING_RANGES.frameRateFactor;
  return Math.min(max, Math.max(min, min + Math.floor(place * (max - min + 1))));
}
