/** Page end of the engine's test harness: `window.engine(command)` runs one command in a fresh module worker. */

import type { Command, Result } from './harness.worker.ts';

function engine(command: Command): Promise<Result> {
  const worker = new Worker(new URL('./harness.worker.ts', import.meta.url), { type: 'module' });
  return new Promise<Result>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<Result>) => resolve(data));
    worker.addEventListener('error', (event) => reject(new Error(`worker: ${event.message}`)));
    worker.postMessage(command);
  }).finally(() => worker.terminate());
}

Object.assign(window, { engine });
