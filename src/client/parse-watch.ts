/**
 * Lets a worker of its own read a file before the engine does, and ends it when it is heard of no more: a parser that goes in circles would
 * take the engine, and all that it has loaded, with it. Costs reading the headers twice.
 */

import { EnhancerError } from '../../workers/errors.ts';
import type { ParseNews } from '../../workers/parse.worker.ts';

/** A worker that says nothing for so long is stuck: between two reads of a file lie milliseconds. */
const SILENCE_MS = 5000;

/** @throws EnhancerError `NOT_A_VIDEO` when reading the file doesn't end. Whatever else is wrong with it, the engine will say. */
export async function watchParse(file: File): Promise<void> {
  const worker = new Worker(new URL('../../workers/parse.worker.ts', import.meta.url), {
    type: 'module',
    name: 'parse',
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<ParseNews>) => {
        clearTimeout(timer);
        if (data === 'read') resolve();
        else timer = setTimeout(() => reject(stuck()), SILENCE_MS);
      });
      // A watch that can't be kept keeps nobody from anything.
      worker.addEventListener('error', () => resolve());
      worker.postMessage(file);
    });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

function stuck(): EnhancerError {
  return new EnhancerError(
    'NOT_A_VIDEO',
    'Reading this file came to no end: it is damaged in a way that leads in circles.',
    'Copy or download it again, or convert it with another program first.',
  );
}
