import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PictureShape } from '../condition/source-pictures.ts';
import type { PictureRequest } from '../pictures.worker.ts';
import { type Finish, finished } from '../reconstruct/finish.ts';
import { PictureWorkers } from './picture-workers.ts';

const SIZE = { width: 16, height: 16 };

function work(): Finish {
  const decoded = Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i));
  return { decoded, source: null, padded: SIZE, worked: SIZE, encodable: true };
}

/** What becomes of workers' scripts; one that comes finishes pictures as the real one does. */
let scripts: 'come' | 'fail' | 'never come';
let spawned: number;

class HandWorker extends EventTarget {
  constructor() {
    super();
    spawned += 1;
    if (scripts === 'come') setTimeout(() => this.#say({ started: true }));
    if (scripts === 'fail') setTimeout(() => this.dispatchEvent(new Event('error', { cancelable: true })));
  }

  postMessage(request: PictureRequest): void {
    if (scripts !== 'come' || request.kind !== 'finish') return;
    // A transfer takes it away from whoever sent it.
    const decoded = request.work.decoded.slice();
    request.work.decoded.fill(Number.NaN);
    setTimeout(() => this.#say({ id: request.id, made: finished({ ...request.work, decoded }), milliseconds: 1 }));
  }

  terminate(): void {}

  #say(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

beforeEach(() => {
  spawned = 0;
  vi.stubGlobal('Worker', HandWorker);
  vi.stubGlobal('location', { href: 'http://localhost/' });
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
});

afterEach(() => {
  vi.useRealTimers();
  // So that the next test starts its own.
  void PictureWorkers.shared()
    ?.noise({} as never)
    .catch(() => undefined);
  PictureWorkers.forget();
  vi.unstubAllGlobals();
});

test('pictures are finished by a worker', async () => {
  scripts = 'come';
  const given = work();
  expect(await PictureWorkers.shared()!.finish(given)).toEqual(finished(work()));
  expect(given.decoded[0]).toBeNaN();
  expect(spawned).toBe(2);
});

test('where its script can’t be had, by the caller, to the same picture', async () => {
  scripts = 'fail';
  const workers = PictureWorkers.shared()!;
  const finishing = workers.finish(work());
  const making = workers.make(1, {} as PictureShape, { index: 0 } as never, null, 0);
  await expect(making).rejects.toThrow();
  expect(await finishing).toEqual(finished(work()));
  expect(await workers.finish(work())).toEqual(finished(work()));
  // Nobody answers there any more.
  await expect(workers.noise({} as never)).rejects.toThrow();
});

test('where it never comes, the same, after a while', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  scripts = 'never come';
  const workers = PictureWorkers.shared()!;
  const finishing = workers.finish(work());
  const making = workers.make(1, {} as PictureShape, { index: 0 } as never, null, 0);
  const unmade = expect(making).rejects.toThrow('did not start');
  await vi.advanceTimersByTimeAsync(31_000);
  await unmade;
  expect(await finishing).toEqual(finished(work()));
  expect(vi.getTimerCount()).toBe(0);
});
