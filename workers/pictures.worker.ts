/**
 * Entry of the workers that make pictures beside the model's runs: steady light, source pictures and noise before them, and what is shown and encoded
 * after them. One message a piece of work, answered in order. Holds what `SourcePictures` holds, and the frames of the last messages.
 */

import { MeanLight } from './condition/deflicker.ts';
import { type KeyFrame, type PictureShape, type SourceFrame, SourcePictures } from './condition/source-pictures.ts';
import { fillNoise, type NoiseRegion } from './denoise/noise.ts';
import { type Finish, type FinishedPicture, finished } from './reconstruct/finish.ts';

/** Without bytes where the last message had them. */
export type SentFrame = Omit<KeyFrame, 'rgba'> & { readonly rgba: KeyFrame['rgba'] | null };

export interface MakeRequest {
  readonly kind: 'make';
  readonly id: number;
  /** Whose pictures: another number, another shape, and nothing is kept. */
  readonly job: number;
  readonly shape: PictureShape;
  /** The key frame, or the one before and the one after. */
  readonly frames: readonly SentFrame[];
  /** Of the way from the one before to the one after. */
  readonly fraction: number;
}

/** The frame at `at` in the mean light of its neighbourhood. */
export interface LightRequest {
  readonly kind: 'light';
  readonly id: number;
  readonly job: number;
  readonly neighbourhood: readonly SentFrame[];
  readonly at: number;
}

/** Pictures of no job, so that what a job asks for first finds its code compiled, and well. */
export interface WarmRequest {
  readonly kind: 'warm';
  readonly id: number;
  readonly work: 'make' | 'light' | 'finish';
}

export type PictureRequest =
  | WarmRequest
  | MakeRequest
  | LightRequest
  | { readonly kind: 'noise'; readonly id: number; readonly region: NoiseRegion }
  | { readonly kind: 'finish'; readonly id: number; readonly work: Finish };

type Made = SourceFrame | FinishedPicture | Uint8ClampedArray<ArrayBuffer> | Float32Array<ArrayBuffer> | null;

export type PictureAnswer =
  /** Once, before anything else: its script is there. */
  | { readonly started: true }
  | {
      readonly id: number;
      readonly made: Made;
      /** That it took. */
      readonly milliseconds: number;
    }
  | { readonly id: number; readonly error: string };

let job = -1;
let pictures: SourcePictures | null = null;
let light: MeanLight | null = null;
let held: readonly KeyFrame[] = [];

self.addEventListener('message', ({ data }: MessageEvent<PictureRequest>) => {
  const { id } = data;
  try {
    const start = performance.now();
    const made = answer(data);
    const milliseconds = performance.now() - start;
    self.postMessage({ id, made, milliseconds } satisfies PictureAnswer, { transfer: buffersOf(made) });
  } catch (error) {
    self.postMessage({ id, error: String(error) } satisfies PictureAnswer);
  }
});

self.postMessage({ started: true } satisfies PictureAnswer);

function answer(request: PictureRequest): Made {
  switch (request.kind) {
    case 'warm':
      return warmed(request.work);
    case 'make':
      return make(request);
    case 'light':
      return relit(request);
    case 'noise':
      return drawn(request.region);
    case 'finish':
      return finished(request.work);
  }
}

function drawn(region: NoiseRegion): Float32Array<ArrayBuffer> {
  const noise = new Float32Array(region.channels * region.width * region.height);
  fillNoise(region, noise);
  return noise;
}

const WARMING_SIDE = 64;
/** As many as browsers see before they compile for speed: a tenth of a second each, once. */
const WARMING_ROUNDS = { make: 4, light: 24, finish: 8 } as const;

function warmed(work: WarmRequest['work']): null {
  const size = { width: WARMING_SIDE, height: WARMING_SIDE };
  const twice = { width: 2 * WARMING_SIDE, height: 2 * WARMING_SIDE };
  const shape: PictureShape = { source: size, worked: twice, padded: twice, factor: 8, part: null };
  const [one, other] = [0, 1].map((shift) =>
    new Uint8ClampedArray(4 * WARMING_SIDE ** 2).map((_, i) => 128 + 90 * Math.sin(0.003 * (i + 8 * shift) ** 1.3)),
  );
  for (let round = 0; round < WARMING_ROUNDS[work]; round += 1) {
    const [first, second] = [one!, other!].map((rgba, at) => ({ index: 2 * round + at, ...size, rgba })) as [
      KeyFrame,
      KeyFrame,
    ];
    if (work === 'light') new MeanLight().of([first, second], 0);
    else if (work === 'make') {
      const made = new SourcePictures(shape);
      made.between(first, second, 0.5);
      made.key(first);
    } else {
      const [decoded, source] = [0, 1].map((at) => new Float32Array(3 * 4 * WARMING_SIDE ** 2).fill(0.1 * at));
      finished({ decoded: decoded!, source: source!, padded: twice, worked: twice, encodable: true });
      drawn({ seed: round, stream: 0, frame: 0, channels: 96, x: 0, y: 0, width: 16, height: 16 });
    }
  }
  return null;
}

function make(request: MakeRequest): SourceFrame {
  begin(request.job);
  pictures ??= new SourcePictures(request.shape);
  const [first, second] = received(request.frames) as [KeyFrame, KeyFrame?];
  if (second) return pictures.between(first, second, request.fraction);
  // A copy: the picture is handed over, and a plane is needed again for the frames beside it.
  return { picture: pictures.key(first).picture.slice(), mismatch: null };
}

function relit(request: LightRequest): Uint8ClampedArray<ArrayBuffer> {
  begin(request.job);
  light ??= new MeanLight();
  return light.of(received(request.neighbourhood), request.at);
}

/** Nothing is kept of another job. */
function begin(wanted: number): void {
  if (wanted === job) return;
  job = wanted;
  pictures = null;
  light = null;
  held = [];
}

function received(frames: readonly SentFrame[]): readonly KeyFrame[] {
  const before = held;
  held = frames.map(({ rgba, ...frame }) => {
    if (rgba) return { ...frame, rgba };
    const known = before.find(({ index }) => index === frame.index);
    if (!known) throw new RangeError(`frame ${frame.index} was not sent`);
    return known;
  });
  return held;
}

function buffersOf(made: Made): ArrayBuffer[] {
  if (made === null) return [];
  if (made instanceof Uint8ClampedArray || made instanceof Float32Array) return [made.buffer];
  if ('rgba' in made) return [made.rgba.buffer, ...(made.i420 ? [made.i420.buffer] : [])];
  return [made.picture.buffer, ...(made.mismatch ? [made.mismatch.buffer] : [])] as ArrayBuffer[];
}
