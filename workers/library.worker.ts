/**
 * The entry of the worker that keeps the installed models: takes requests, answers with data. Ended by the page to cancel: an import
 * goes on where its last finished shard left it.
 */

import { toErrorData } from './errors.ts';
import { tellOfStorage, watched } from './jobs/storage-watch.ts';
import type { FromLibrary, LibraryRequest } from './library-protocol.ts';
import { importPackage, inspectFiles } from './models/store/import-package.ts';
import { PackageStore } from './models/store/package-store.ts';

declare const self: DedicatedWorkerGlobalScope;

const PROGRESS_INTERVAL_MS = 100;

tellOfStorage((news) => send({ kind: 'storage', news }));

self.addEventListener('message', ({ data }: MessageEvent<LibraryRequest>) => {
  handle(data).then(send, (error) => {
    send({ kind: 'failed', requestId: data.requestId, error: toErrorData(error) });
  });
});

async function handle(request: LibraryRequest): Promise<FromLibrary> {
  const { requestId } = request;
  const freeBytes = await freeStorageBytes();
  if (request.kind === 'inspect') {
    return { kind: 'inspected', requestId, inspection: await inspectFiles(request.files, freeBytes) };
  }
  const store = await PackageStore.open(watched);
  const onProgress = throttled((doneBytes, totalBytes) => send({ kind: 'progress', requestId, doneBytes, totalBytes }));
  switch (request.kind) {
    case 'list':
      return { kind: 'library', requestId, library: { ...(await store.list()), freeBytes } };
    case 'import': {
      const { id } = await importPackage(store, request.files, request.precision, { freeBytes, onProgress });
      return { kind: 'imported', requestId, id };
    }
    case 'verify':
      await store.verify(request.id, onProgress);
      return { kind: 'done', requestId };
    case 'remove':
      await store.remove(request.id);
      return { kind: 'done', requestId };
    case 'export':
      await store.copyTo(request.id, request.folder, onProgress);
      return { kind: 'done', requestId };
  }
}

function throttled(tell: (done: number, total: number) => void): (done: number, total: number) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - lastMs < PROGRESS_INTERVAL_MS) return;
    lastMs = now;
    tell(done, total);
  };
}

async function freeStorageBytes(): Promise<number | null> {
  const estimate = await navigator.storage.estimate().catch(() => null);
  return estimate?.quota === undefined ? null : estimate.quota - (estimate.usage ?? 0);
}

function send(message: FromLibrary): void {
  self.postMessage(message);
}
