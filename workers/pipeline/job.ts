/**
 * One job: decode → condition → denoise → reconstruct → encode, a window at a time, then mux.
 *
 * Memory is that of the windows in flight, whatever the clip's length. Cancel and pause take effect between model runs and
 * between frames. A job can go on from a state that another run of it left. Runs wherever WebCodecs does; the model's provider is the runtime's.
 */

import { fillNoise, type NoiseRegion, START_STREAM } from '../denoise/noise.ts';
import type { SolverProgram } from '../denoise/solvers.ts';
import { type FinalSegment, runWavefront, type WavefrontState } from '../denoise/wavefront.ts';
import type { Clip } from '../media/clip.ts';
import { workedSize } from '../plan/borders.ts';
import type { JobPlan, Window } from '../plan/job-plan.ts';
import { outputFrameTime } from '../plan/output.ts';
import type { Settings } from '../plan/settings.ts';
import type { JobProgress, LatestFrame, Stage } from '../protocol.ts';
import type { FinishedPicture } from '../reconstruct/finish.ts';
import { Conditioner, clipFrame } from './conditioner.ts';
import { DeflickeredStore, deflickerStart } from './deflickered-store.ts';
import { Denoiser, type WindowCondition } from './denoiser.ts';
import { FrameStore, type SourceStore } from './frame-store.ts';
import type { Model } from './model.ts';
import type { PauseGate } from './pause-gate.ts';
import { shrunk } from './picture.ts';
import { fedScale } from './program.ts';
import { type MeterState, ProgressMeter } from './progress.ts';
import { type Finishing, Reconstructor } from './reconstructor.ts';
import { originUs } from './sound.ts';
import { SourceFrames } from './source-frames.ts';
import { StartNoise } from './start-noise.ts';
import type { TextConditions } from './text-conditions.ts';

/** Takes the pictures of one segment, in order, of the worked size. */
export interface SegmentWriter {
  write(picture: FinishedPicture, timestampUs: number, durationUs: number): Promise<void>;
  finish(): Promise<void>;
  /** Gives up what `finish` did not end; safe at any time. */
  close(): void;
}

export interface JobInput {
  /** The active area alone, where the plan has one. */
  readonly clip: Clip;
  readonly plan: JobPlan;
  readonly settings: Settings;
  readonly program: SolverProgram;
  readonly model: Model;
  /** Of a prompted model. */
  readonly text?: TextConditions | null;
  /** A segment is a window's share of the output: a closed group of pictures. */
  readonly openSegment: () => SegmentWriter;
  readonly gate: PauseGate;
  readonly signal: AbortSignal;
  /** Where to go on; from the beginning when absent. */
  readonly from?: JobState | null;
  /** Output frames whose segments are written already: they are not made again. */
  readonly framesWritten?: number;
  readonly keeper?: StateKeeper;
  readonly gpuLedgerBytes: () => number;
  readonly onProgress: (progress: JobProgress) => void;
  readonly onFrame: (latest: LatestFrame) => void;
}

/** A job between two evaluations. Its arrays are live: good only until the call that it was given to has settled. */
export interface JobState {
  readonly state: WavefrontState;
  readonly extra: MeterState;
}

/** Whoever remembers a job's states. */
export interface StateKeeper {
  /** After every evaluation. @param evaluationsOfAWindow that many are a window's work. */
  passed(state: () => JobState, evaluationsOfAWindow: number): Promise<void> | void;
  /** Before a pause's wait; null in the middle of a segment, where no state is to be had. */
  held(state: (() => JobState) | null): Promise<void> | void;
  released(): void;
}

const LATEST_FRAME_MAX_WIDTH = 960;
const LATEST_FRAME_INTERVAL_MS = 250;
/** Pictures that are finished elsewhere while the next is decoded. */
const FINISHING_AHEAD = 2;

export class JobRun {
  readonly meter: ProgressMeter;
  readonly #input: JobInput;
  /** As they are in the clip. */
  readonly #originals: FrameStore;
  readonly #store: SourceStore;
  readonly #sources: SourceFrames;
  readonly #conditioner: Conditioner;
  readonly #denoiser: Denoiser;
  readonly #reconstructor: Reconstructor;
  readonly #startNoise: StartNoise;
  readonly #sourceStart: number;
  #lastFrameAt = Number.NEGATIVE_INFINITY;
  #state: (() => JobState) | null = null;
  /** Output frames before them have been announced to the sources. */
  readonly #announced = { opened: 0, finished: 0 };

  constructor(input: JobInput) {
    const { clip, plan, settings, model, signal, from = null } = input;
    this.#input = input;
    this.meter = new ProgressMeter(plan, from?.extra);
    this.#sourceStart = firstSource(plan, from);
    const deflickered = settings.deflicker === 'on';
    const startFrame = deflickered ? deflickerStart(plan, this.#sourceStart) : this.#sourceStart;
    const frames = clip.frames({ startFrame, endFrame: plan.sourceEnd, signal });
    this.#originals = new FrameStore(this.#counted(frames), startFrame);
    this.#store = deflickered ? new DeflickeredStore(this.#originals, plan, this.#sourceStart) : this.#originals;
    this.#sources = new SourceFrames(clip.info, plan, this.#store, this.#originals);
    this.#conditioner = new Conditioner(plan, settings, model, this.#sources);
    const between = () => this.#between();
    const { text = null } = input;
    const conditions = { scale: settings.scale, fedScale: fedScale(settings, model.manifest), text };
    this.#denoiser = new Denoiser(plan, model, this.#conditioner, conditions, between, () => this.#tileDone());
    this.#reconstructor = new Reconstructor(plan, settings, model, this.#sources);
    this.#startNoise = new StartNoise((frame) => this.#noiseRegion(START_STREAM, frame), signal);
  }

  /** Runs the whole range through the segments' writers. @throws EnhancerError, `CANCELLED` among them. */
  async run(): Promise<void> {
    const { plan, program, model, signal } = this.#input;
    const frameSize = model.info.latentChannels * plan.latentWidth * plan.latentHeight;
    this.#report('condition');
    model.keep(plan);
    try {
      await runWavefront<WindowCondition>({
        windows: plan.windows,
        program,
        frameSize,
        signal,
        open: (window) => this.#open(window),
        startFrame: (frame, window, condition, out) => {
          condition.prediction.start(frame - window.startFrame, program, this.#startNoise.take(frame), out);
        },
        predictX0: (_window, condition, frames, evaluation) => {
          this.#report('denoise');
          return this.#timed('denoise', () => this.#denoiser.predictX0(condition, frames, evaluation));
        },
        noise: (evaluation, frame, out) => fillNoise(this.#noiseRegion(evaluation, frame), out),
        onFinal: (segment) => this.#finish(segment),
        from: this.#input.from?.state ?? null,
        checkpoint: (state) => {
          this.#state = () => ({ state: state(), extra: this.meter.state });
          return this.#input.keeper?.passed(this.#state, program.evaluations.length);
        },
      });
    } finally {
      this.#sources.close();
      await this.#store.close();
    }
  }

  async #open(window: Window): Promise<WindowCondition> {
    // While a window is being opened there is no state to be had.
    const state = this.#state;
    this.#state = null;
    this.#announce(window);
    const drawing = this.#startNoise.drawAhead(window);
    const condition = await this.#timed('condition', () => this.#denoiser.open(window));
    await drawing;
    this.#state = state;
    return condition;
  }

  #noiseRegion(stream: number, frame: number): NoiseRegion {
    const { plan, settings, model } = this.#input;
    const { latentX: x = 0, latentY: y = 0 } = plan.crop ?? {};
    const region = { channels: model.info.latentChannels, x, y, width: plan.latentWidth, height: plan.latentHeight };
    return { seed: settings.seed, stream, frame: clipFrame(plan, frame), ...region };
  }

  /**
   * Source pictures that will be looked at: to open this window, to finish its segment, to open the next window while this one is denoised, and
   * to finish what the two share.
   */
  #announce({ index, startFrame, endFrame }: Window): void {
    const { plan, framesWritten = 0 } = this.#input;
    const next = plan.windows[index + 1];
    const announced = this.#announced;
    announced.opened = Math.max(announced.opened, startFrame);
    announced.finished = Math.max(announced.finished, startFrame, framesWritten);
    const opening = (end: number) => {
      this.#sources.expect(range(announced.opened, end).filter((frame) => this.#conditioner.looksAt(frame)));
      announced.opened = Math.max(announced.opened, end);
    };
    const finishing = (end: number) => {
      this.#sources.expect(range(announced.finished, end));
      announced.finished = Math.max(announced.finished, end);
    };
    opening(endFrame);
    finishing(Math.min(endFrame, next?.startFrame ?? endFrame));
    if (next) opening(next.endFrame);
    finishing(endFrame);
  }

  #tileDone(): void {
    const { plan, program } = this.#input;
    this.meter.advance('denoise', 1 / (plan.windows.length * program.evaluations.length * plan.tiles.length));
    this.#report('denoise');
  }

  async #finish(segment: FinalSegment<WindowCondition>): Promise<void> {
    const { startFrame, endFrame } = segment;
    this.#state = null;
    const { framesWritten = 0 } = this.#input;
    if (endFrame <= framesWritten) this.meter.framesFinished(endFrame - startFrame);
    else await this.#write(segment);
    this.#conditioner.dropBefore(endFrame);
    this.#sources.dropBefore(endFrame);
    this.#store.dropBefore(this.#sources.index(endFrame));
  }

  async #write({ startFrame, endFrame, frames }: FinalSegment<WindowCondition>): Promise<void> {
    const { clip, plan, settings, openSegment } = this.#input;
    const segment = openSegment();
    const zeroUs = originUs(clip, plan, settings);
    this.#reconstructor.begin(startFrame, frames);
    try {
      // Told before they are used up: a repeat's latents may still be others, where a window before this one saw another of its frames.
      const again = frames.map(
        (latents, i) => i > 0 && this.#conditioner.repeats(startFrame + i) && isEqual(latents, frames[i - 1]!),
      );
      const finishing: (() => Promise<void>)[] = [];
      let picture: Finishing['picture'] | null = null;
      for (let frame = startFrame; frame < endFrame; frame += 1) {
        await this.#between();
        const latents = frames[frame - startFrame]!;
        if (!picture || !again[frame - startFrame]) {
          ({ picture } = await this.#timed('reconstruct', () => this.#reconstructor.picture(frame, latents)));
        }
        const making = picture;
        finishing.push(async () => {
          const made = await this.#timed('reconstruct', () => making);
          const { timestampUs, durationUs } = outputFrameTime(clip.info, plan, frame);
          await this.#timed('encode', () => segment.write(made, timestampUs - zeroUs, durationUs));
          this.meter.framesFinished(1);
          this.#show(frame, timestampUs, made.rgba);
          this.#report('reconstruct');
        });
        if (finishing.length > FINISHING_AHEAD) await finishing.shift()!();
      }
      for (const write of finishing) await write();
      this.#report('encode');
      await this.#timed('encode', () => segment.finish());
    } finally {
      segment.close();
    }
  }

  async #between(): Promise<void> {
    const { gate, signal, keeper } = this.#input;
    const waitedMs = await gate.pass(signal, () => keeper?.held(this.#state));
    if (waitedMs === 0) return;
    this.meter.paused(waitedMs);
    keeper?.released();
  }

  #timed<T>(stage: Stage, work: () => Promise<T> | T): Promise<T> {
    return this.meter.time(stage, work);
  }

  async *#counted<T>(frames: AsyncIterable<T>): AsyncGenerator<T> {
    const { plan } = this.#input;
    const iterator = frames[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#timed('decode', () => iterator.next());
        if (next.done) return;
        this.#sourceRead(1 / (plan.sourceEnd - plan.sourceStart));
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  #show(frame: number, timestampUs: number, rgba: Uint8ClampedArray): void {
    const now = performance.now();
    const { plan, onFrame } = this.#input;
    const last = frame === plan.output.frameCount - 1;
    if (!last && now - this.#lastFrameAt < LATEST_FRAME_INTERVAL_MS) return;
    this.#lastFrameAt = now;
    const source = this.#originals.get(this.#sources.index(frame));
    onFrame({
      frame,
      timestampUs,
      enhanced: shrunk({ ...workedSize(plan), rgba }, LATEST_FRAME_MAX_WIDTH),
      source: shrunk(source, LATEST_FRAME_MAX_WIDTH),
    });
  }

  #report(stage: Stage): void {
    this.#input.onProgress(this.meter.read(stage, this.#input.gpuLedgerBytes()));
  }

  #sourceRead(share: number): void {
    this.meter.advance('decode', share);
    this.meter.advance('condition', share);
  }
}

/** The first source frame that the rest of the job looks at. */
function firstSource(plan: JobPlan, from: JobState | null): number {
  if (!from) return plan.sourceStart;
  const window = plan.windows[from.state.taken - from.state.done.length];
  return window ? plan.sourceStart + Math.floor(window.startFrame / plan.frameRateFactor) : plan.sourceEnd;
}

function isEqual(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, at) => start + at);
}
