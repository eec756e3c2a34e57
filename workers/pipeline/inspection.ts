/**
 * A result held against its source: differences of single frames, and how faithful the whole is.
 *
 * Needs no model and no GPU; decodes both clips. A difference costs two frames (more where the source's last key frame is far back) and a
 * resampling; fidelity at most {@link MAX_SAMPLES} of these, given way to differences that are asked for meanwhile. Memory: a few frames
 * of either size. Runs in a worker or a page that has WebCodecs.
 */

import { EnhancerError } from '../errors.ts';
import type { Difference, Fidelity, FidelitySample, InspectedPair, PairTimes } from '../inspection-protocol.ts';
import { type Clip, openClip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { crop, type RgbaPicture, stretch } from '../media/rgba.ts';
import { differencePicture, frameFidelity, type Place } from '../reconstruct/fidelity.ts';

const MAX_SAMPLES = 24;
/** Differences are small: shown so many times as bright. */
const DIFFERENCE_GAIN = 4;
/** A frame no further ahead than this is reached by decoding on. */
const AHEAD = 60;
/** The crops of the worst place: its cell and as much around it. */
const AROUND = 0.5;

export class Inspection {
  readonly #pair: InspectedPair;
  readonly #source: Clip;
  readonly #output: Clip;
  readonly #sourceCursor: FrameCursor;
  readonly #outputCursor: FrameCursor;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(pair: InspectedPair, source: Clip, output: Clip) {
    this.#pair = pair;
    this.#source = source;
    this.#output = output;
    this.#sourceCursor = new FrameCursor(source);
    this.#outputCursor = new FrameCursor(output);
  }

  /** @throws EnhancerError what `openClip` throws of either. */
  static async open(pair: InspectedPair): Promise<Inspection> {
    const source = await openClip(pair.source);
    try {
      return new Inspection(pair, source, await openClip(pair.output));
    } catch (error) {
      source.close();
      throw error;
    }
  }

  get times(): PairTimes {
    return { sourceUs: this.#source.info.timestampsUs, outputUs: this.#output.info.timestampsUs };
  }

  /** @param maxWidth of the picture; larger ones are shrunk before they are compared. */
  difference(frame: number, maxWidth: number): Promise<Difference> {
    return this.#inTurn(async () => {
      const at = this.#bounded(frame);
      const output = await this.#outputCursor.at(at);
      const source = await this.#sourceCursor.at(this.#sourceFrame(at));
      const width = Math.min(output.width, maxWidth);
      const height = Math.max(1, Math.round((output.height * width) / output.width));
      const { picture, mean } = differencePicture(
        stretch(source, width, height),
        stretch(output, width, height),
        DIFFERENCE_GAIN,
      );
      return { frame: at, picture, gain: DIFFERENCE_GAIN, mean, exact: at % this.#pair.frameRateFactor === 0 };
    });
  }

  async fidelity(): Promise<Fidelity> {
    const { frameRateFactor } = this.#pair;
    const frameCount = this.#output.info.frameCount;
    const kept = Math.ceil(frameCount / frameRateFactor);
    const count = Math.min(MAX_SAMPLES, kept);
    const samples: FidelitySample[] = [];
    let worst: { sample: FidelitySample; before: RgbaPicture; after: RgbaPicture } | null = null;
    const sourceCursor = new FrameCursor(this.#source);
    const outputCursor = new FrameCursor(this.#output);
    try {
      for (let n = 0; n < count; n++) {
        const frame = Math.round((n * (kept - 1)) / Math.max(1, count - 1)) * frameRateFactor;
        await this.#inTurn(async () => {
          const output = await outputCursor.at(frame);
          const source = await sourceCursor.at(this.#sourceFrame(frame));
          const fidelity = frameFidelity(source, stretch(output, source.width, source.height));
          const sample = { ...fidelity, frame, timestampUs: output.timestampUs };
          samples.push(sample);
          if (worst && worst.sample.worst.structure <= sample.worst.structure) return;
          const place = around(sample.worst, source);
          const scaled = scaledPlace(place, source, output);
          worst = {
            sample,
            before: stretch(crop(source, ...corners(place)), scaled.width, scaled.height),
            after: crop(output, ...corners(scaled)),
          };
        });
      }
    } finally {
      await sourceCursor.close();
      await outputCursor.close();
    }
    if (!worst) throw new EnhancerError('NO_FRAMES', 'The result has no frames.', 'Enhance the clip again.');
    const { sample, before, after } = worst as { sample: FidelitySample; before: RgbaPicture; after: RgbaPicture };
    return {
      structure: mean(samples.map(({ structure }) => structure)),
      colourShift: mean(samples.map(({ colourShift }) => colourShift)),
      samples,
      insertedFrames: frameCount - kept,
      worst: sample,
      worstBefore: before,
      worstAfter: after,
    };
  }

  #sourceFrame(outputFrame: number): number {
    const { sourceStart, frameRateFactor } = this.#pair;
    return Math.min(this.#source.info.frameCount - 1, sourceStart + Math.floor(outputFrame / frameRateFactor));
  }

  #bounded(frame: number): number {
    return Math.max(0, Math.min(this.#output.info.frameCount - 1, Math.round(frame)));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** Frames of a clip in any order, cheap when they are asked for in theirs. */
class FrameCursor {
  readonly #clip: Clip;
  #frames: AsyncIterator<DecodedFrame> | null = null;
  #next = 0;
  #last: DecodedFrame | null = null;

  constructor(clip: Clip) {
    this.#clip = clip;
  }

  async at(index: number): Promise<DecodedFrame> {
    if (this.#last?.index === index) return this.#last;
    if (this.#frames === null || index < this.#next || index > this.#next + AHEAD) {
      await this.close();
      this.#next = index;
      const range = { startFrame: index, endFrame: this.#clip.info.frameCount };
      this.#frames = this.#clip.frames(range)[Symbol.asyncIterator]();
    }
    for (;;) {
      const { value, done } = await this.#frames.next();
      if (done) throw new EnhancerError('TRUNCATED', 'The clip ended early.', 'Choose the whole file.');
      this.#next = value.index + 1;
      this.#last = value;
      if (value.index === index) return value;
    }
  }

  async close(): Promise<void> {
    await this.#frames?.return?.();
    this.#frames = null;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function around(cell: Place, { width, height }: RgbaPicture): Place {
  const x = Math.max(0, Math.floor(cell.x - AROUND * cell.width));
  const y = Math.max(0, Math.floor(cell.y - AROUND * cell.height));
  const right = Math.min(width, Math.ceil(cell.x + (1 + AROUND) * cell.width));
  const bottom = Math.min(height, Math.ceil(cell.y + (1 + AROUND) * cell.height));
  return { x, y, width: right - x, height: bottom - y };
}

function scaledPlace(place: Place, from: RgbaPicture, to: RgbaPicture): Place {
  const scaleX = to.width / from.width;
  const scaleY = to.height / from.height;
  const x = Math.min(to.width - 1, Math.round(place.x * scaleX));
  const y = Math.min(to.height - 1, Math.round(place.y * scaleY));
  return {
    x,
    y,
    width: Math.max(1, Math.min(to.width - x, Math.round(place.width * scaleX))),
    height: Math.max(1, Math.min(to.height - y, Math.round(place.height * scaleY))),
  };
}

function corners({ x, y, width, height }: Place): [number, number, number, number] {
  return [x, y, width, height];
}
