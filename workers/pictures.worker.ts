/**
 * Entry of the workers that make pictures beside the model's runs: source pictures before them, and what is shown and encoded after them. One message
 * a picture, answered in order. Holds what `SourcePictures` holds, and the frames of the last message.
 */

import { type KeyFrame, type PictureShape, type SourceFrame, SourcePictures } from './condition/source-pictures.ts';
import { type Finish, finished } from './reconstruct/finish.ts';

export interface MakeRequest {
  readonly kind: 'make';
  readonly id: number;
  /** Whose pictures: another number, another shape, and nothing is kept. */
  readonly job: number;
  readonly shape: PictureShape;
  /** The key frame, or the one before and the one after; without bytes where the last message had them. */
  readonly frames: readonly (Omit<KeyFrame, 'rgba'> & { readonly rgba: KeyFrame['rgba'] | null })[];
  /** Of the way from the one before to the one after. */
  readonly fraction: number;
}

export type PictureRequest = MakeRequest | { readonly kind: 'finish'; readonly id: number; readonly work: Finish };

export type PictureAnswer =
  | { readonly id: number; readonly made: SourceFrame | Uint8ClampedArray<ArrayBuffer> }
  | { readonly id: number; readonly error: string };

let job = -1;
let pictures: SourcePictures | null = null;
let held: KeyFrame[] = [];

self.addEventListener('message', ({ data }: MessageEvent<PictureRequest>) => {
  const { id } = data;
  try {
    if (data.kind === 'finish') {
      const rgba = finished(data.work);
      self.postMessage({ id, made: rgba } satisfies PictureAnswer, { transfer: [rgba.buffer] });
      return;
    }
    const made = make(data);
    const transfer = [made.picture.buffer, ...(made.mismatch ? [made.mismatch.buffer] : [])] as ArrayBuffer[];
    self.postMessage({ id, made } satisfies PictureAnswer, { transfer });
  } catch (error) {
    self.postMessage({ id, error: String(error) } satisfies PictureAnswer);
  }
});

function make(request: MakeRequest): SourceFrame {
  if (request.job !== job || !pictures) {
    job = request.job;
    pictures = new SourcePictures(request.shape);
    held = [];
  }
  const before = held;
  held = request.frames.map(({ rgba, ...frame }) => {
    if (rgba) return { ...frame, rgba };
    const known = before.find(({ index }) => index === frame.index);
    if (!known) throw new RangeError(`frame ${frame.index} was not sent`);
    return known;
  });
  const [first, second] = held as [KeyFrame, KeyFrame?];
  if (second) return pictures.between(first, second, request.fraction);
  // A copy: the picture is handed over, and a plane is needed again for the frames beside it.
  return { picture: pictures.key(first).picture.slice(), mismatch: null };
}
