/** Page end of the fault harness: `window.faults(command)` runs a job in a fresh worker, as a page opened anew would. */

import type { FaultCommand, FaultResult } from './faults.worker.ts';

/** Frames finished by the job that runs now, for tests that do something from outside in its middle. */
let framesDone = 0;

function faults(command: FaultCommand): Promise<FaultResult> {
  framesDone = 0;
  const worker = new Worker(new URL('./faults.worker.ts', import.meta.url), { type: 'module' });
  return new Promise<FaultResult>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<FaultResult | { framesDone: number }>) => {
      if ('framesDone' in data) framesDone = data.framesDone;
      else resolve(data);
    });
    worker.addEventListener('error', (event) => reject(new Error(`worker: ${event.message}`)));
    worker.postMessage(command);
  }).finally(() => worker.terminate());
}

Object.assign(window, { faults, faultFramesDone: () => framesDone });
