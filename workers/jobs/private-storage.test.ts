import { afterEach, expect, test, vi } from 'vitest';
import { ClipQueue, EMPTY_QUEUE } from './clip-queue.ts';
import { JobStore } from './job-store.ts';
import { privateStorage } from './private-storage.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const answering = (getDirectory?: () => Promise<unknown>) => vi.stubGlobal('navigator', { storage: { getDirectory } });
const failing = (name: string) => answering(() => Promise.reject(new DOMException('no', name)));

test('a browser without private storage, or that gives this page none, is one with memory alone', async () => {
  answering();
  expect(await privateStorage()).toBeNull();
  failing('SecurityError');
  expect(await privateStorage()).toBeNull();
  expect(await new ClipQueue(new JobStore()).read()).toEqual(EMPTY_QUEUE);
});

test('storage that can’t be read now is not taken for none, and is asked for again', async () => {
  failing('InvalidStateError');
  const store = new JobStore();
  const queue = new ClipQueue(store);
  await expect(queue.read()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await expect(store.unfinished(new Set()).next()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await expect(store.hasBegun('1-a')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  const missing = () => Promise.reject(new DOMException('none', 'NotFoundError'));
  answering(async () => ({ getFileHandle: missing, getDirectoryHandle: missing }));
  expect(await queue.read()).toEqual(EMPTY_QUEUE);
  expect(await store.unfinished(new Set()).next()).toEqual({ done: true, value: undefined });
  expect(await store.hasBegun('1-a')).toBe(false);
});
