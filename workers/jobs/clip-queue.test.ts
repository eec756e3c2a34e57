import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../plan/settings.ts';
import { MemoryFile } from './byte-file.ts';
import { ClipQueue, changed, EMPTY_QUEUE, type QueuedClip, type QueueState } from './clip-queue.ts';
import type { JobStore } from './job-store.ts';

const clip = (id: string): QueuedClip => ({
  id,
  source: { name: `${id}.mp4`, bytes: 1, lastModified: 0, sampleHash: '' },
  settings: DEFAULT_SETTINGS,
  addedAtMs: 0,
  error: null,
});
const ids = ({ clips }: QueueState) => clips.map(({ id }) => id).join('');
const of = (letters: string): QueueState => ({ going: false, clips: [...letters].map(clip) });

describe('changes', () => {
  it.each([
    ['a', 2, 'bca'],
    ['a', 9, 'bca'],
    ['c', 0, 'cab'],
    ['c', -1, 'cab'],
    ['b', 1, 'abc'],
    ['x', 0, 'abc'],
  ])('%s to %i', (id, to, expected) => {
    expect(ids(changed(of('abc'), { kind: 'move', id, to }))).toBe(expected);
  });

  it('adds at the end, removes, fails and tries again', () => {
    const error = { code: 'DECODE_FAILED', message: 'Broken.', hint: 'Choose another.' } as const;
    expect(ids(changed(of('ab'), { kind: 'add', clip: clip('c') }))).toBe('abc');
    expect(ids(changed(of('abc'), { kind: 'remove', id: 'b' }))).toBe('ac');
    const failed = changed(of('ab'), { kind: 'failed', id: 'b', error });
    expect(failed.clips.map((each) => each.error?.code)).toEqual([undefined, 'DECODE_FAILED']);
    expect(changed(failed, { kind: 'failed', id: 'b', error: null }).clips[1]!.error).toBeNull();
  });
});

describe('on disk', () => {
  const storeOf = (files: [MemoryFile, MemoryFile]) => ({ queueFiles: async () => files }) as unknown as JobStore;

  it('is there again in another visit', async () => {
    const files: [MemoryFile, MemoryFile] = [new MemoryFile(), new MemoryFile()];
    const queue = new ClipQueue(storeOf(files));
    expect(await queue.read()).toEqual(EMPTY_QUEUE);
    for (const letter of 'abcd') await queue.change({ kind: 'add', clip: clip(letter) });
    await queue.change({ kind: 'move', id: 'd', to: 0 });
    await queue.change({ kind: 'going', going: true });
    const again = await new ClipQueue(storeOf(files)).read();
    expect(ids(again)).toBe('dabc');
    expect(again.going).toBe(true);
  });

  it('loses at most the change being written, at whichever byte it is cut short', async () => {
    const files: [MemoryFile, MemoryFile] = [new MemoryFile(), new MemoryFile()];
    const queue = new ClipQueue(storeOf(files));
    for (const letter of 'abc') await queue.change({ kind: 'add', clip: clip(letter) });
    const before = files.map(({ contents }) => contents);
    await queue.change({ kind: 'remove', id: 'a' });
    const written = files.findIndex(({ contents }, i) => Buffer.compare(contents, before[i]!) !== 0);
    const whole = files[written]!.contents;
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const torn: [MemoryFile, MemoryFile] = [new MemoryFile(), new MemoryFile()];
      torn[written]!.write(whole.subarray(0, cut));
      torn[1 - written]!.write(before[1 - written]!);
      expect(ids(await new ClipQueue(storeOf(torn)).read())).toBe(cut === whole.length ? 'bc' : 'abc');
    }
  });
});
