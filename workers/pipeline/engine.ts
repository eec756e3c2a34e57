/**
 * The engine behind the worker's messages: probe, plan, preview, enhance. One GPU job at a time.
 *
 * Runs in a worker or, for tests, in a page. Models are loaded at first use and kept; planning needs only their manifests.
 */

import { EnhancerError, throwIfAborted, toErrorData } from '../errors.ts';
import { JobStore } from '../jobs/job-store.ts';
import { finishedPart, muxPart } from '../jobs/mux-journal.ts';
import { identify } from '../jobs/source-identity.ts';
import { activeClip } from '../media/active-area.ts';
import { glimpseBorders } from '../media/analyse-clip.ts';
import { type Clip, openClip } from '../media/clip.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { defaultMemoryBudgetBytes, type MeasuredSpeed } from '../plan/cost.ts';
import type { DeviceInfo, JobPlan, Notice, Provider, Refusal } from '../plan/job-plan.ts';
import { type PlanOptions, planJob } from '../plan/plan-job.ts';
import type { Settings } from '../plan/settings.ts';
import type {
  EngineOptions,
  JobEvent,
  JobProgress,
  JobReport,
  Measurement,
  Preview,
  PreviewPoint,
} from '../protocol.ts';
import { Runtime } from '../runtime/runtime.ts';
import { deviceNews, renewed } from './device-news.ts';
import { chosenEncoder, encodeDue, encoderToGoOnWith, givenUpPictures, otherEncoder, windowWriter } from './encoder.ts';
import { EncodingAhead } from './encoding-ahead.ts';
import { FirstFrames } from './first-frames.ts';
import { JobRun } from './job.ts';
import { withJobLock } from './job-lock.ts';
import { type JobJournal, JournalKeeper, stateToGoOnFrom } from './journal-keeper.ts';
import { lookThrough } from './look-through.ts';
import { ModelShelf } from './model-shelf.ts';
import { PauseGate } from './pause-gate.ts';
import { PictureWorkers } from './picture-workers.ts';
import { Previewer } from './preview.ts';
import { plannedModel, solverProgram } from './program.ts';
import { type MeterState, ProgressMeter } from './progress.ts';
import { provenanceTags } from './provenance.ts';
import { RecoveryPolicy } from './recovery.ts';
import { outputName, reportOf } from './report.ts';
import { soundFor } from './sound.ts';
import { freeStorageBytes, keptSource } from './source-copy.ts';
import { probeSpeed } from './speed-probe.ts';
import { TextConditioner } from './text-conditions.ts';
import { checkSource } from './unfinished.ts';

const PROVIDER_NAMES: Readonly<Record<Provider, string>> = { webgpu: 'the GPU', wasm: 'the processor' };

type WithoutJobId<E> = E extends JobEvent ? Omit<E, 'jobId'> : never;
type JobEventBody = WithoutJobId<JobEvent>;

interface Finished {
  readonly report: JobReport;
  readonly output: File;
}

interface RunningJob {
  readonly id: string;
  readonly gate: PauseGate;
  readonly abort: AbortController;
  /** Settles when it is over, however it ended. */
  readonly ended: Promise<void>;
}

export class Engine {
  #runtime: Runtime;
  readonly #options: EngineOptions;
  readonly #send: (event: JobEvent) => void;
  readonly #shelf: ModelShelf;
  readonly #texts: TextConditioner;
  readonly #previewer = new Previewer();
  /** By model, on the device of now. */
  readonly #measured = new Map<string, MeasuredSpeed>();
  readonly #store: JobStore;
  #job: RunningJob | null = null;

  private constructor(runtime: Runtime, options: EngineOptions, send: (event: JobEvent) => void) {
    this.#runtime = runtime;
    this.#options = options;
    this.#send = send;
    this.#store = new JobStore(options.visit);
    this.#shelf = new ModelShelf(options.modelsUrl);
    this.#texts = new TextConditioner(new URL('../', options.modelsUrl).href);
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
    PictureWorkers.warm();
    const clip = await openClip(file);
    try {
      return { ...clip.info, activeArea: await glimpseBorders(clip) };
    } finally {
      clip.close();
    }
  }

  async plan(clip: ClipInfo, settings: Settings): Promise<JobPlan> {
    const { plan, refusals, notices } = await this.#planned(clip, settings);
    return { ...plan, refusals, notices };
  }

  /** A moment's crop as a job with these settings would make it. Gives way to a job, and to another preview. */
  async preview(file: File, point: PreviewPoint, settings: Settings, signal: AbortSignal): Promise<Preview> {
    return this.#alone('preview', async ({ gate, abort }) => {
      signal.addEventListener('abort', () => abort.abort(), { once: true });
      throwIfAborted(signal);
      const model = await this.#shelf.model(settings.model, this.#runtime);
      const { memoryBudgetBytes } = this.#options;
      const context = { model, texts: this.#texts, device: this.device, memoryBudgetBytes, gate, signal: abort.signal };
      return this.#previewer.preview(file, point, settings, context);
    });
  }

  /**
   * Runs one tile of the plan against the clock; plans for that model rest on it from then on. Gives way as a preview does, to a preview too.
   * @throws EnhancerError `BUSY` while anything else runs, `CANCELLED` where it gave way.
   */
  async measure(clip: ClipInfo, settings: Settings): Promise<Measurement> {
    if (this.#job) throw busy();
    return this.#alone('preview', async ({ abort }) => {
      const { plan } = await this.#unrefused(clip, settings, {});
      const model = await this.#shelf.model(settings.model, this.#runtime);
      const budgetBytes = this.#options.memoryBudgetBytes ?? defaultMemoryBudgetBytes(this.device);
      const peakBytes = () => this.#runtime.ledger.peakBytes;
      const { speed, measurement } = await probeSpeed(model, plan, this.device, budgetBytes, peakBytes, abort.signal);
      this.#measured.set(settings.model, speed);
      return measurement;
    });
  }

  /**
   * @param keepSource whether to keep a private copy of the clip until the job is done.
   * @throws EnhancerError `BUSY`, a refusal of the plan, `CANCELLED`, or what went wrong. What was done stays in the job's journal.
   */
  async enhance(jobId: string, file: File, settings: Settings, keepSource: boolean): Promise<Finished> {
    return this.#locked(jobId, file, async (job, clip) => {
      const glimpsed = { activeArea: await glimpseBorders(clip) };
      const { plan, notices, encoder } = await this.#unrefused(clip.info, settings, glimpsed);
      const store = this.#store;
      const journal = await store.create<MeterState>({
        version: 1,
        id: jobId,
        startedAtMs: Date.now(),
        settings,
        plan: { ...plan, notices },
        modelHash: await this.#shelf.hash(settings.model),
        source: await identify(file),
        encoder,
        provider: this.device.provider,
        provisional: true,
      });
      try {
        if (keepSource) await keptSource(store, journal, file);
        return await this.#complete(job, clip, file, journal);
      } finally {
        journal.close();
        // One that failed before it had done anything is not worth an offer; that its tiles were too large is something.
        if (journal.framesDone === 0 && journal.stateExtra === null && journal.tiles === null) {
          // What can't be taken away now (its files are open on a full disk) is offered: the error that stopped it counts.
          await store.discard(jobId, !keepSource).catch(() => undefined);
        }
      }
    });
  }

  /**
   * Goes on with an interrupted job, by its own recipe and plan.
   * @throws EnhancerError `SOURCE_CHANGED`, `STORAGE_FAILED`, `MODEL_MISSING`, `NO_ENCODER`, or as {@link enhance}.
   */
  async continue(jobId: string, file: File): Promise<Finished> {
    return this.#locked(jobId, file, async (job, clip) => {
      const journal = await this.#store.resume<MeterState>(jobId);
      try {
        const { settings, modelHash, provider, provisional } = journal.job;
        await checkSource(journal.job, file);
        if (modelHash !== (await this.#shelf.hash(settings.model))) throw modelChanged(settings.model);
        if (provider !== this.device.provider && !provisional) {
          journal.mark({
            notice: `Begun on ${PROVIDER_NAMES[provider]}, finished on ${PROVIDER_NAMES[this.device.provider]}.`,
          });
        }
        if (journal.paused) journal.mark({ paused: false });
        return await this.#complete(job, clip, file, journal);
      } finally {
        journal.close();
      }
    });
  }

  pause(jobId: string): void {
    if (this.#job?.id !== jobId || this.#job.gate.paused) return;
    this.#job.gate.pause();
  }

  resume(jobId: string): void {
    if (this.#job?.id !== jobId || !this.#job.gate.paused) return;
    this.#job.gate.resume();
  }

  cancel(jobId: string): void {
    if (this.#job?.id === jobId) this.#job.abort.abort();
  }

  /** Whatever is left of a job, on as many devices as it takes, then the file. The journal stays until the page discards it. */
  async #complete(job: RunningJob, clip: Clip, file: File, journal: JobJournal): Promise<Finished> {
    const { settings } = journal.job;
    const { signal } = job.abort;
    const policy = new RecoveryPolicy();
    const send = (event: JobEventBody) => this.#send({ ...event, jobId: job.id });
    const keeper = new JournalKeeper(
      journal,
      () =>
        send({
          kind: 'paused',
          holds: {
            gpuBytes: this.#runtime.ledger.liveBytes,
            heapBytes: journal.job.plan.bytes.heap,
            storageBytes: journal.storedBytes,
          },
        }),
      () => send({ kind: 'resumed' }),
    );
    const first = new FirstFrames();
    if (journal.job.provisional) await this.#freeze(job, first.held(clip), journal, keeper);
    let encoder = await encoderToGoOnWith(journal);
    const plan = { ...journal.job.plan, tiles: journal.tiles ?? journal.job.plan.tiles };
    send({ kind: 'planned', plan });
    const worked = plan.active ? activeClip(first.given(clip), plan.active.source) : first.given(clip);
    let meter = new ProgressMeter(plan, journal.stateExtra);
    const ahead = new EncodingAhead(signal);
    while (journal.packetCount < plan.output.frameCount) {
      try {
        await encodeDue(encoder, plan, journal, signal);
        if (journal.packetCount === plan.output.frameCount) break;
        const model = await this.#shelf.model(settings.model, this.#runtime);
        throwIfAborted(signal);
        model.keep(plan);
        const text = await this.#texts.conditions(settings, model);
        throwIfAborted(signal);
        const run = new JobRun({
          clip: worked,
          plan,
          settings,
          program: solverProgram(settings, model.manifest),
          model,
          text,
          openSegment: () => windowWriter(encoder, plan, journal, signal, ahead),
          gate: job.gate,
          signal,
          from: stateToGoOnFrom(journal, plan),
          framesWritten: journal.framesDone,
          keeper,
          gpuLedgerBytes: () => this.#runtime.ledger.liveBytes,
          onProgress: (progress) => send({ kind: 'progress', progress }),
          onFrame: (latest) => send({ kind: 'frame', latest }),
        });
        meter = run.meter;
        await run.run();
      } catch (error) {
        ahead.drop();
        const model = plannedModel(await this.#shelf.manifest(settings.model));
        const progress = journal.framesDone + keeper.written;
        const { cause, deviceLost } = await deviceNews(error, this.#runtime.gpu);
        const isFull = toErrorData(cause).code === 'QUOTA_EXCEEDED';
        if (isFull && (await givenUpPictures(encoder, journal, signal))) continue;
        const recovery = policy.decide(cause, deviceLost, progress, plan, model);
        if (!recovery) throw cause;
        const { notice, tiles, renew } = recovery;
        const other = recovery.otherEncoder
          ? await otherEncoder(encoder, plan, settings, journal.packetCount === 0)
          : encoder;
        if (!other) throw error;
        if (notice !== null) journal.mark({ notice, tiles, ...(other === encoder ? {} : { encoder: other }) });
        encoder = other;
        plan.tiles = tiles ?? plan.tiles;
        if (renew && this.device.provider === 'wasm') {
          // A full WASM heap can't be had back in this worker: the page starts another, and the job goes on there.
          send({ kind: 'spent' });
          throw cause;
        }
        if (renew) await this.#renew();
      }
    }
    send({ kind: 'progress', progress: meter.read('mux', this.#runtime.ledger.liveBytes) });
    const store = this.#store;
    const part = await finishedPart(journal);
    const { output, audioTracksCopied } = await meter.time('mux', () =>
      muxPart(store, part, outputName(file.name), {
        frameRate: clip.info.variableFrameRate ? null : plan.output.frameRate,
        audioTracks: soundFor(clip, plan, settings),
        tags: provenanceTags(settings),
        signal,
      }),
    );
    const report = reportOf(journal, output, meter.state, {
      audioTracksCopied,
      tiles: plan.tiles.length,
      peakGpuLedgerBytes: this.#runtime.ledger.peakBytes,
    });
    return { report, output };
  }

  /** Looks through the whole clip, then fixes the job's plan for good. The first pass that a lost decoder ends is made once more. */
  async #freeze(
    { id, gate, abort }: RunningJob,
    clip: Clip,
    journal: JobJournal,
    keeper: JournalKeeper,
  ): Promise<void> {
    const { provisional: _, ...job } = journal.job;
    const between = () => keeper.holdWhilePaused(gate, abort.signal);
    const onProgress = (progress: JobProgress) => this.#send({ kind: 'progress', jobId: id, progress });
    const look = () => lookThrough(clip, job.plan, abort.signal, between, onProgress);
    const looked = await look().catch((error: unknown) => {
      if (toErrorData(error).code !== 'DECODE_FAILED') throw error;
      return look();
    });
    const { plan, notices, encoder } = await this.#unrefused(clip.info, job.settings, looked);
    journal.freeze({ ...job, plan: { ...plan, notices }, encoder, provider: this.device.provider });
  }

  /** A new device and, at their next use, new sessions. */
  async #renew(): Promise<void> {
    this.#shelf.drop();
    this.#measured.clear();
    this.#runtime = await renewed(this.#runtime);
  }

  /** @throws EnhancerError the plan's first refusal. */
  async #unrefused(clip: ClipInfo, settings: Settings, seen: Pick<PlanOptions, 'shots' | 'activeArea'>) {
    const { plan, refusals, notices, encoder } = await this.#planned(clip, settings, seen);
    const refusal = refusals[0];
    if (refusal) throw new EnhancerError(refusal.code, refusal.message, refusal.hint);
    if (!encoder) throw new RangeError('a plan without refusals has an encoder');
    return { plan, notices, encoder };
  }

  async #planned(clip: ClipInfo, settings: Settings, seen: Pick<PlanOptions, 'shots' | 'activeArea'> = {}) {
    const manifest = await this.#shelf.manifest(settings.model);
    const quota = await freeStorageBytes();
    const plan = planJob(clip, settings, this.device, plannedModel(manifest), {
      memoryBudgetBytes: this.#options.memoryBudgetBytes,
      storageQuotaBytes: quota,
      measured: this.#measured.get(settings.model) ?? null,
      ...seen,
    });
    const refusals: Refusal[] = [...plan.refusals];
    const notices: Notice[] = [...plan.notices];
    const encoder = refusals.length === 0 ? await chosenEncoder(plan, settings, refusals) : null;
    if (encoder?.notice !== undefined) notices.push({ code: 'OTHER_CODEC', message: encoder.notice });
    return { plan, refusals, notices, encoder };
  }

  #locked<T>(id: string, file: File, work: (job: RunningJob, clip: Clip) => Promise<T>): Promise<T> {
    return this.#alone(id, (job) =>
      withJobLock({ id, fileName: file.name }, async () => {
        const clip = await openClip(file, { signal: job.abort.signal });
        try {
          return await work(job, clip);
        } finally {
          clip.close();
        }
      }),
    );
  }

  async #alone<T>(id: string, work: (job: RunningJob) => Promise<T>): Promise<T> {
    while (this.#job?.id === 'preview') {
      this.#job.abort.abort();
      await this.#job.ended;
    }
    if (this.#job) throw busy();
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const job = { id, gate: new PauseGate(), abort: new AbortController(), ended };
    this.#job = job;
    try {
      return await work(job);
    } finally {
      this.#job = null;
      end();
    }
  }
}

function busy(): EnhancerError {
  return new EnhancerError('BUSY', 'Another clip is being enhanced.', 'Wait for it to finish, or cancel it first.');
}

function modelChanged(name: string): EnhancerError {
  return new EnhancerError(
    'MODEL_MISSING',
    `The model ${name} is not the one that this job began with.`,
    'Save what is finished, or discard the job and start anew.',
  );
}
