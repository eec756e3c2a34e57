import { expect, test } from 'vitest';
import type { HistoryEntry, HistoryRecord } from '../../workers/history-protocol.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { JobPlan } from '../../workers/plan/job-plan.ts';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import type { JobReport } from '../../workers/protocol.ts';
import type { KeepsHistory } from '../client/history-keeper.ts';
import { HandEnhancer } from './fixtures/hand-enhancer.ts';
import { createHistory } from './history.ts';
import { type FinishedResult, wouldLoseWork } from './phase.ts';
import { createSession } from './session.ts';

class HandKeeper implements KeepsHistory {
  entries: HistoryEntry[] = [];
  hasRoom = true;
  readonly sources = new Map<string, File>();
  async list() {
    return this.entries;
  }
  async add(record: HistoryRecord, output: File) {
    if (!this.hasRoom) return this.entries;
    this.entries = [{ ...record, id: `entry-${record.jobId}`, bytes: output.size, thumbnail: null }, ...this.entries];
    return this.entries;
  }
  async output() {
    return null;
  }
  async comment(file: File) {
    return file.name === 'made.mp4' ? 'recipe=1&scale=3' : null;
  }
  async source({ id }: HistoryEntry) {
    return this.sources.get(id) ?? null;
  }
  async remove({ id }: HistoryEntry) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    return this.entries;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const PLAN = { refusals: [], notices: [], output: {} } as unknown as JobPlan;
const EARLIER: HistoryEntry = {
  version: 1,
  id: 'entry-1',
  jobId: 'job-1',
  fileName: 'old.mp4',
  finishedAtMs: 0,
  settings: { ...DEFAULT_SETTINGS, scale: 4, range: { startUs: 0, endUs: 500 } },
  report: {} as JobReport,
  bytes: 10,
  thumbnail: null,
};

function opened() {
  const made: HandEnhancer[] = [];
  const session = createSession(
    (options) => {
      const enhancer = new HandEnhancer(options);
      made.push(enhancer);
      return enhancer;
    },
    { provider: 'auto', memoryBudgetBytes: null, modelsUrl: '' },
  );
  const keeper = new HandKeeper();
  keeper.entries = [EARLIER];
  return { session, enhancer: made[0]!, keeper, history: createHistory(keeper, session) };
}

/** One more job, from its clip to its file. */
async function finish({ session, enhancer }: ReturnType<typeof opened>): Promise<FinishedResult> {
  void session.open('clip.mp4', new File(['clip'], 'clip.mp4'));
  await settled();
  enhancer.probes.at(-1)!.answer.resolve({ width: 2, height: 2, timestampsUs: [0] } as unknown as ClipInfo);
  await settled();
  enhancer.plans.at(-1)!.answer.resolve(PLAN);
  await settled();
  session.enhance();
  enhancer.jobs.at(-1)!.finish(new File(['out'], 'clip-enhanced.mp4'));
  await settled();
  return session.store.getState().results[0]!;
}

test('what is finished is remembered, with its recipe', async () => {
  const visit = opened();
  const { session, keeper, history } = visit;
  await finish(visit);
  expect(history.store.getState().entries.map(({ fileName }) => fileName)).toEqual(['clip.mp4', 'old.mp4']);
  const kept = (id: string) => keeper.entries.some(({ jobId }) => jobId === id);
  expect(wouldLoseWork(session.store.getState())).toBe(true);
  expect(wouldLoseWork(session.store.getState(), kept)).toBe(false);
  expect(keeper.entries[0]).toMatchObject({ settings: DEFAULT_SETTINGS, report: { frameCount: 2 }, bytes: 3 });
});

test('a journal goes when its result was downloaded and is kept here', async () => {
  const visit = opened();
  const { session, enhancer } = visit;
  const { id, jobId } = await finish(visit);
  expect(enhancer.discarded).toEqual([]);
  session.markDownloaded(id);
  session.markDownloaded(id);
  expect(enhancer.discarded).toEqual([jobId]);
});

test('a download proves nothing: where there was no room to keep the result, its journal stays until it lies outside whole', async () => {
  const visit = opened();
  const { session, enhancer, keeper } = visit;
  keeper.hasRoom = false;
  const { id, jobId } = await finish(visit);
  session.markDownloaded(id);
  await settled();
  expect(enhancer.discarded).toEqual([]);
  expect(wouldLoseWork(session.store.getState())).toBe(false);
  session.markWritten(id);
  expect(enhancer.discarded).toEqual([jobId]);
});

test('an earlier one is run again with its recipe, on its clip where that can be opened', async () => {
  const { session, enhancer, keeper, history } = opened();
  await settled();
  await history.runAgain(EARLIER);
  expect(history.store.getState().wanted).toBe(EARLIER);
  expect(session.store.getState().settings.scale).toBe(4);
  expect(session.store.getState().phase.kind).toBe('empty');

  keeper.sources.set(EARLIER.id, new File(['clip'], 'old.mp4'));
  const again = history.runAgain(EARLIER);
  await settled();
  enhancer.probes[0]!.answer.resolve({ width: 2, height: 2, timestampsUs: [0] } as unknown as ClipInfo);
  await again;
  expect(session.store.getState().phase.kind).toBe('ready');
  expect(session.store.getState().settings).toEqual(EARLIER.settings);
  expect(history.store.getState().wanted).toBeNull();
});

test('a clip that is itself a result tells its recipe', async () => {
  const { session, enhancer, history } = opened();
  const info = { width: 2, height: 2, timestampsUs: [0], container: 'mp4' } as unknown as ClipInfo;
  for (const [name, scale] of [
    ['made.mp4', 3],
    ['filmed.mp4', undefined],
  ] as const) {
    void session.open(name, new File(['clip'], name));
    await settled();
    enhancer.probes.at(-1)!.answer.resolve(info);
    await settled();
    expect(history.store.getState().madeBy?.scale).toBe(scale);
  }
});

test('what is deleted is gone', async () => {
  const { history } = opened();
  await settled();
  await history.remove(EARLIER);
  expect(history.store.getState().entries).toEqual([]);
});
