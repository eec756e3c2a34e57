import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled, EnhancerError } from '../../workers/errors.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { JobPlan, Refusal } from '../../workers/plan/job-plan.ts';
import type { EngineOptions, JobProgress, LatestFrame } from '../../workers/protocol.ts';
import { DEVICE, HandEnhancer, POSTER } from './fixtures/hand-enhancer.ts';
import { canEnhance, type Phase, wouldLoseWork } from './phase.ts';
import { createSession, REPLAN_DELAY_MS, type Session } from './session.ts';

const OPTIONS: EngineOptions = { provider: 'auto', memoryBudgetBytes: null, modelsUrl: 'http://localhost/models/' };
const FILE = new File(['clip'], 'clip.mp4', { type: 'video/mp4' });
const OTHER = new File(['other'], 'other.mp4', { type: 'video/mp4' });
const TOO_LARGE: Refusal = { code: 'SIZE_TOO_LARGE', message: 'Too large.', hint: 'Choose a smaller scale.' };

const planFor = (width: number, refusals: readonly Refusal[] = []): JobPlan =>
  ({ output: { width }, refusals }) as unknown as JobPlan;
const progressAt = (fraction: number) => ({ fraction }) as JobProgress;
const frameAt = (frame: number): LatestFrame => ({ frame, timestampUs: 0, enhanced: POSTER, source: POSTER });

let engines: HandEnhancer[];
let session: Session;
const engine = () => engines.at(-1)!;
const state = () => session.store.getState();

beforeEach(() => {
  vi.useFakeTimers();
  engines = [];
  session = createSession((options) => {
    const made = new HandEnhancer(options);
    engines.push(made);
    return made;
  }, OPTIONS);
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

function phase<K extends Phase['kind']>(kind: K): Extract<Phase, { kind: K }> {
  const { phase: now } = state();
  expect(now.kind).toBe(kind);
  return now as Extract<Phase, { kind: K }>;
}

async function openClip(file = FILE, plan = planFor(640)) {
  void session.open(file.name, file);
  await settle();
  engine()
    .probes.at(-1)!
    .answer.resolve({ name: file.name } as ClipInfo);
  await settle();
  engine().plans.at(-1)!.answer.resolve(plan);
  await settle();
}

async function runToEnd() {
  session.enhance();
  const job = engine().jobs.at(-1)!;
  job.finish();
  await settle();
  engine().plans.at(-1)!.answer.resolve(planFor(640));
  await settle();
  return job;
}

describe('the device', () => {
  it('is being checked until the engine has found one', async () => {
    expect(state().device.kind).toBe('checking');
    engine().findDevice();
    await settle();
    expect(state().device).toEqual({ kind: 'found', info: DEVICE });
  });

  it('that cannot be had is told with its code', async () => {
    engine().loseDevice(new EnhancerError('PROVIDER_UNAVAILABLE', 'No WebGPU.', 'Leave out ?provider=webgpu.'));
    await settle();
    expect(state().device).toMatchObject({ kind: 'failed', error: { code: 'PROVIDER_UNAVAILABLE' } });
  });
});

describe('opening', () => {
  it('goes from empty over probing to ready, with poster and plan', async () => {
    void session.open(FILE.name, FILE);
    expect(phase('probing').fileName).toBe('clip.mp4');
    await settle();
    engine().probes[0]!.answer.resolve({ name: 'clip.mp4' } as ClipInfo);
    await settle();
    expect(phase('ready').plan).toEqual({ kind: 'pending', previous: null });
    expect(canEnhance(phase('ready').plan)).toBe(false);
    engine().plans[0]!.answer.resolve(planFor(640));
    await settle();
    expect(phase('ready').plan).toEqual({ kind: 'made', plan: planFor(640) });
    expect(state().poster).toBe(POSTER);
  });

  it('a file that is no video leaves an empty page, with the reason', async () => {
    void session.open(FILE.name, FILE);
    await settle();
    engine().probes[0]!.answer.reject(new EnhancerError('NOT_A_VIDEO', 'Not a video.', 'Choose a video.'));
    await settle();
    phase('empty');
    expect(state().failure).toMatchObject({ during: 'open', fileName: 'clip.mp4', error: { code: 'NOT_A_VIDEO' } });
  });

  it('a bad file dropped over a good clip leaves the good clip, planned', async () => {
    await openClip();
    void session.open(OTHER.name, OTHER);
    await settle();
    engine().probes[1]!.answer.reject(new EnhancerError('EMPTY_FILE', 'Empty.', 'Choose another.'));
    await settle();
    expect(phase('ready').clip.file).toBe(FILE);
    expect(state().failure?.error.code).toBe('EMPTY_FILE');
    engine().plans.at(-1)!.answer.resolve(planFor(640));
    await settle();
    expect(canEnhance(phase('ready').plan)).toBe(true);
  });

  it('takes the newest of two files, whichever is probed first', async () => {
    void session.open(FILE.name, FILE);
    void session.open(OTHER.name, OTHER);
    await settle();
    engine().probes[1]!.answer.resolve({ name: 'other.mp4' } as ClipInfo);
    await settle();
    engine().probes[0]!.answer.resolve({ name: 'clip.mp4' } as ClipInfo);
    await settle();
    expect(phase('ready').clip.file).toBe(OTHER);
  });

  it('a sample that cannot be fetched is a coded failure', async () => {
    await session.open('sample.mp4', Promise.reject(new EnhancerError('INTERNAL', 'Gone.', 'Choose your own.')));
    phase('empty');
    expect(state().failure?.error).toMatchObject({ code: 'INTERNAL', message: 'Gone.' });
  });
});

describe('planning', () => {
  it('waits for a pause in the changes, then asks once with the last of them', async () => {
    await openClip();
    session.changeSettings({ scale: 3 });
    session.changeSettings({ scale: 4 });
    expect(engine().plans).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    expect(engine().plans).toHaveLength(2);
    expect(engine().plans[1]!.settings.scale).toBe(4);
  });

  it('drops an answer that a later change has overtaken', async () => {
    await openClip();
    session.changeSettings({ scale: 3 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    session.changeSettings({ scale: 4 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    engine().plans[2]!.answer.resolve(planFor(1280));
    await settle();
    engine().plans[1]!.answer.resolve(planFor(960));
    await settle();
    expect(phase('ready').plan).toEqual({ kind: 'made', plan: planFor(1280) });
  });

  it('drops the error of an overtaken answer too', async () => {
    await openClip();
    session.changeSettings({ scale: 3 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    session.changeSettings({ scale: 4 });
    engine().plans[1]!.answer.reject(new Error('late'));
    await settle();
    expect(phase('ready').plan.kind).toBe('pending');
  });

  it('keeps the last figures on screen and Enhance usable while the next are on their way', async () => {
    await openClip();
    session.changeSettings({ scale: 3 });
    expect(phase('ready').plan).toEqual({ kind: 'pending', previous: planFor(640) });
    expect(canEnhance(phase('ready').plan)).toBe(true);
  });

  it('a refusal disables Enhance until a plan without one arrives', async () => {
    await openClip(FILE, planFor(9999, [TOO_LARGE]));
    session.enhance();
    phase('ready');
    expect(engine().jobs).toHaveLength(0);
    session.changeSettings({ scale: 1 });
    expect(canEnhance(phase('ready').plan)).toBe(false);
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    engine().plans.at(-1)!.answer.resolve(planFor(320));
    await settle();
    expect(canEnhance(phase('ready').plan)).toBe(true);
  });

  it('an error while planning is told, and asking again is possible', async () => {
    await openClip();
    session.changeSettings({ steps: 8 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    engine()
      .plans.at(-1)!
      .answer.reject(new EnhancerError('WORKER_FAILED', 'Ended.', 'Again.'));
    await settle();
    expect(phase('ready').plan).toMatchObject({ kind: 'failed', error: { code: 'WORKER_FAILED' } });
    session.replan();
    engine().plans.at(-1)!.answer.resolve(planFor(640));
    await settle();
    expect(phase('ready').plan.kind).toBe('made');
  });
});

describe('running', () => {
  it('carries plan, progress and the newest frame, and ends with the output', async () => {
    await openClip();
    session.changeSettings({ scale: 4 });
    session.enhance();
    const job = engine().jobs[0]!;
    expect(job.file).toBe(FILE);
    job.update({ kind: 'planned', plan: planFor(1280) }, { kind: 'progress', progress: progressAt(0.5) });
    job.update({ kind: 'frame', latest: frameAt(0) }, { kind: 'frame', latest: frameAt(1) });
    await settle();
    const running = phase('running');
    expect(running.plan).toEqual({ kind: 'made', plan: planFor(1280) });
    expect(running.run.progress?.fraction).toBe(0.5);
    expect(running.run.latest?.frame).toBe(1);
    expect(running.run.settings.scale).toBe(4);

    const output = new File(['mp4'], 'out.mp4');
    job.finish(output);
    await settle();
    expect(phase('finished').result.output).toBe(output);
    expect(phase('finished').result.moments.map((moment) => moment.frame)).toEqual([0, 1]);
    expect(state().results).toHaveLength(1);
  });

  it('a plan that was on its way when the run started does not replace the run’s own', async () => {
    await openClip();
    session.changeSettings({ scale: 4 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    session.enhance();
    engine().plans[1]!.answer.resolve(planFor(1));
    await settle();
    expect(phase('running').plan).toEqual({ kind: 'pending', previous: planFor(640) });
  });

  it('ignores new settings and new files until it is over', async () => {
    await openClip();
    session.enhance();
    session.changeSettings({ scale: 8 });
    await session.open(OTHER.name, OTHER);
    session.startOver();
    expect(phase('running').clip.file).toBe(FILE);
    expect(state().settings.scale).toBe(2);
    expect(state().remark).toBe('busy');
    expect(engine().probes).toHaveLength(1);
  });

  it('pauses and resumes when the engine says so', async () => {
    await openClip();
    session.enhance();
    const job = engine().jobs[0]!;
    session.pause();
    expect(phase('running').run.flow).toBe('pausing');
    job.update({ kind: 'paused' });
    await settle();
    expect(phase('running').run.flow).toBe('paused');
    session.resume();
    expect(phase('running').run.flow).toBe('resuming');
    job.update({ kind: 'resumed' });
    await settle();
    expect(phase('running').run.flow).toBe('going');
    expect(job.calls).toEqual(['pause', 'resume']);
  });

  it('a pause that the engine cannot do leaves the run going, and is told', async () => {
    await openClip();
    session.enhance();
    engine().jobs[0]!.pauseError = new EnhancerError('INTERNAL', 'Cannot pause.', 'Wait.');
    session.pause();
    await settle();
    expect(phase('running').run.flow).toBe('going');
    expect(state().failure).toMatchObject({ during: 'control', error: { message: 'Cannot pause.' } });
  });

  it('a pause that a cancel has overtaken is no failure', async () => {
    await openClip();
    session.enhance();
    const job = engine().jobs[0]!;
    job.pauseError = cancelled();
    session.pause();
    session.cancel();
    await settle();
    expect(phase('running').run.flow).toBe('cancelling');
    job.fail(cancelled());
    await settle();
    expect(state().failure).toBeNull();
    expect(state().remark).toBe('cancelled');
  });

  it('cancel returns to the settings without an alert', async () => {
    await openClip();
    session.enhance();
    const job = engine().jobs[0]!;
    session.cancel();
    expect(phase('running').run.flow).toBe('cancelling');
    job.update({ kind: 'paused' });
    job.fail(cancelled());
    await settle();
    expect(phase('ready').clip.file).toBe(FILE);
    expect(state().failure).toBeNull();
    expect(state().remark).toBe('cancelled');
    expect(job.calls).toEqual(['cancel']);
  });

  it('an error is told, and the same clip can be tried again', async () => {
    await openClip();
    session.enhance();
    engine().jobs[0]!.fail(new EnhancerError('DEVICE_LOST', 'The GPU was reset.', 'Try again.'));
    await settle();
    expect(state().failure).toMatchObject({ during: 'enhance', error: { code: 'DEVICE_LOST' } });
    engine().plans.at(-1)!.answer.resolve(planFor(640));
    await settle();
    session.enhance();
    expect(state().failure).toBeNull();
    phase('running');
  });
});

describe('what was made', () => {
  it('stays when the person goes back to the clip', async () => {
    await openClip();
    await runToEnd();
    const { clip, result } = phase('finished');
    session.backToClip();
    expect(phase('ready').clip).toBe(clip);
    expect(state().results).toEqual([result]);
    session.backToClip();
    phase('ready');
  });

  it('stays on screen when a further run fails or is cancelled', async () => {
    await openClip();
    await runToEnd();
    const { result } = phase('finished');
    session.changeSettings({ strength: 0.8 });
    session.enhance();
    engine().jobs[1]!.fail(new Error('boom'));
    await settle();
    expect(phase('finished').result).toBe(result);
    expect(state().failure?.error.code).toBe('INTERNAL');
    engine().plans.at(-1)!.answer.resolve(planFor(640));
    await settle();
    session.enhance();
    session.cancel();
    engine().jobs[2]!.fail(cancelled());
    await settle();
    expect(phase('finished').result).toBe(result);
    expect(state().results).toEqual([result]);
  });

  it('stays in the results after starting over and after another clip, newest first', async () => {
    await openClip();
    await runToEnd();
    session.startOver();
    phase('empty');
    expect(state().results).toHaveLength(1);
    await openClip(OTHER);
    await runToEnd();
    expect(state().results.map((result) => result.clip.file.name)).toEqual(['other.mp4', 'clip.mp4']);
  });

  it('keeps its pictures only while it is the newest; its output always', async () => {
    await openClip();
    session.enhance();
    engine().jobs[0]!.update({ kind: 'frame', latest: frameAt(0) });
    await settle();
    const output = new File(['mp4'], 'first.mp4');
    engine().jobs[0]!.finish(output);
    await settle();
    engine().plans.at(-1)!.answer.resolve(planFor(640));
    await settle();
    expect(state().results[0]!.moments).toHaveLength(1);
    session.enhance();
    engine().jobs[1]!.finish();
    await settle();
    expect(state().results[1]).toMatchObject({ output, moments: [] });
  });

  it('is guarded against closing the tab until it is downloaded', async () => {
    expect(wouldLoseWork(state())).toBe(false);
    await openClip();
    expect(wouldLoseWork(state())).toBe(false);
    session.enhance();
    expect(wouldLoseWork(state())).toBe(true);
    engine().jobs[0]!.finish();
    await settle();
    expect(wouldLoseWork(state())).toBe(true);
    session.markDownloaded(phase('finished').result.id);
    expect(wouldLoseWork(state())).toBe(false);
  });
});

describe('the memory budget', () => {
  it('opens the engine anew and plans again; the old one’s answers are dropped', async () => {
    await openClip();
    session.changeSettings({ scale: 3 });
    await vi.advanceTimersByTimeAsync(REPLAN_DELAY_MS);
    const first = engine();
    session.changeMemoryBudget(64_000_000);
    expect(first.closed).toBe(true);
    expect(engines).toHaveLength(2);
    expect(engine().options).toEqual({ ...OPTIONS, memoryBudgetBytes: 64_000_000 });
    first.plans.at(-1)!.answer.reject(new Error('closed'));
    first.findDevice();
    await settle();
    expect(phase('ready').plan.kind).toBe('pending');
    expect(state().device.kind).toBe('checking');
    engine().plans[0]!.answer.resolve(planFor(960));
    await settle();
    expect(phase('ready').plan).toEqual({ kind: 'made', plan: planFor(960) });
  });

  it('that has not changed leaves the engine alone', async () => {
    await openClip();
    session.changeMemoryBudget(null);
    expect(engines).toHaveLength(1);
  });

  it('cannot be changed under a running job', async () => {
    await openClip();
    session.enhance();
    session.changeMemoryBudget(1);
    expect(engines).toHaveLength(1);
    expect(engine().closed).toBe(false);
  });
});
