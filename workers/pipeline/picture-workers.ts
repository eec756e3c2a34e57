/**
 * Workers that steady the source's light, make source pictures and finish decoded ones, while the model runs: it blocks the engine's thread on the
 * processor, and on a GPU waits for whatever the engine does itself. One that finishes and draws noise, one for the light, and as many as half
 * the cores, at most four, that make; shared by all jobs, started at the first use. Where there are none (Node), or they don't start (their
 * script comes from a disk that may be full), the caller does the work itself, and what comes before the model also where one fails.
 */

import type { KeyFrame, PictureShape, SourceFrame } from '../condition/source-pictures.ts';
import type { NoiseRegion } from '../denoise/noise.ts';
import { EnhancerError } from '../errors.ts';
import { answeredWithin } from '../media/patience.ts';
import type { PictureAnswer, PictureRequest, SentFrame, WarmRequest } from '../pictures.worker.ts';
import { type Finish, type FinishedPicture, finished } from '../reconstruct/finish.ts';

const MOST_WORKERS = 4;
/** A script that has not come by then will not come. */
const STARTS_WITHIN_MS = 30_000;

interface Seat {
  readonly worker: Worker;
  /** Of the last request. */
  job: number;
  frames: readonly number[];
}

type Made = Extract<PictureAnswer, { made: unknown }>['made'];

interface Pending {
  readonly kind: PictureRequest['kind'];
  readonly resolve: (made: Made) => void;
  readonly reject: (error: unknown) => void;
}

/** Whether a worker is there, once that is known. */
interface Start {
  readonly isThere: Promise<boolean>;
  readonly tell: (isThere: boolean) => void;
}

type WithoutId<R> = R extends PictureRequest ? Omit<R, 'id'> : never;
type Unsent = WithoutId<PictureRequest>;

let shared: PictureWorkers | null = null;

export class PictureWorkers {
  readonly #seats: readonly Seat[];
  /** Apart, so that no picture waits to be shown behind those of the next window. */
  readonly #finisher: Worker;
  #lighter: Seat | null = null;
  readonly #pending = new Map<number, Pending>();
  readonly #starts = new Map<Worker, Start>();
  #nextId = 0;
  /** Why they have ended. */
  #ended: Error | null = null;

  /** That all of them have worked, by kind of work. */
  static readonly milliseconds: Record<PictureRequest['kind'], number> = {
    warm: 0,
    make: 0,
    light: 0,
    noise: 0,
    finish: 0,
  };

  private constructor(count: number) {
    this.#seats = Array.from({ length: count }, () => this.#seat());
    this.#finisher = this.#spawn();
  }

  /** Null where there can be none. */
  static shared(): PictureWorkers | null {
    // Not by `Worker`: onnxruntime gives Node one that is none of a browser's.
    if (typeof WorkerGlobalScope === 'undefined' && typeof globalThis.location === 'undefined') return null;
    shared ??= new PictureWorkers(Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency >> 1)));
    return shared;
  }

  /** Starts them all and has them compile what they will run, while nobody waits for it. */
  static warm(): void {
    const workers = PictureWorkers.shared();
    if (!workers || workers.#lighter) return;
    workers.#lighter = workers.#seat();
    const warm = (worker: Worker, work: WarmRequest['work']) =>
      workers.#asked(worker, { kind: 'warm', work }, []).catch(() => undefined);
    void warm(workers.#lighter.worker, 'light');
    for (const { worker } of workers.#seats) void warm(worker, 'make');
    void warm(workers.#finisher, 'finish');
  }

  /**
   * @param job any number of the caller's own.
   * @param after null: the key frame `before` itself.
   */
  make(
    job: number,
    shape: PictureShape,
    before: KeyFrame,
    after: KeyFrame | null,
    fraction: number,
  ): Promise<SourceFrame> {
    // All frames between two key frames to one worker: their motion is searched once.
    const seat = this.#seats[before.index % this.#seats.length]!;
    const frames = given(seat, job, after ? [before, after] : [before]);
    return this.#asked(seat.worker, { kind: 'make', job, shape, frames, fraction }, []) as Promise<SourceFrame>;
  }

  /** The frame at `at` in the mean light of its neighbourhood. @param job any number of the caller's own. */
  inMeanLight(job: number, neighbourhood: readonly KeyFrame[], at: number): Promise<Uint8ClampedArray<ArrayBuffer>> {
    this.#lighter ??= this.#seat();
    const request: Unsent = { kind: 'light', job, neighbourhood: given(this.#lighter, job, neighbourhood), at };
    return this.#asked(this.#lighter.worker, request, []) as Promise<Uint8ClampedArray<ArrayBuffer>>;
  }

  /** Takes `work.decoded` over. @throws EnhancerError `WORKER_FAILED`. */
  async finish(work: Finish): Promise<FinishedPicture> {
    // What is handed to one that never starts would be gone with it.
    if (!(await this.#starts.get(this.#finisher)?.isThere)) return finished(work);
    const { buffer } = work.decoded;
    try {
      const made = await this.#asked(this.#finisher, { kind: 'finish', work }, [buffer as ArrayBuffer]);
      return made as FinishedPicture;
    } catch (cause) {
      throw new EnhancerError(
        'WORKER_FAILED',
        'A picture could not be finished: a part of the enhancer stopped.',
        'Go on with the job. If it stops again, close other tabs first.',
        { cause },
      );
    }
  }

  /** Unit noise, by the worker that finishes pictures: before that it has little to do. */
  noise(region: NoiseRegion): Promise<Float32Array<ArrayBuffer>> {
    return this.#asked(this.#finisher, { kind: 'noise', region }, []) as Promise<Float32Array<ArrayBuffer>>;
  }

  #asked(worker: Worker, request: Unsent, transfer: ArrayBuffer[]): Promise<Made> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { kind: request.kind, resolve, reject });
      worker.postMessage({ ...request, id } as PictureRequest, transfer);
    });
  }

  /** Nobody waits for what is still being made; then the workers end, since a message can't be taken back. */
  static forget(): void {
    if (shared && shared.#pending.size > 0) shared.#end(new Error('no longer wanted'));
  }

  #seat(): Seat {
    return { worker: this.#spawn(), job: -1, frames: [] };
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('../pictures.worker.ts', import.meta.url), { type: 'module', name: 'pictures' });
    const start = startOf();
    this.#starts.set(worker, start);
    const isLate = () => new Error('a worker did not start');
    answeredWithin(start.isThere, STARTS_WITHIN_MS, isLate).catch((error) => this.#end(error));
    worker.addEventListener('message', ({ data }: MessageEvent<PictureAnswer>) => {
      if ('started' in data) {
        start.tell(true);
        return;
      }
      const pending = this.#pending.get(data.id);
      this.#pending.delete(data.id);
      if ('made' in data) {
        if (pending) PictureWorkers.milliseconds[pending.kind] += data.milliseconds;
        pending?.resolve(data.made);
      } else pending?.reject(new Error(data.error));
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#end(new Error(event.message));
    });
    return worker;
  }

  #end(reason: Error): void {
    if (shared === this) shared = null;
    this.#ended ??= reason;
    const seats = [...this.#seats, ...(this.#lighter ? [this.#lighter] : [])];
    for (const worker of [this.#finisher, ...seats.map((seat) => seat.worker)]) worker.terminate();
    for (const { tell } of this.#starts.values()) tell(false);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }
}

function startOf(): Start {
  let tell = (_: boolean): void => undefined;
  const isThere = new Promise<boolean>((resolve) => {
    tell = resolve;
  });
  return { isThere, tell };
}

/** Frames as the seat's worker has to be sent them, which it has from then on. */
function given(seat: Seat, job: number, frames: readonly KeyFrame[]): SentFrame[] {
  const known = seat.job === job ? seat.frames : [];
  seat.job = job;
  seat.frames = frames.map(({ index }) => index);
  return frames.map(({ index, width, height, rgba }) => ({
    index,
    width,
    height,
    rgba: known.includes(index) ? null : rgba,
  }));
}
