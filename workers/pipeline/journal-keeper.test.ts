import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryFile } from '../jobs/byte-file.ts';
import { type JobRecord, Journal } from '../jobs/journal.ts';
import type { JobState } from './job.ts';
import { JournalKeeper } from './journal-keeper.ts';
import { PauseGate } from './pause-gate.ts';
import type { MeterState } from './progress.ts';

const JOB = { version: 1, id: 'job', startedAtMs: 1 } as JobRecord;
const EVALUATIONS = 4;
const METER = {} as MeterState;
const state = (taken: number) => (): JobState => ({ state: { taken, done: [], frames: [] }, extra: METER });

let nowMs: number;
beforeEach(() => {
  nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A disk that takes so long for a state. */
class SlowFile extends MemoryFile {
  readonly #flushMs: number;

  constructor(flushMs: number) {
    super();
    this.#flushMs = flushMs;
  }

  override flush(): void {
    nowMs += this.#flushMs;
  }
}

/** @returns the most evaluations that a kill would have cost at any time, and what share of the time the states took. */
function lostAtMost(evaluationMs: number, stateMs: number): { evaluations: number; share: number } {
  const journal = Journal.create<MeterState>(new MemoryFile(), [new SlowFile(stateMs), new SlowFile(stateMs)], JOB);
  const keeper = new JournalKeeper(
    journal,
    () => {},
    () => {},
  );
  let kept = 0;
  let most = 0;
  const start = nowMs;
  for (let done = 1; done <= 400; done += 1) {
    nowMs += evaluationMs;
    // The moment before this one is kept, or isn't.
    most = Math.max(most, done - kept);
    const before = keeper.written;
    keeper.passed(state(done), EVALUATIONS);
    if (keeper.written > before) kept = done;
  }
  return { evaluations: most, share: (keeper.written * stateMs) / (nowMs - start) };
}

describe('a kill costs at most a window’s work', () => {
  test.each([0, 10, 100, 500, 1000])('where a state takes %i ms, and a window four seconds', (stateMs) => {
    const { evaluations, share } = lostAtMost(1000, stateMs);
    expect(evaluations).toBeLessThanOrEqual(EVALUATIONS);
    expect(share).toBeLessThan(0.21);
  });

  test('more often where that is as good as free', () => {
    expect(lostAtMost(1000, 10).evaluations).toBe(1);
  });

  test('but where a state takes longer than a quarter of a window, four times what it takes', () => {
    const { evaluations, share } = lostAtMost(1000, 3000);
    expect(evaluations).toBeGreaterThan(EVALUATIONS);
    expect(evaluations).toBeLessThanOrEqual(12);
    expect(share).toBeLessThan(0.25);
  });
});

test('a pause where there is no state to be had is noted and told, and ended', async () => {
  const file = new MemoryFile();
  const journal = Journal.create<MeterState>(file, [new MemoryFile(), new MemoryFile()], JOB);
  const told: string[] = [];
  const keeper = new JournalKeeper(
    journal,
    () => told.push('held'),
    () => told.push('released'),
  );
  const gate = new PauseGate();
  const { signal } = new AbortController();
  expect(await keeper.holdWhilePaused(gate, signal)).toBe(0);
  expect(told).toEqual([]);
  gate.pause();
  const waiting = keeper.holdWhilePaused(gate, signal);
  await vi.waitFor(() => expect(told).toEqual(['held']));
  expect(Journal.open(file, null)!.paused).toBe(true);
  nowMs += 700;
  gate.resume();
  expect(await waiting).toBe(700);
  expect(told).toEqual(['held', 'released']);
  expect(Journal.open(file, null)!.paused).toBe(false);
});
