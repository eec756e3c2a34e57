import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled, EnhancerError } from '../../workers/errors.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { JobPlan } from '../../workers/plan/job-plan.ts';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import type { UnfinishedJob } from '../../workers/protocol.ts';
import { HandEnhancer } from './fixtures/hand-enhancer.ts';
import { createSession, type Session } from './session.ts';

const CLIP = new File(['clip'], 'clip.mp4');
const STOPPED: UnfinishedJob = {
  id: '1-a',
  fileName: 'clip.mp4',
  fileBytes: CLIP.size,
  hasSource: false,
  startedAtMs: 1,
  updatedAtMs: 2,
  settings: { ...DEFAULT_SETTINGS, seed: 42 },
  plan: { refusals: [], output: { frameCount: 10 } } as unknown as JobPlan,
  framesDone: 4,
  paused: false,
};

let engine: HandEnhancer;
let session: Session;
const state = () => session.store.getState();
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(async () => {
  vi.useFakeTimers();
  session = createSession(
    (options) => {
      engine = new HandEnhancer(options);
      engine.stopped = [STOPPED];
      return engine;
    },
    { provider: 'auto', memoryBudgetBytes: null, modelsUrl: 'http://localhost/models/' },
  );
  await settle();
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

const probed = async () => {
  await settle();
  engine.probes.at(-1)!.answer.resolve({ name: 'clip.mp4' } as ClipInfo);
  await settle();
};

describe('an interrupted job', () => {
  it('is offered as soon as the page is there', () => {
    expect(state().unfinished).toEqual([STOPPED]);
  });

  it('that storage could not be asked for, as on a full disk, is offered when it can', async () => {
    session.close();
    session = createSession(
      (options) => {
        engine = new HandEnhancer(options);
        engine.stopped = [STOPPED];
        engine.unreadable = new EnhancerError('STORAGE_FAILED', 'Out of reach.', 'Free some disk space.');
        return engine;
      },
      { provider: 'auto', memoryBudgetBytes: null, modelsUrl: 'http://localhost/models/' },
    );
    await vi.advanceTimersByTimeAsync(20_000);
    expect(state().unfinished).toEqual([]);
    engine.unreadable = null;
    await vi.advanceTimersByTimeAsync(3000);
    expect(state().unfinished).toEqual([STOPPED]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that its own tab was still letting go of is offered when that is done', async () => {
    const held = { ...STOPPED, id: '2-b' };
    engine.stopped = [held, STOPPED];
    await settle();
    expect(state().unfinished).toEqual([STOPPED]);
    engine.otherWork.resolve(true);
    await settle();
    expect(state().unfinished).toEqual([held, STOPPED]);
  });

  it('whose clip can be reopened goes on by its own recipe', async () => {
    engine.sources.set(STOPPED.id, CLIP);
    void session.goOn(STOPPED.id);
    await probed();
    expect(state().phase).toMatchObject({ kind: 'running', clip: { file: CLIP }, run: { settings: STOPPED.settings } });
    expect(engine.jobs.map(({ id }) => id)).toEqual([STOPPED.id]);
    expect(state().unfinished).toEqual([]);
    engine.stopped = [];
    engine.jobs[0]!.finish();
    await settle();
    expect(state().phase.kind).toBe('finished');
  });

  it('whose clip cannot be reopened takes the next file that is chosen', async () => {
    await session.goOn(STOPPED.id);
    expect(state()).toMatchObject({ phase: { kind: 'empty' }, wanted: STOPPED });
    void session.open(CLIP.name, CLIP);
    await probed();
    expect(state()).toMatchObject({ phase: { kind: 'running' }, wanted: null });
    expect(engine.jobs[0]!.file).toBe(CLIP);
  });

  it('is offered again when going on failed, and says why', async () => {
    engine.sources.set(STOPPED.id, CLIP);
    void session.goOn(STOPPED.id);
    await probed();
    engine.jobs[0]!.fail(new EnhancerError('SOURCE_CHANGED', 'Another clip.', 'Choose the right one.'));
    await settle();
    expect(state()).toMatchObject({
      phase: { kind: 'ready' },
      failure: { error: { code: 'SOURCE_CHANGED' } },
      unfinished: [STOPPED],
    });
  });

  it('is saved as far as it is, with the sound of the clip that is open, if it is its own', async () => {
    expect((await session.saveFinished(STOPPED.id))?.name).toBe('part.mp4');
    void session.open(CLIP.name, CLIP);
    await probed();
    await session.saveFinished(STOPPED.id);
    expect(engine.saves.map(({ file }) => file)).toEqual([null, CLIP]);
  });

  it('is gone once discarded', async () => {
    await session.discardJob(STOPPED.id);
    expect(state().unfinished).toEqual([]);
  });
});

it('a job cancelled with nothing finished leaves no offer behind; with something, it does', async () => {
  for (const [framesDone, offers] of [
    [0, 1],
    [3, 2],
  ] as const) {
    void session.open(CLIP.name, CLIP);
    await probed();
    engine.plans.at(-1)!.answer.resolve(STOPPED.plan);
    await settle();
    session.enhance();
    const job = engine.jobs.at(-1)!;
    engine.stopped = [{ ...STOPPED, id: job.id, framesDone }, STOPPED];
    job.fail(cancelled());
    await settle();
    expect(state().unfinished).toHaveLength(offers);
  }
});
