/** Page end of the media room's test harness: `window.media(command)` runs one command in a module worker. */

import type { Command, Result } from './harness.worker.ts';

const worker = new Worker(new URL('./harness.worker.ts', import.meta.url), { type: 'module' });
let nextId = 0;

function media(command: Command): Promise<Result> {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    const listen = ({ data }: MessageEvent) => {
      if (data.id !== id) return;
      worker.removeEventListener('message', listen);
      resolve(data.result);
    };
    worker.addEventListener('message', listen);
    worker.addEventListener('error', (event) => reject(new Error(`worker: ${event.message}`)), { once: true });
    worker.postMessage({ id, command });
  });
}

Object.assign(window, { media });
