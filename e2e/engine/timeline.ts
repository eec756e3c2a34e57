/** What the engine's thread asks for in a job and when the answer is there: networks, workers, codecs, storage. For `npm run bench:browser -- --timeline`. */

import { Model } from '../../workers/pipeline/model.ts';
import { PictureWorkers } from '../../workers/pipeline/picture-workers.ts';

export interface TimelineSpan {
  readonly name: string;
  /** Since it was begun. */
  readonly fromMs: number;
  readonly toMs: number;
}

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Everything from here on, in order of its end. Once a worker: what it watches stays watched. */
export function beginTimeline(): TimelineSpan[] {
  const spans: TimelineSpan[] = [];
  const zero = performance.now();
  const watch = (owner: object, name: string, label = name) => {
    const methods = owner as Record<string, Method>;
    const own = methods[name]!;
    methods[name] = function (...given) {
      const fromMs = performance.now() - zero;
      const ended = () => spans.push({ name: label, fromMs, toMs: performance.now() - zero });
      const result = own.apply(this, given);
      if (result instanceof Promise) result.then(ended, ended);
      else ended();
      return result;
    };
  };
  for (const name of ['encode', 'evaluate', 'decode']) watch(Model.prototype, name, `network: ${name}`);
  for (const name of ['make', 'inMeanLight', 'finish', 'noise'])
    watch(PictureWorkers.prototype, name, `worker: ${name}`);
  watch(VideoDecoder, 'isConfigSupported', 'decoder: supported');
  for (const name of ['configure', 'decode', 'close']) watch(VideoDecoder.prototype, name, `decoder: ${name}`);
  watch(VideoFrame.prototype, 'copyTo', 'frame: copy');
  watch(VideoEncoder, 'isConfigSupported', 'encoder: supported');
  for (const name of ['configure', 'encode', 'flush']) watch(VideoEncoder.prototype, name, `encoder: ${name}`);
  watch(FileSystemDirectoryHandle.prototype, 'getDirectoryHandle', 'files: folder');
  watch(FileSystemDirectoryHandle.prototype, 'getFileHandle', 'files: handle');
  watch(FileSystemDirectoryHandle.prototype, 'removeEntry', 'files: remove');
  watch(FileSystemFileHandle.prototype, 'createSyncAccessHandle', 'files: open');
  watch(FileSystemFileHandle.prototype, 'getFile', 'files: file');
  // By name: the page's types, which check this file too, don't know it.
  const { prototype: syncAccessHandles } = Reflect.get(globalThis, 'FileSystemSyncAccessHandle') as {
    prototype: object;
  };
  for (const name of ['read', 'write', 'truncate', 'flush', 'close']) {
    watch(syncAccessHandles, name, `files: ${name}`);
  }
  watch(navigator.locks, 'request', 'locks: request');
  watch(navigator.storage, 'estimate', 'storage: estimate');
  watch(Blob.prototype, 'arrayBuffer', 'blob: read');
  watch(crypto.subtle, 'digest', 'digest');
  return spans;
}
