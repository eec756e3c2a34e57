/**
 * One job: decode → condition → denoise → reconstruct → encode, a window at a time, then mux.
 *
 * Memory is that of the windows in flight, whatever the clip's length. Cancel and pause take effect between model runs and
 * between frames. Runs wherever WebCodecs does; the model's provider is the runtime's.
 */

import { fillNoise, START_STREAM } from '../denoise/noise.ts';
import type { SolverProgram } from '../denoise/solvers.ts';
import { type FinalSegment, runWavefront } from '../denoise/wavefront.ts';
import { cutAudio } from '../media/audio-range.ts';
import type { Clip } from '../media/clip.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { outputFrameTime } from '../plan/output.ts';
import type { Settings } from '../plan/settings.ts';
import type { JobProgress, LatestFrame, Stage } from '../protocol.ts';
import { Conditioner, clipFrame } from './conditioner.ts';
import { Denoiser, type WindowCondition } from './denoiser.ts';
import { FrameStore } from './frame-store.ts';
import type { Model } from './model.ts';
import type { PauseGate } from './pause-gate.ts';
import { shrunk } from './picture.ts';
import { ProgressMeter } from './progress.ts';
import { Reconstructor } from './reconstructor.ts';

/** Takes the pictures of one segment, in order. */
export interface SegmentWriter {
  write(rgba: Uint8ClampedArray<ArrayBuffer>, timestampUs: number, durationUs: number): Promise<void>;
  finish(): Promise<void>;
  /** Gives up what `finish` did not end; safe at any time. */
  close(): void;
}

export interface JobInput {
  readonly clip: Clip;
  readonly plan: JobPlan;
  readonly settings: Settings;
  readonly program: SolverProgram;
  readonly model: Model;
  /** A segment is a window's share of the output: a closed group of pictures. */
  readonly openSegment: () => SegmentWriter;
  readonly gate: PauseGate;
  readonly signal: AbortSignal;
  readonly gpuLedgerBytes: () => number;
  readonly onProgress: (progress: JobProgress) => void;
  readonly onFrame: (latest: LatestFrame) => void;
}

const LATEST_FRAME_MAX_WIDTH = 960;
const LATEST_FRAME_INTERVAL_MS = 250;

export class JobRun {
  readonly meter: ProgressMeter;
  readonly #input: JobInput;
  readonly #store: FrameStore;
  readonly #conditioner: Conditioner;
  readonly #denoiser: Denoiser;
  readonly #reconstructor: Reconstructor;
  #lastFrameAt = Number.NEGATIVE_INFINITY;

  constructor(input: JobInput) {
    const { clip, plan, settings, model, signal } = input;
    this.#input = input;
    this.meter = new ProgressMeter(plan);
    const frames = clip.frames({ startFrame: plan.sourceStart, endFrame: plan.sourceEnd, signal });
    this.#store = new FrameStore(this.#counted(frames), plan.sourceStart);
    this.#conditioner = new Conditioner(clip.info, plan, settings, model, this.#store);
    const between = () => this.#between();
    this.#denoiser = new Denoiser(plan, model, this.#conditioner, settings.scale, between, () => this.#tileDone());
    this.#reconstructor = new Reconstructor(plan, settings, model, this.#conditioner);
  }

  /** Runs the whole range through the segments' writers. @throws EnhancerError, `CANCELLED` among them. */
  async run(): Promise<void> {
    const { plan, settings, program, model, signal } = this.#input;
    const { latentWidth: width, latentHeight: height } = plan;
    const channels = model.info.latentChannels;
    const frameSize = channels * width * height;
    const unit = new Float32Array(frameSize);
    const noise = (stream: number, frame: number, out: Float32Array) =>
      fillNoise(
        { seed: settings.seed, stream, frame: clipFrame(plan, frame), channels, x: 0, y: 0, width, height },
        out,
      );
    this.#report('condition');
    try {
      await runWavefront<WindowCondition>({
        windows: plan.windows,
        program,
        frameSize,
        signal,
        open: (window) => this.#timed('condition', () => this.#denoiser.open(window)),
        startFrame: (frame, window, condition, out) => {
          noise(START_STREAM, frame, unit);
          condition.prediction.start(frame - window.startFrame, program, unit, out);
        },
        predictX0: (_window, condition, frames, evaluation) => {
          this.#report('denoise');
          return this.#timed('denoise', () => this.#denoiser.predictX0(condition, frames, evaluation));
        },
        noise,
        onFinal: (segment) => this.#finish(segment),
      });
    } finally {
      await this.#store.close();
    }
  }

  /** The source's sound, cut to the range. */
  audioTracks() {
    const { clip, plan, settings } = this.#input;
    if (settings.range === null) return clip.audioTracks;
    const startUs = this.#originUs();
    return clip.audioTracks.map((track) => cutAudio(track, startUs, startUs + plan.output.durationUs));
  }

  #tileDone(): void {
    const { plan, program } = this.#input;
    this.meter.advance('denoise', 1 / (plan.windows.length * program.evaluations.length * plan.tiles.length));
    this.#report('denoise');
  }

  async #finish({ startFrame, endFrame, frames }: FinalSegment<WindowCondition>): Promise<void> {
    const { clip, plan, openSegment } = this.#input;
    const segment = openSegment();
    const originUs = this.#originUs();
    try {
      for (let frame = startFrame; frame < endFrame; frame += 1) {
        await this.#between();
        const rgba = await this.#timed('reconstruct', () =>
          this.#reconstructor.picture(frame, frames[frame - startFrame]!),
        );
        this.meter.advance('reconstruct', 1 / plan.output.frameCount);
        const { timestampUs, durationUs } = outputFrameTime(clip.info, plan, frame);
        await this.#timed('encode', () => segment.write(rgba, timestampUs - originUs, durationUs));
        this.meter.advance('encode', 1 / plan.output.frameCount);
        this.meter.frameDone();
        this.#show(frame, timestampUs, rgba);
        this.#report('reconstruct');
      }
      await this.#timed('encode', () => segment.finish());
    } finally {
      segment.close();
    }
    this.#conditioner.dropBefore(endFrame);
    this.#store.dropBefore(this.#conditioner.sourceIndex(endFrame));
  }

  /** Time that the output counts from: the clip's own zero, or the start of a chosen range. */
  #originUs(): number {
    const { clip, plan, settings } = this.#input;
    return settings.range === null ? 0 : clip.info.timestampsUs[plan.sourceStart]!;
  }

  async #between(): Promise<void> {
    const { gate, signal } = this.#input;
    const before = performance.now();
    const paused = gate.paused;
    await gate.pass(signal);
    if (paused) this.meter.paused(performance.now() - before);
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
        this.meter.advance('decode', 1 / (plan.sourceEnd - plan.sourceStart));
        this.meter.advance('condition', 1 / (plan.sourceEnd - plan.sourceStart));
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
    const source = this.#store.get(this.#conditioner.sourceIndex(frame));
    onFrame({
      frame,
      timestampUs,
      enhanced: shrunk({ width: plan.output.width, height: plan.output.height, rgba }, LATEST_FRAME_MAX_WIDTH),
      source: shrunk(source, LATEST_FRAME_MAX_WIDTH),
    });
  }

  #report(stage: Stage): void {
    this.#input.onProgress(this.meter.read(stage, this.#input.gpuLedgerBytes()));
  }
}
