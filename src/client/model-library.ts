/** The worker that keeps the installed models, as the page sees it. It is started when it is needed, and ended when nothing is under way. */

import { cancelled, EnhancerError, fromErrorData } from '../../workers/errors.ts';
import type { FromLibrary, Library, LibraryRequest } from '../../workers/library-protocol.ts';
import type { Precision } from '../../workers/models/manifest.ts';
import type { Inspection } from '../../workers/models/store/inspection.ts';
import { StorageWatch, storageStuck } from './storage-watch.ts';

export type OnProgress = (doneBytes: number, totalBytes: number) => void;

export interface ModelLibrary {
  list(): Promise<Library>;
  inspect(files: readonly File[]): Promise<Inspection>;
  /** @returns the installed model's id. Rejects with `CANCELLED` after {@link cancel}; what was finished is kept. */
  install(files: readonly File[], precision: Precision, onProgress: OnProgress): Promise<string>;
  verify(id: string, onProgress: OnProgress): Promise<void>;
  copyTo(id: string, folder: FileSystemDirectoryHandle, onProgress: OnProgress): Promise<void>;
  remove(id: string): Promise<void>;
  /** Ends whatever is under way. */
  cancel(): void;
}

type Body<R> = R extends LibraryRequest ? Omit<R, 'requestId'> : never;
type Answer = Exclude<FromLibrary, { kind: 'progress' | 'failed' | 'storage' }>;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  readonly onProgress: OnProgress | undefined;
}

export class WorkerLibrary implements ModelLibrary {
  #worker: Worker | null = null;
  #nextRequestId = 1;
  readonly #pending = new Map<number, Pending>();
  readonly #storage = new StorageWatch(() => this.#end(storageStuck()));

  async list(): Promise<Library> {
    return (await this.#ask('library', { kind: 'list' })).library;
  }

  async inspect(files: readonly File[]): Promise<Inspection> {
    return (await this.#ask('inspected', { kind: 'inspect', files })).inspection;
  }

  async install(files: readonly File[], precision: Precision, onProgress: OnProgress): Promise<string> {
    // Asks the browser not to clear gigabytes away when space runs low; it may say no.
    await navigator.storage?.persist?.().catch(() => false);
    return (await this.#ask('imported', { kind: 'import', files, precision }, onProgress)).id;
  }

  async verify(id: string, onProgress: OnProgress): Promise<void> {
    await this.#ask('done', { kind: 'verify', id }, onProgress);
  }

  async copyTo(id: string, folder: FileSystemDirectoryHandle, onProgress: OnProgress): Promise<void> {
    await this.#ask('done', { kind: 'export', id, folder }, onProgress);
  }

  async remove(id: string): Promise<void> {
    await this.#ask('done', { kind: 'remove', id });
  }

  cancel(): void {
    this.#end(cancelled());
  }

  #ask<Kind extends Answer['kind']>(
    kind: Kind,
    body: Body<LibraryRequest>,
    onProgress?: OnProgress,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(requestId, {
        resolve: (answer) => {
          if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: Kind }>);
          else reject(new RangeError(`expected ${kind}, the worker answered ${answer.kind}`));
        },
        reject,
        onProgress,
      });
      this.#worker ??= this.#spawn();
      this.#worker.postMessage({ ...body, requestId } as LibraryRequest);
    });
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('../../workers/library.worker.ts', import.meta.url), {
      type: 'module',
      name: 'library',
    });
    worker.addEventListener('message', ({ data }: MessageEvent<FromLibrary>) => this.#hear(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      const message = 'The worker that keeps the models stopped unexpectedly.';
      const hint = 'Try again: an import goes on where it stopped.';
      this.#end(new EnhancerError('WORKER_FAILED', message, hint, { detail: event.message }));
    });
    return worker;
  }

  #hear(message: FromLibrary): void {
    if (message.kind === 'storage') {
      this.#storage.heard(message.news);
      return;
    }
    const pending = this.#pending.get(message.requestId);
    if (!pending) return;
    if (message.kind === 'progress') {
      pending.onProgress?.(message.doneBytes, message.totalBytes);
      return;
    }
    this.#pending.delete(message.requestId);
    if (message.kind === 'failed') pending.reject(fromErrorData(message.error));
    else pending.resolve(message);
    // Its memory goes back with it.
    if (this.#pending.size === 0) this.#end(cancelled());
  }

  #end(reason: EnhancerError): void {
    this.#storage.stop();
    this.#worker?.terminate();
    this.#worker = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }
}
