/**
 * The engine in a worker, as the page sees it.
 *
 * A cancel is first asked for; a worker that is in the middle of a long model run can't hear it, so after
 * {@link CANCEL_PATIENCE_MS} the worker is ended and a fresh one started. Ending it also frees the WASM heap, which is why a job that ran
 * out of memory ends it too, and goes on in the fresh one where smaller tiles can help it; and files that a full disk makes unsafe to close. One that hangs in its storage is ended after a while. What was
 * done is in the job's journal. The file that a finished job returned stays valid: blobs outlive their worker.
 */

import { cancelled, EnhancerError, fromErrorData } from '../../workers/errors.ts';
import { beginVisit } from '../../workers/jobs/visit.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import {
  type Answer,
  type EngineOptions,
  type FromWorker,
  type Glimpse,
  type JobEvent,
  type Measurement,
  type Picture,
  PROTOCOL_VERSION,
  type Preview,
  type PreviewPoint,
  type QueueChange,
  type QueueView,
  type Request,
  type UnfinishedJob,
} from '../../workers/protocol.ts';
import type { Enhancer, Job, JobResult, JobUpdate, QueueTurn } from './enhancer.ts';
import { workEnded } from './job-watch.ts';
import { watchParse } from './parse-watch.ts';
import { QueueTurns } from './queue-turns.ts';
import { forgetSource, keepSourceHandle, reopenSource } from './source-handles.ts';
import { StorageWatch, storageStuck } from './storage-watch.ts';
import { UpdateQueue } from './update-queue.ts';

const CANCEL_PATIENCE_MS = 200;

/** Files that a worker of this page made are there as long as the page is. */
const visit = beginVisit();

type Body<R> = R extends Request ? Omit<R, 'requestId'> : never;
type AnswerOf<Kind extends Answer['kind']> = Extract<Answer, { kind: Kind }>;

interface Pending {
  readonly jobId: string | null;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export class WorkerEnhancer implements Enhancer {
  device: Promise<DeviceInfo>;
  readonly #options: EngineOptions;
  #worker: Worker;
  #nextRequestId = 1;
  readonly #pending = new Map<number, Pending>();
  readonly #jobs = new Map<string, UpdateQueue<JobUpdate>>();
  /** Jobs that go on in a fresh worker. */
  readonly #spent = new Set<string>();
  readonly #storage = new StorageWatch(() => this.#restart(storageStuck()));
  readonly #turns = new QueueTurns({
    read: () => this.queue(),
    change: (change) => this.changeQueue(change),
    source: (id) => this.source(id),
    begin: ({ id, settings, frameCount }, file) =>
      // One that has begun goes on by its own recipe and plan.
      frameCount === null
        ? this.#start(id, { kind: 'enhance', jobId: id, file, settings, keepSource: false })
        : this.continue(id, file),
  });

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#worker = this.#spawn();
    this.device = this.#hello();
  }

  async probe(file: File): Promise<ClipInfo> {
    await watchParse(file);
    return (await this.#ask('clip', { kind: 'probe', file })).clip;
  }

  async poster(file: File, maxWidth: number, timestampUs = 0): Promise<Picture> {
    return (await this.#ask('poster', { kind: 'poster', file, maxWidth, timestampUs })).picture;
  }

  async filmstrip(file: File, count: number, maxWidth: number): Promise<readonly Glimpse[]> {
    return (await this.#ask('filmstrip', { kind: 'filmstrip', file, count, maxWidth })).glimpses;
  }

  async plan(clip: ClipInfo, settings: Settings): Promise<JobPlan> {
    return (await this.#ask('plan', { kind: 'plan', clip, settings })).plan;
  }

  async preview(file: File, point: PreviewPoint, settings: Settings, signal: AbortSignal): Promise<Preview> {
    const previewId = this.#nextRequestId;
    const asked = this.#ask('preview', { kind: 'preview', file, point, settings });
    const end = (): void => void this.#ask('done', { kind: 'end-preview', previewId }).catch(() => undefined);
    signal.addEventListener('abort', end);
    try {
      return (await asked).preview;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async measure(clip: ClipInfo, settings: Settings): Promise<Measurement> {
    return (await this.#ask('measured', { kind: 'measure', clip, settings })).measurement;
  }

  enhance(file: File, settings: Settings, keepSource: boolean): Job {
    const id = newJobId();
    void keepSourceHandle(id, file);
    persistStorage();
    return this.#start(id, { kind: 'enhance', jobId: id, file, settings, keepSource });
  }

  continue(jobId: string, file: File): Job {
    return this.#start(jobId, { kind: 'continue', jobId, file });
  }

  async unfinished(): Promise<readonly UnfinishedJob[]> {
    return (await this.#ask('unfinished', { kind: 'unfinished' })).jobs;
  }

  workEnded(): Promise<boolean> {
    return workEnded();
  }

  async source(jobId: string): Promise<File | null> {
    const offered = await reopenSource(jobId);
    const { isOffered, copy } = await this.#ask('source', { kind: 'source', jobId, offered });
    return isOffered ? offered : copy;
  }

  async save(jobId: string, file: File | null): Promise<JobResult> {
    const { report, output } = await this.#ask('finished', { kind: 'save', jobId, file });
    return { report, output };
  }

  async discard(jobId: string): Promise<void> {
    await this.#ask('done', { kind: 'discard', jobId });
    await forgetSource(jobId);
  }

  async queue(): Promise<QueueView> {
    return (await this.#ask('queue', { kind: 'queue', change: null })).queue;
  }

  async enqueue(file: File, settings: Settings, keepSource: boolean): Promise<QueueView> {
    const jobId = newJobId();
    await keepSourceHandle(jobId, file);
    persistStorage();
    const { queue } = await this.#ask('queue', { kind: 'enqueue', jobId, file, settings, keepSource });
    this.#turns.give(jobId, file);
    return queue;
  }

  async changeQueue(change: QueueChange): Promise<QueueView> {
    if (change.kind === 'remove') this.#turns.forget(change.id);
    return (await this.#ask('queue', { kind: 'queue', change })).queue;
  }

  startNext(): Promise<QueueTurn | null> {
    return this.#turns.next();
  }

  giveQueued(id: string, file: File): void {
    this.#turns.give(id, file);
    void keepSourceHandle(id, file);
  }

  close(): void {
    this.#storage.stop();
    this.#worker.terminate();
    this.#failAll(cancelled());
  }

  #start(id: string, body: Body<Extract<Request, { kind: 'enhance' | 'continue' }>>): Job {
    const updates = new UpdateQueue<JobUpdate>();
    this.#jobs.set(id, updates);
    const result = this.#finished(id, body).finally(() => {
      updates.end();
      this.#jobs.delete(id);
      this.#spent.delete(id);
    });
    // The page awaits `result`; until it does, a rejection is not an uncaught one.
    result.catch(() => undefined);
    return {
      id,
      updates,
      result,
      pause: () => this.#tell('pause', id),
      resume: () => this.#tell('resume', id),
      cancel: () => this.#cancel(id, result),
    };
  }

  /** In as many workers as its memory takes: each has smaller tiles than the one before. */
  async #finished(jobId: string, body: Body<Extract<Request, { kind: 'enhance' | 'continue' }>>): Promise<JobResult> {
    for (let asked = body; ; asked = { kind: 'continue', jobId, file: body.file }) {
      try {
        const { report, output } = await this.#ask('finished', asked, jobId);
        return { report, output };
      } catch (error) {
        if (!(error instanceof EnhancerError) || error.code !== 'OUT_OF_GPU_MEMORY') throw error;
        this.#restart(error);
        if (!this.#spent.delete(jobId)) throw error;
      }
    }
  }

  async #cancel(jobId: string, result: Promise<JobResult>): Promise<void> {
    if (!this.#jobs.has(jobId)) return;
    const settled = result.then(
      () => true,
      () => true,
    );
    this.#tell('cancel', jobId).catch(() => undefined);
    const patience = new Promise<false>((resolve) => setTimeout(() => resolve(false), CANCEL_PATIENCE_MS));
    if (await Promise.race([settled, patience])) return;
    this.#restart(cancelled());
  }

  async #tell(kind: 'pause' | 'resume' | 'cancel', jobId: string): Promise<void> {
    await this.#ask('done', { kind, jobId });
  }

  async #hello(): Promise<DeviceInfo> {
    const options = { ...this.#options, visit };
    const { device } = await this.#ask('ready', { kind: 'hello', version: PROTOCOL_VERSION, options });
    return device;
  }

  #ask<Kind extends Answer['kind']>(
    kind: Kind,
    body: Body<Request>,
    jobId: string | null = null,
  ): Promise<AnswerOf<Kind>> {
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(requestId, {
        jobId,
        resolve: (answer) => {
          if (answer.kind === kind) resolve(answer as AnswerOf<Kind>);
          else reject(new RangeError(`expected ${kind}, the worker answered ${answer.kind}`));
        },
        reject,
      });
      this.#worker.postMessage({ ...body, requestId } as Request);
    });
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('../../workers/enhancer.worker.ts', import.meta.url), {
      type: 'module',
      name: 'enhancer',
    });
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (worker !== this.#worker) return;
      if ('requestId' in data) this.#answer(data);
      else if (data.kind === 'storage') this.#storage.heard(data.news);
      else this.#event(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#restart(
        new EnhancerError(
          'WORKER_FAILED',
          'The enhancer stopped unexpectedly.',
          'It has been started again. Try a smaller memory budget if it happens once more.',
          { detail: event.message },
        ),
      );
    });
    return worker;
  }

  #restart(reason: EnhancerError): void {
    this.#storage.stop();
    this.#worker.terminate();
    this.#failAll(reason);
    this.#worker = this.#spawn();
    this.device = this.#hello();
    this.device.catch(() => undefined);
  }

  #failAll(reason: EnhancerError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }

  #answer(answer: Answer): void {
    const pending = this.#pending.get(answer.requestId);
    if (!pending) return;
    this.#pending.delete(answer.requestId);
    if (answer.kind === 'failed') pending.reject(fromErrorData(answer.error));
    else pending.resolve(answer);
    if (this.#storage.unclosed && this.#pending.size === 0) this.#restart(storageStuck());
  }

  #event(event: JobEvent): void {
    const updates = this.#jobs.get(event.jobId);
    if (!updates) return;
    switch (event.kind) {
      case 'planned':
        updates.push({ kind: 'planned', plan: event.plan });
        break;
      case 'progress':
        updates.push({ kind: 'progress', progress: event.progress });
        break;
      case 'frame':
        updates.push({ kind: 'frame', latest: event.latest });
        break;
      case 'paused':
        updates.push({ kind: 'paused', holds: event.holds });
        break;
      case 'resumed':
        updates.push({ kind: 'resumed' });
        break;
      case 'spent':
        this.#spent.add(event.jobId);
        break;
    }
  }
}

/** Begins with the time: ids sort by it, and are never given twice. */
function newJobId(): string {
  return `${Date.now()}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Asks that the browser not clear journals away when the disk fills up; most answer without asking the person. */
function persistStorage(): void {
  void navigator.storage?.persist?.().catch(() => undefined);
}
