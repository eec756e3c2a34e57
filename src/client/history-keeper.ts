/** The keeper of finished results in its worker, and the handles of the clips that they were made from. */

import { EnhancerError, fromErrorData } from '../../workers/errors.ts';
import type {
  FromHistory,
  HistoryAnswer,
  HistoryEntry,
  HistoryRecord,
  HistoryRequest,
} from '../../workers/history-protocol.ts';
import { forgetSource, keepSourceHandle, reopenSource } from './source-handles.ts';
import { StorageWatch, storageStuck } from './storage-watch.ts';

type Body<R> = R extends HistoryRequest ? Omit<R, 'requestId'> : never;

interface Pending {
  resolve(answer: HistoryAnswer): void;
  reject(error: unknown): void;
}

/** What the page needs of it; the worker's client below, and a hand-made one in tests. */
export interface KeepsHistory {
  list(): Promise<readonly HistoryEntry[]>;
  /** Remembers a finished result. @returns the list as it then is. */
  add(record: HistoryRecord, output: File, source: File): Promise<readonly HistoryEntry[]>;
  output(id: string): Promise<File | null>;
  /** The comment in a file's metadata, where results have their recipe; null where there is none. */
  comment(file: File): Promise<string | null>;
  /** Its clip, after the person's leave; call it from a click. */
  source(entry: HistoryEntry): Promise<File | null>;
  remove(entry: HistoryEntry): Promise<readonly HistoryEntry[]>;
}

export class HistoryKeeper implements KeepsHistory {
  #worker: Worker | null = null;
  readonly #pending = new Map<number, Pending>();
  #nextRequestId = 1;
  readonly #storage = new StorageWatch(() => this.#end(storageStuck()));

  async list(): Promise<readonly HistoryEntry[]> {
    return entriesOf(await this.#ask({ kind: 'list' }));
  }

  async add(record: HistoryRecord, output: File, source: File): Promise<readonly HistoryEntry[]> {
    await keepSourceHandle(handleKey(record), source);
    return entriesOf(await this.#ask({ kind: 'add', record, output }));
  }

  async output(id: string): Promise<File | null> {
    const answer = await this.#ask({ kind: 'output', id });
    return answer.kind === 'output' ? answer.output : null;
  }

  async comment(file: File): Promise<string | null> {
    const answer = await this.#ask({ kind: 'comment', file });
    return answer.kind === 'comment' ? answer.comment : null;
  }

  source(entry: HistoryEntry): Promise<File | null> {
    return reopenSource(handleKey(entry));
  }

  async remove(entry: HistoryEntry): Promise<readonly HistoryEntry[]> {
    await forgetSource(handleKey(entry));
    return entriesOf(await this.#ask({ kind: 'remove', id: entry.id }));
  }

  #ask(body: Body<HistoryRequest>): Promise<HistoryAnswer> {
    this.#worker ??= this.#spawn();
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(requestId, { resolve, reject });
      this.#worker!.postMessage({ ...body, requestId });
    });
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('../../workers/history.worker.ts', import.meta.url), {
      type: 'module',
      name: 'history',
    });
    worker.addEventListener('message', ({ data }: MessageEvent<FromHistory>) => {
      if (data.kind === 'storage') this.#storage.heard(data.news);
      else this.#answer(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      const message = 'The worker that keeps the finished results stopped unexpectedly.';
      this.#end(new EnhancerError('WORKER_FAILED', message, 'Download the result.', { detail: event.message }));
    });
    return worker;
  }

  #answer(answer: HistoryAnswer): void {
    const pending = this.#pending.get(answer.requestId);
    this.#pending.delete(answer.requestId);
    if (answer.kind === 'failed') pending?.reject(fromErrorData(answer.error));
    else pending?.resolve(answer);
    if (this.#storage.unclosed && this.#pending.size === 0) this.#end(storageStuck());
  }

  /** The next request starts another. */
  #end(reason: EnhancerError): void {
    this.#storage.stop();
    this.#worker?.terminate();
    this.#worker = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }
}

function entriesOf(answer: HistoryAnswer): readonly HistoryEntry[] {
  return answer.kind === 'entries' ? answer.entries : [];
}

/** Apart from the running job's own handle, which goes when the job's journal goes. */
function handleKey({ jobId }: HistoryRecord): string {
  return `history ${jobId}`;
}
