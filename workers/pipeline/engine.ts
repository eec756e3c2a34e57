/**
 * The engine behind the worker's messages: probe, plan, preview, enhance. One GPU job at a time.
 *
 * Runs in a worker or, for tests, in a page. Models are loaded at first use and kept; planning needs only their manifests.
 */

import { EnhancerError, throwIfAborted } from '../errors.ts';
import { createSink } from '../jobs/sink.ts';
import { type Clip, openClip } from '../media/clip.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { chooseEncoder, type EncoderChoice } from '../media/encoder-choice.ts';
import type { PacketSink } from '../media/packet-sink.ts';
import { WindowEncoder } from '../media/window-encoder.ts';
import type { Manifest } from '../models/manifest.ts';
import { readManifest } from '../models/package.ts';
import type { DeviceInfo, JobPlan, Notice, Refusal } from '../plan/job-plan.ts';
import { planJob } from '../plan/plan-job.ts';
import type { Settings } from '../plan/settings.ts';
import type { EngineOptions, JobEvent, JobReport, Picture } from '../protocol.ts';
import { Runtime } from '../runtime/runtime.ts';
import { JobRun, type SegmentWriter } from './job.ts';
import { Model, urlSource } from './model.ts';
import { PauseGate } from './pause-gate.ts';
import { shrunk } from './picture.ts';
import { previewPictures } from './preview.ts';
import { plannedModel, solverProgram } from './program.ts';

interface RunningJob {
  readonly id: string;
  readonly gate: PauseGate;
  readonly abort: AbortController;
}

export class Engine {
  readonly #runtime: Runtime;
  readonly #options: EngineOptions;
  readonly #send: (event: JobEvent) => void;
  readonly #manifests = new Map<string, Promise<Manifest>>();
  readonly #models = new Map<string, Promise<Model>>();
  #job: RunningJob | null = null;

  private constructor(runtime: Runtime, options: EngineOptions, send: (event: JobEvent) => void) {
    this.#runtime = runtime;
    this.#options = options;
    this.#send = send;
  }

  /** @throws EnhancerError `PROVIDER_UNAVAILABLE` when a forced provider can't be had. */
  static async open(options: EngineOptions, send: (event: JobEvent) => void): Promise<Engine> {
    return new Engine(await Runtime.open(options.provider), options, send);
  }

  get device(): DeviceInfo {
    return this.#runtime.device;
  }

  /** @throws EnhancerError naming what is wrong with the file. */
  async probe(file: File): Promise<ClipInfo> {
    const clip = await openClip(file);
    clip.close();
    return clip.info;
  }

  /** The first frame, no wider than `maxWidth`. */
  async poster(file: File, maxWidth: number): Promise<Picture> {
    const clip = await openClip(file);
    try {
      for await (const frame of clip.frames({ startFrame: 0, endFrame: 1 })) return shrunk(frame, maxWidth);
    } finally {
      clip.close();
    }
    throw new EnhancerError('NO_FRAMES', 'The clip has no frames.', 'Choose another clip.');
  }

  async plan(clip: ClipInfo, settings: Settings): Promise<JobPlan> {
    const { plan, refusals, notices } = await this.#planned(clip, settings);
    return { ...plan, refusals, notices };
  }

  /** The same moment's crop at each of the settings, and of the upsampled source. */
  async preview(file: File, timestampUs: number, settings: readonly Settings[]) {
    return this.#alone(`preview-${timestampUs}`, async (job) => {
      const clip = await openClip(file, { signal: job.abort.signal });
      try {
        const model = await this.#model(settings[0]?.model ?? '');
        return await previewPictures(clip, timestampUs, settings, {
          model,
          device: this.device,
          gate: job.gate,
          signal: job.abort.signal,
        });
      } finally {
        clip.close();
      }
    });
  }

  /** @throws EnhancerError `BUSY`, a refusal of the plan, `CANCELLED`, or what went wrong. */
  async enhance(jobId: string, file: File, settings: Settings): Promise<{ report: JobReport; output: File }> {
    return this.#alone(jobId, async (job) => {
      const clip = await openClip(file, { signal: job.abort.signal });
      try {
        return await this.#run(job, clip, file, settings);
      } finally {
        clip.close();
      }
    });
  }

  pause(jobId: string): void {
    if (this.#job?.id !== jobId || this.#job.gate.paused) return;
    this.#job.gate.pause();
    this.#send({ kind: 'paused', jobId });
  }

  resume(jobId: string): void {
    if (this.#job?.id !== jobId || !this.#job.gate.paused) return;
    this.#job.gate.resume();
    this.#send({ kind: 'resumed', jobId });
  }

  cancel(jobId: string): void {
    if (this.#job?.id === jobId) this.#job.abort.abort();
  }

  async #run(job: RunningJob, clip: Clip, file: File, settings: Settings) {
    const { plan, refusals, notices, encoder } = await this.#planned(clip.info, settings);
    const refusal = refusals[0];
    if (refusal) throw new EnhancerError(refusal.code, refusal.message, refusal.hint);
    if (!encoder) throw new RangeError('a plan without refusals has an encoder');
    this.#send({ kind: 'planned', jobId: job.id, plan: { ...plan, notices, refusals } });

    const { signal } = job.abort;
    const model = await this.#model(settings.model);
    throwIfAborted(signal);
    const sink = await createSink(job.id, plan.bytes.storage);
    try {
      const run = new JobRun({
        clip,
        plan,
        settings,
        program: solverProgram(settings, model.manifest),
        model,
        openSegment: () => encodedSegment(encoder, sink, signal),
        gate: job.gate,
        signal,
        gpuLedgerBytes: () => this.#runtime.ledger.liveBytes,
        onProgress: (progress) => this.#send({ kind: 'progress', jobId: job.id, progress }),
        onFrame: (latest) => this.#send({ kind: 'frame', jobId: job.id, latest }),
      });
      await run.run();
      const { output, audioTracksCopied } = await run.meter.time('mux', () =>
        sink.mux(outputName(file.name), {
          frameRate: clip.info.variableFrameRate ? null : plan.output.frameRate,
          audioTracks: run.audioTracks(),
          signal,
        }),
      );
      const report: JobReport = {
        width: plan.output.width,
        height: plan.output.height,
        frameCount: plan.output.frameCount,
        durationUs: plan.output.durationUs,
        videoCodec: encoder.codecString,
        bytes: output.size,
        seconds: run.meter.secondsElapsed,
        secondsByStage: run.meter.secondsByStage,
        provider: this.device.provider,
        windows: plan.windows.length,
        tiles: plan.tiles.length,
        peakGpuLedgerBytes: this.#runtime.ledger.peakBytes,
        audioTracksCopied,
        notices: notices.map(({ message }) => message),
      };
      return { report, output };
    } finally {
      await sink.close();
    }
  }

  async #planned(clip: ClipInfo, settings: Settings) {
    const manifest = await this.#manifest(settings.model);
    const quota = await freeStorageBytes();
    const plan = planJob(clip, settings, this.device, plannedModel(manifest), {
      memoryBudgetBytes: this.#options.memoryBudgetBytes,
      storageQuotaBytes: quota,
    });
    const refusals: Refusal[] = [...plan.refusals];
    const notices: Notice[] = [...plan.notices];
    const encoder = refusals.length === 0 ? await chosenEncoder(plan, settings, refusals) : null;
    if (encoder?.notice !== undefined) notices.push({ code: 'OTHER_CODEC', message: encoder.notice });
    return { plan, refusals, notices, encoder };
  }

  #manifest(name: string): Promise<Manifest> {
    return remembered(this.#manifests, name, () => readManifest(this.#source(name)));
  }

  #model(name: string): Promise<Model> {
    return remembered(this.#models, name, () => Model.load(this.#runtime, this.#source(name)));
  }

  #source(name: string) {
    if (!/^[\w-]+$/.test(name)) {
      throw new EnhancerError('MODEL_MISSING', `There is no model named ${name}.`, 'Choose one of the listed models.');
    }
    return urlSource(new URL(`${name}/`, this.#options.modelsUrl).href);
  }

  async #alone<T>(id: string, work: (job: RunningJob) => Promise<T>): Promise<T> {
    if (this.#job) {
      throw new EnhancerError('BUSY', 'Another clip is being enhanced.', 'Wait for it to finish, or cancel it first.');
    }
    const job = { id, gate: new PauseGate(), abort: new AbortController() };
    this.#job = job;
    try {
      return await work(job);
    } finally {
      this.#job = null;
    }
  }
}

/** Each segment gets an encoder of its own and goes to the sink when it is finished. */
function encodedSegment(choice: EncoderChoice, sink: PacketSink, signal: AbortSignal): SegmentWriter {
  const encoder = new WindowEncoder(choice, signal);
  return {
    write: (rgba, timestampUs, durationUs) => encoder.encode(rgba, timestampUs, durationUs),
    finish: async () => sink.append(await encoder.finish()),
    close: () => encoder.close(),
  };
}

async function chosenEncoder(plan: JobPlan, settings: Settings, refusals: Refusal[]): Promise<EncoderChoice | null> {
  const { width, height, frameRate } = plan.output;
  try {
    return await chooseEncoder({
      width,
      height,
      frameRate: frameRate.numerator / frameRate.denominator,
      codec: settings.codec,
      quality: settings.quality,
    });
  } catch (error) {
    if (!(error instanceof EnhancerError)) throw error;
    refusals.push({ code: error.code, message: error.message, hint: error.hint });
    return null;
  }
}

/** Free space that the origin may use; null where the browser doesn't say. */
async function freeStorageBytes(): Promise<number | null> {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota === undefined) return null;
  return estimate.quota - (estimate.usage ?? 0);
}

function outputName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '') || 'clip'}-enhanced.mp4`;
}

/** What was made before under that key; a failure is forgotten, so that it can be tried again. */
function remembered<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known) return known;
  const made = make();
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  return made;
}
