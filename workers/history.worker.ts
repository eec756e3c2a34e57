/** The entry of the keeper of finished results. Owns no logic of its own. */

import { toErrorData } from './errors.ts';
import type { HistoryAnswer, HistoryRequest } from './history-protocol.ts';
import { History } from './jobs/history.ts';
import { tellOfStorage } from './jobs/storage-watch.ts';

declare const self: DedicatedWorkerGlobalScope;

tellOfStorage((news) => self.postMessage({ kind: 'storage', news }));

self.addEventListener('message', ({ data }: MessageEvent<HistoryRequest>) => {
  answer(data).then(
    (message) => self.postMessage(message),
    (error) => self.postMessage({ kind: 'failed', requestId: data.requestId, error: toErrorData(error) }),
  );
});

async function answer(request: HistoryRequest): Promise<HistoryAnswer> {
  const { requestId } = request;
  const opened = await History.open();
  switch (request.kind) {
    case 'comment': {
      const { fileComment } = await import('./media/mp4/comment-tag.ts');
      return { kind: 'comment', requestId, comment: await fileComment(request.file) };
    }
    case 'output':
      return { kind: 'output', requestId, output: await opened.output(request.id) };
    case 'add': {
      // Asked for at need: a list must not wait for the demuxers.
      const { thumbnailOf } = await import('./pipeline/thumbnail.ts');
      await opened.add(request.record, request.output, await thumbnailOf(request.output).catch(() => null));
      break;
    }
    case 'remove':
      await opened.remove(request.id);
      break;
    case 'list':
      break;
  }
  return { kind: 'entries', requestId, entries: await opened.list() };
}
