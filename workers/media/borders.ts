/**
 * Black borders (letterbox, pillarbox): the part of the picture that ever shows anything, found over a pass of the clip's frames.
 *
 * Pure; a frame costs the rows and columns that are still thought to be border, and a few more, so next to nothing for a clip without. It
 * errs towards the whole picture: any frame with anything in a border ends that border, what isn't black as video black is
 * isn't border, and thin, lopsided or oversized borders count as picture. Dark pictures have noise or light somewhere.
 */

import type { RgbaPicture } from './rgba.ts';

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Of 255: coding noise around video black. */
const BLACK = 20;
/** Of 255: the mean of a black line. */
const BLACK_MEAN = 8;
/** Thinner than this part of the side is no border worth the trouble. */
const LEAST_PART = 0.02;
/** Two opposite borders take no more than this part of the side. */
const MOST_PART = 0.6;
/** Opposite borders may differ by this part of the side: subtitles below, a badly centred transfer. */
const LOPSIDED_PART = 0.02;
/** Frames that must show a picture for its borders to be believed. */
const LEAST_FRAMES = 3;

export class BorderDetector {
  #size: { readonly width: number; readonly height: number } | null = null;
  /** Lines from each side that were black in every frame that showed anything. */
  #left = 0;
  #right = 0;
  #top = 0;
  #bottom = 0;
  #framesSeen = 0;

  /** Frames of one size, in any order; black frames say nothing. */
  add(picture: RgbaPicture): void {
    const { width, height } = picture;
    if (!this.#size) {
      this.#size = { width, height };
      this.#left = width;
      this.#right = width;
      this.#top = height;
      this.#bottom = height;
    }
    const top = blackLines(this.#top, height, (y) => rowIsBlack(picture, y));
    if (top === height) return;
    const bottom = blackLines(this.#bottom, height, (y) => rowIsBlack(picture, height - 1 - y));
    const left = blackLines(this.#left, width, (x) => columnIsBlack(picture, x, top, height - bottom));
    const right = blackLines(this.#right, width, (x) => columnIsBlack(picture, width - 1 - x, top, height - bottom));
    this.#top = Math.min(this.#top, top);
    this.#bottom = Math.min(this.#bottom, bottom);
    this.#left = Math.min(this.#left, left);
    this.#right = Math.min(this.#right, right);
    this.#framesSeen++;
  }

  /**
   * The picture between the borders, on even coordinates; null where there are none, or nothing was ever to be seen. Borders
   * come in pairs of about a size, above and below, left and right.
   */
  area(): Area | null {
    if (!this.#size || this.#framesSeen < LEAST_FRAMES) return null;
    const { width, height } = this.#size;
    const [left, right] = believed(this.#left, this.#right, width);
    const [top, bottom] = believed(this.#top, this.#bottom, height);
    if (left + right + top + bottom === 0) return null;
    return { x: left, y: top, width: width - left - right, height: height - top - bottom };
  }
}

/** How many lines from a side are black, of the first `most`. */
function blackLines(most: number, length: number, isBlack: (line: number) => boolean): number {
  for (let line = 0; line < Math.min(most, length); line++) if (!isBlack(line)) return line;
  return most;
}

/** What of two opposite borders is cut off: an even number of lines each, none where they don't look like borders. */
function believed(first: number, second: number, side: number): readonly [number, number] {
  const thin = Math.min(first, second) < Math.max(2, LEAST_PART * side);
  const lopsided = Math.abs(first - second) > Math.max(2, LOPSIDED_PART * side);
  if (thin || lopsided || first + second > MOST_PART * side) return [0, 0];
  // A line of border too many rather than one of picture too few.
  const even = (lines: number) => 2 * Math.floor(lines / 2);
  return [even(first), even(second)];
}

function rowIsBlack({ width, rgba }: RgbaPicture, y: number): boolean {
  return isBlack(rgba, y * width * 4, 4, width);
}

function columnIsBlack({ width, rgba }: RgbaPicture, x: number, fromRow: number, toRow: number): boolean {
  return isBlack(rgba, (fromRow * width + x) * 4, width * 4, toRow - fromRow);
}

function isBlack(rgba: Uint8ClampedArray, from: number, step: number, count: number): boolean {
  let sum = 0;
  for (let i = 0, at = from; i < count; i++, at += step) {
    const level = Math.max(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
    if (level > BLACK) return false;
    sum += level;
  }
  return sum <= BLACK_MEAN * count;
}
