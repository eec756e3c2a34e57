/**
 * The worker's entry: takes requests, runs one GPU job at a time, answers with data. Owns no logic of its own.
 */

import { EnhancerError, toErrorData } from './errors.ts';
import { tellOfStorage } from './jobs/storage-watch.ts';
import { Engine } from './pipeline/engine.ts';
import { filmstrip, frameAt } from './pipeline/glance.ts';
import { Queue } from './pipeline/queue.ts';
import { type KnownSource, Unfinished } from './pipeline/unfinished.ts';
import { type Answer, type FromWorker, PROTOCOL_VERSION, type Request } from './protocol.ts';

declare const self: DedicatedWorkerGlobalScope;

let engine: Promise<Engine> | null = null;
/** Begun at the page's hello, which comes before anything else. */
let unfinished: Unfinished;
const previews = new Map<number, AbortController>();
const queue = new Queue();

tellOfStorage((news) => send({ kind: 'storage', news }));

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  handle(data).then(send, (error) => {
    send({ kind: 'failed', requestId: data.requestId, error: toErrorData(error) });
  });
});

async function handle(request: Request): Promise<Answer> {
  const { requestId } = request;
  if (request.kind === 'hello') {
    if (request.version !== PROTOCOL_VERSION) {
      throw new EnhancerError(
        'WORKER_FAILED',
        'The page and its engine are of different versions.',
        'Reload the page to get both anew.',
      );
    }
    unfinished = new Unfinished(request.options.visit);
    engine = Engine.open(request.options, send);
    return { kind: 'ready', requestId, device: (await engine).device };
  }
  switch (request.kind) {
    case 'unfinished':
      return { kind: 'unfinished', requestId, jobs: await unfinished.list() };
    case 'source':
      return { kind: 'source', requestId, ...(await source(request.jobId, request.offered)) };
    case 'save':
      return { kind: 'finished', requestId, ...(await unfinished.save(request.jobId, request.file)) };
    case 'queue':
      return {
        kind: 'queue',
        requestId,
        queue: request.change ? await queue.change(request.change) : await queue.read(),
      };
    case 'enqueue': {
      const { jobId, file, settings, keepSource } = request;
      return { kind: 'queue', requestId, queue: await queue.add(jobId, file, settings, keepSource) };
    }
    case 'discard':
      await unfinished.discard(request.jobId);
      return { kind: 'done', requestId };
    case 'poster': {
      const { file, maxWidth, timestampUs } = request;
      return { kind: 'poster', requestId, picture: await frameAt(file, maxWidth, timestampUs) };
    }
    case 'filmstrip': {
      const { file, count, maxWidth } = request;
      return { kind: 'filmstrip', requestId, glimpses: await filmstrip(file, count, maxWidth) };
    }
  }
  const ready = await opened();
  switch (request.kind) {
    case 'probe':
      return { kind: 'clip', requestId, clip: await ready.probe(request.file) };
    case 'plan':
      return { kind: 'plan', requestId, plan: await ready.plan(request.clip, request.settings) };
    case 'preview': {
      const { file, point, settings } = request;
      const abort = new AbortController();
      previews.set(requestId, abort);
      try {
        return { kind: 'preview', requestId, preview: await ready.preview(file, point, settings, abort.signal) };
      } finally {
        previews.delete(requestId);
      }
    }
    case 'measure':
      return { kind: 'measured', requestId, measurement: await ready.measure(request.clip, request.settings) };
    case 'end-preview':
      previews.get(request.previewId)?.abort();
      return { kind: 'done', requestId };
    case 'enhance': {
      const { jobId, file, settings, keepSource } = request;
      await queue.check(jobId, file);
      const finished = (await queue.hasBegun(jobId))
        ? await ready.continue(jobId, file)
        : await ready.enhance(jobId, file, settings, keepSource);
      return { kind: 'finished', requestId, ...finished };
    }
    case 'continue':
      return { kind: 'finished', requestId, ...(await ready.continue(request.jobId, request.file)) };
    case 'pause':
      ready.pause(request.jobId);
      return { kind: 'done', requestId };
    case 'resume':
      ready.resume(request.jobId);
      return { kind: 'done', requestId };
    case 'cancel':
      ready.cancel(request.jobId);
      return { kind: 'done', requestId };
  }
}

async function source(jobId: string, offered: File | null): Promise<KnownSource> {
  const known = (await unfinished.source(jobId, offered)) ?? (await queue.source(jobId, offered));
  return known ?? { isOffered: offered !== null, copy: null };
}

async function opened(): Promise<Engine> {
  if (!engine) throw new RangeError('the worker was asked for work before hello');
  return engine;
}

function send(message: FromWorker): void {
  self.postMessage(message, transferables(message));
}

function transferables(message: FromWorker): Transferable[] {
  switch (message.kind) {
    case 'poster':
      return [message.picture.rgba.buffer];
    case 'filmstrip':
      return message.glimpses.map(({ picture }) => picture.rgba.buffer);
    case 'preview':
      return [message.preview.enhanced.rgba.buffer, message.preview.source.rgba.buffer];
    case 'frame':
      return [message.latest.enhanced.rgba.buffer, message.latest.source.rgba.buffer];
    default:
      return [];
  }
}
