import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepAwake } from './wake-lock.ts';

class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = 'visible';

  turn(state: DocumentVisibilityState): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

let page: Page;
let held: { released: boolean; release(): Promise<void> }[];
const request = vi.fn(async () => {
  const lock = {
    released: false,
    async release() {
      lock.released = true;
    },
  };
  held.push(lock);
  return lock;
});
const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  page = new Page();
  held = [];
  request.mockClear();
  vi.stubGlobal('document', page);
  vi.stubGlobal('navigator', { wakeLock: { request } });
});

afterEach(() => vi.unstubAllGlobals());

it('holds the screen from the start, and lets it go at the end', async () => {
  const release = keepAwake();
  await settle();
  expect(request).toHaveBeenCalledWith('screen');
  release();
  await settle();
  expect(held.map(({ released }) => released)).toEqual([true]);
  page.turn('visible');
  expect(request).toHaveBeenCalledTimes(1);
});

it('takes it again on return, since browsers drop it while the page is hidden', async () => {
  const release = keepAwake();
  page.turn('hidden');
  expect(request).toHaveBeenCalledTimes(1);
  page.turn('visible');
  await settle();
  expect(request).toHaveBeenCalledTimes(2);
  release();
  await settle();
  expect(held.at(-1)!.released).toBe(true);
});

it('asks for nothing while hidden, and does without where it is refused or not known', async () => {
  page.visibilityState = 'hidden';
  keepAwake()();
  expect(request).not.toHaveBeenCalled();
  page.visibilityState = 'visible';
  request.mockRejectedValueOnce(new DOMException('low battery', 'NotAllowedError'));
  keepAwake()();
  await settle();
  vi.stubGlobal('navigator', {});
  keepAwake()();
  await settle();
});
