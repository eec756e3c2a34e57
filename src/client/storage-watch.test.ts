import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryFile } from '../../workers/jobs/byte-file.ts';
import { type StorageNews, tellOfStorage, watched } from '../../workers/jobs/storage-watch.ts';
import { StorageWatch } from './storage-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  tellOfStorage(null);
  vi.useRealTimers();
});

test('a call that does not come back is noticed, once', () => {
  const stuck = vi.fn();
  const watch = new StorageWatch(stuck);
  watch.heard('begun');
  vi.advanceTimersByTime(59_000);
  expect(stuck).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100_000);
  expect(stuck).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('calls that come back never are, however many', () => {
  const stuck = vi.fn();
  const watch = new StorageWatch(stuck);
  for (let call = 0; call < 20; call += 1) {
    watch.heard('begun');
    vi.advanceTimersByTime(50_000);
    watch.heard('back');
    vi.advanceTimersByTime(50_000);
  }
  expect(stuck).not.toHaveBeenCalled();
  watch.heard('begun');
  watch.stop();
  vi.advanceTimersByTime(100_000);
  expect(stuck).not.toHaveBeenCalled();
});

test('files left open are the worker’s for as long as it lasts', () => {
  const watch = new StorageWatch(vi.fn());
  watch.heard('begun');
  watch.heard('back');
  expect(watch.unclosed).toBe(false);
  watch.heard('unclosed');
  watch.heard('begun');
  watch.heard('back');
  expect(watch.unclosed).toBe(true);
  watch.stop();
  expect(watch.unclosed).toBe(false);
});

test('whatever changes a file is told of before and after, what fails too', () => {
  const heard: StorageNews[] = [];
  tellOfStorage((news) => heard.push(news));
  const plain = new MemoryFile();
  const file = watched(plain);
  const calls = [
    () => file.write(Uint8Array.of(1, 2, 3), { at: 0 }),
    () => file.truncate(2),
    () => file.flush(),
    () => file.close(),
  ];
  for (const call of calls) {
    call();
    expect(heard.splice(0)).toEqual(['begun', 'back']);
  }
  expect(file.getSize()).toBe(2);
  const read = new Uint8Array(2);
  file.read(read, { at: 0 });
  expect([...read]).toEqual([1, 2]);
  expect(heard).toEqual([]);
  plain.write = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  expect(() => file.write(read, { at: 2 })).toThrow('full');
  expect(heard).toEqual(['begun', 'back']);
});

test('once there was no room, what was written to is left open for the worker’s end', () => {
  for (const answer of [null, 4294967288, 2]) {
    const heard: StorageNews[] = [];
    tellOfStorage((news) => heard.push(news));
    const closed: string[] = [];
    const file = (name: string) => {
      const plain = new MemoryFile();
      plain.close = () => void closed.push(name);
      return { plain, file: watched(plain) };
    };
    const [before, written, read, failed] = ['before', 'written', 'read', 'failed'].map(file);
    before!.file.write(Uint8Array.of(1), { at: 0 });
    before!.file.close();
    written!.file.write(Uint8Array.of(1), { at: 0 });
    failed!.plain.write = () => {
      if (answer === null) throw new DOMException('full', 'QuotaExceededError');
      return answer;
    };
    try {
      failed!.file.write(new Uint8Array(3), { at: 0 });
    } catch {
      // As a journal takes it.
    }
    heard.length = 0;
    for (const each of [written, read, failed]) each!.file.close();
    expect(closed).toEqual(['before', 'read']);
    expect(heard).toEqual(['unclosed', 'begun', 'back', 'unclosed']);
    // Nobody there to end the worker: closed as ever.
    tellOfStorage(null);
    written!.file.close();
    expect(closed).toEqual(['before', 'read', 'written']);
  }
});
