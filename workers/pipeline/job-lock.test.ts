import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { JOB_LOCK } from '../protocol.ts';
import { running, withJobLock } from './job-lock.ts';

/** A browser's locks, of one tab and whoever else holds some. */
class Locks {
  readonly held = new Set<string>();
  /** As Chromium's are where the disk has no room for its own notes: every request is answered as if another held it. */
  broken = false;

  async request(name: string, ...rest: unknown[]): Promise<unknown> {
    const work = rest.at(-1) as (lock: object | null) => unknown;
    if (this.broken || this.held.has(name)) return work(null);
    this.held.add(name);
    try {
      return await work({ name });
    } finally {
      this.held.delete(name);
    }
  }

  async query() {
    return { held: [...this.held].map((name) => ({ name })) };
  }
}

const NOTE = { id: 'a', fileName: 'one.mp4' };
let locks: Locks;
let clockMs = 0;

beforeEach(() => {
  locks = new Locks();
  vi.stubGlobal('navigator', { locks });
  vi.spyOn(performance, 'now').mockImplementation(() => {
    clockMs += 1000;
    return clockMs;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test('a job is known to all while it runs, and no longer', async () => {
  expect(await withJobLock(NOTE, async () => running())).toEqual([NOTE]);
  expect(await running()).toEqual([]);
  expect(locks.held.size).toBe(0);
});

test('another tab’s job is named', async () => {
  locks.held.add(JOB_LOCK).add(`venhancer running ${JSON.stringify({ id: 'b', fileName: 'two.mp4' })}`);
  await expect(withJobLock(NOTE, async () => 'done')).rejects.toMatchObject({
    code: 'BUSY',
    message: 'Another tab is enhancing two.mp4.',
  });
});

test('where the browser gives no lock and nobody has it, nobody is in the way', async () => {
  locks.broken = true;
  expect(await withJobLock(NOTE, async () => 'done')).toBe('done');
});
