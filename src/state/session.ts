/**
 * What the page knows and what a person can do: the state of one visit over an {@link Enhancer}. No React, no DOM.
 *
 * Every answer of the engine carries a ticket taken when it was asked for; an answer whose ticket is no longer the
 * newest is dropped. Errors end as {@link SessionState.failure}, never as a rejection.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../workers/plan/settings.ts';
import type { EngineOptions, UnfinishedJob } from '../../workers/protocol.ts';
import type { Enhancer, Job, JobResult, JobUpdate } from '../client/enhancer.ts';
import { NO_ESTIMATE, noteProgress } from './estimate.ts';
import { keepMoment, NO_MOMENTS } from './moments.ts';
import {
  canEnhance,
  type Failure,
  type FinishedPhase,
  type FinishedResult,
  type LoadedClip,
  type PlanState,
  type ReadyPhase,
  type Run,
  type SessionState,
  shownPlan,
} from './phase.ts';
import { createReplanner } from './replanner.ts';
import { isOutOfReach, whenWithinReach } from './within-reach.ts';

export const REPLAN_DELAY_MS = 150;
export const POSTER_MAX_WIDTH = 1920;

export interface Session {
  readonly store: StoreApi<SessionState>;
  /** The engine of now: another one after the memory budget changed. */
  engine(): Enhancer;
  /** Opens a file, or something that becomes one (the sample, fetched). Refused while a run is under way. */
  open(fileName: string, file: File | Promise<File>): Promise<void>;
  changeSettings(patch: Partial<Settings>): void;
  /** Starts the engine anew with this budget; null lets it choose. Refused while a run is under way. */
  changeMemoryBudget(bytes: number | null): void;
  replan(): void;
  enhance(): void;
  /** Follows a job that was begun elsewhere: a queue's turn. */
  attend(started: Job, file: File, settings: Settings): Promise<void>;
  pause(): void;
  resume(): void;
  cancel(): void;
  /** Back to the drop zone; results stay. */
  startOver(): void;
  /** From a result back to its clip, to choose another moment, part or strength; the result stays among the earlier ones. */
  backToClip(): void;
  /** It was handed to the browser's downloads, which don't say what became of it: its journal stays, unless the history has the file. */
  markDownloaded(resultId: number): void;
  /** It lies somewhere outside, whole: its journal has done its work. */
  markWritten(resultId: number): void;
  /** The history has the file: its journal has done its work. */
  dropJournal(jobId: string): void;
  dismissFailure(): void;
  changeKeepSource(keepSource: boolean): void;
  /** Goes on with an interrupted job; where its clip can't be opened, asks for it through {@link SessionState.wanted}. */
  goOn(jobId: string): Promise<void>;
  /** What is finished of an interrupted job; null where that failed. */
  saveFinished(jobId: string): Promise<File | null>;
  discardJob(jobId: string): Promise<void>;
  close(): void;
}

/**
 * @param openEnhancer makes an engine; called again when the options change.
 * @param engine the options of the first one.
 */
export function createSession(openEnhancer: (options: EngineOptions) => Enhancer, engine: EngineOptions): Session {
  const store = createStore<SessionState>(() => ({
    engine,
    device: { kind: 'checking' },
    settings: DEFAULT_SETTINGS,
    phase: { kind: 'empty' },
    poster: null,
    failure: null,
    remark: null,
    results: [],
    downloadedResultIds: [],
    unfinished: [],
    wanted: null,
    keepSource: false,
  }));
  const get = store.getState;
  const set = (patch: Partial<SessionState>): void => store.setState(patch);

  let enhancer: Enhancer;
  let job: Job | null = null;
  let newestOpening = 0;
  let newestRun = 0;
  /** For the list of interrupted jobs, once a while. */
  let isAsking = false;
  let isClosed = false;

  const replanner = createReplanner(
    (clip, settings) => enhancer.plan(clip, settings),
    (plan) => setPlan({ kind: 'made', plan }),
    (error) => setPlan({ kind: 'failed', error: toErrorData(error) }),
  );

  startEngine(engine);
  void offerUnfinished();

  function startEngine(options: EngineOptions): void {
    const started = openEnhancer(options);
    enhancer = started;
    set({ engine: options, device: { kind: 'checking' } });
    started.device.then(
      (info) => {
        if (enhancer === started) set({ device: { kind: 'found', info } });
      },
      (error: unknown) => {
        if (enhancer === started) set({ device: { kind: 'failed', error: toErrorData(error) } });
      },
    );
  }

  function setPlan(plan: PlanState): void {
    const { phase } = get();
    if (phase.kind === 'ready' || phase.kind === 'finished') set({ phase: { ...phase, plan } });
  }

  function requestPlan(delayMs: number): void {
    const { phase, settings } = get();
    if (phase.kind !== 'ready' && phase.kind !== 'finished') return;
    setPlan({ kind: 'pending', previous: shownPlan(phase.plan) });
    replanner.request(phase.clip.info, settings, delayMs);
  }

  function fail(during: Failure['during'], fileName: string, error: ErrorData): void {
    set({ failure: { during, fileName, error } });
  }

  async function open(fileName: string, pending: File | Promise<File>): Promise<void> {
    const { phase } = get();
    if (phase.kind === 'running') {
      set({ remark: 'busy' });
      return;
    }
    const { wanted } = get();
    newestOpening += 1;
    const ticket = newestOpening;
    const before = phase.kind === 'probing' ? phase.before : phase;
    set({ phase: { kind: 'probing', fileName, before }, failure: null, remark: null });
    try {
      const file = await pending;
      if (wanted !== null && ticket === newestOpening) {
        await goOnWith(wanted, async () => file);
        return;
      }
      const info = await enhancer.probe(file);
      if (ticket !== newestOpening) return;
      const clip: LoadedClip = { file, info };
      // A chosen part is one of the clip that it was chosen in.
      const settings = { ...get().settings, range: null };
      set({ settings, phase: { kind: 'ready', clip, plan: { kind: 'pending', previous: null } }, poster: null });
      requestPlan(0);
      await fetchPoster(clip);
    } catch (error) {
      if (ticket !== newestOpening) return;
      fail('open', fileName, toErrorData(error));
      set({ phase: before });
      requestPlan(0);
    }
  }

  async function fetchPoster(clip: LoadedClip): Promise<void> {
    // A clip without a poster can still be enhanced, and if it can't, the job says why in better words.
    const poster = await enhancer.poster(clip.file, POSTER_MAX_WIDTH).catch(() => null);
    const { phase } = get();
    if ('clip' in phase && phase.clip === clip) set({ poster });
  }

  function enhance(): void {
    const { phase, settings, keepSource } = get();
    if ((phase.kind !== 'ready' && phase.kind !== 'finished') || !canEnhance(phase.plan)) return;
    begin(phase, () => enhancer.enhance(phase.clip.file, settings, keepSource));
  }

  async function attend(started: Job, file: File, settings: Settings): Promise<void> {
    const { phase } = get();
    if (phase.kind === 'running') return;
    newestOpening += 1;
    const before = phase.kind === 'probing' ? phase.before : phase;
    set({ phase: { kind: 'probing', fileName: file.name, before }, failure: null, remark: null });
    try {
      const clip: LoadedClip = { file, info: await enhancer.probe(file) };
      set({ settings, poster: null });
      begin({ kind: 'ready', clip, plan: { kind: 'pending', previous: null } }, () => started);
      await fetchPoster(clip);
    } catch (error) {
      fail('open', file.name, toErrorData(error));
      set({ phase: before });
    }
  }

  function begin(phase: ReadyPhase | FinishedPhase, start: () => Job): void {
    replanner.drop();
    newestRun += 1;
    const run: Run = {
      id: newestRun,
      settings: get().settings,
      progress: null,
      estimate: NO_ESTIMATE,
      latest: null,
      moments: NO_MOMENTS,
      flow: 'going',
      holds: null,
    };
    set({
      phase: { kind: 'running', clip: phase.clip, plan: phase.plan, run, before: phase },
      failure: null,
      remark: null,
    });
    try {
      job = start();
    } catch (error) {
      settleFailed(run.id, error);
      return;
    }
    void follow(run.id, job);
  }

  /** Again when a job that ran meanwhile has ended: a tab closed at its work may need a moment to be gone, another one may end later. */
  async function offerUnfinished(): Promise<void> {
    const ended = enhancer.workEnded();
    await refreshUnfinished();
    if (await ended) await refreshUnfinished();
  }

  async function refreshUnfinished(): Promise<void> {
    // A list that can't be had is an empty one: nothing of this visit hangs on it. One that can be had later is shown then.
    const ask = () => enhancer.unfinished();
    const found = await ask().catch((error: unknown) => {
      if (!isAsking && isOutOfReach(error)) void showWhenAnswered(ask);
      return [];
    });
    showUnfinished(found);
  }

  async function showWhenAnswered(ask: () => Promise<readonly UnfinishedJob[]>): Promise<void> {
    isAsking = true;
    const found = await whenWithinReach(ask, () => !isClosed).catch(() => null);
    isAsking = false;
    if (found) showUnfinished(found);
  }

  function showUnfinished(found: readonly UnfinishedJob[]): void {
    const { results } = get();
    set({ unfinished: found.filter(({ id }) => !results.some(({ jobId }) => jobId === id)) });
  }

  async function goOnWith(wanted: UnfinishedJob, find: () => Promise<File | null>): Promise<void> {
    const { phase } = get();
    if (phase.kind === 'running') return;
    newestOpening += 1;
    const ticket = newestOpening;
    const before = phase.kind === 'probing' ? phase.before : phase;
    const { fileName, settings, plan } = wanted;
    set({ phase: { kind: 'probing', fileName, before }, failure: null, remark: null, wanted: null });
    try {
      const file = await find();
      if (ticket !== newestOpening) return;
      if (file === null) {
        set({ phase: before, wanted });
        return;
      }
      const info = await enhancer.probe(file);
      if (ticket !== newestOpening) return;
      const clip: LoadedClip = { file, info };
      set({ settings, poster: null, unfinished: get().unfinished.filter(({ id }) => id !== wanted.id) });
      begin({ kind: 'ready', clip, plan: { kind: 'made', plan } }, () => enhancer.continue(wanted.id, file));
      await fetchPoster(clip);
    } catch (error) {
      if (ticket !== newestOpening) return;
      fail('open', fileName, toErrorData(error));
      set({ phase: before });
    }
  }

  async function saveFinished(jobId: string): Promise<File | null> {
    const { phase, unfinished } = get();
    const wanted = unfinished.find(({ id }) => id === jobId);
    if (!wanted) return null;
    try {
      const here = 'clip' in phase && phase.clip.file.name === wanted.fileName ? phase.clip.file : null;
      const sameSize = here?.size === wanted.fileBytes ? here : null;
      return (await enhancer.save(jobId, sameSize ?? (await enhancer.source(jobId)))).output;
    } catch (error) {
      fail('save', wanted.fileName, toErrorData(error));
      return null;
    }
  }

  async function discardJob(jobId: string): Promise<void> {
    const { wanted } = get();
    await enhancer.discard(jobId).catch((error: unknown) => fail('control', 'the job', toErrorData(error)));
    set({ wanted: wanted?.id === jobId ? null : wanted });
    await refreshUnfinished();
  }

  function markDownloaded(resultId: number): void {
    const { downloadedResultIds } = get();
    if (!downloadedResultIds.includes(resultId)) set({ downloadedResultIds: [...downloadedResultIds, resultId] });
  }

  /** What can't be dropped is offered again, and a person discards it. */
  function dropJournal(jobId: string): void {
    void enhancer.discard(jobId).catch(() => undefined);
  }

  async function follow(runId: number, started: Job): Promise<void> {
    started.result.then(
      (result) => settleFinished(runId, result),
      (error: unknown) => settleFailed(runId, error),
    );
    try {
      for await (const update of started.updates) applyUpdate(runId, update);
    } catch {
      // The result rejects with the same cause, in better words.
    }
  }

  function patchRun(runId: number, patch: Partial<Run>): void {
    const { phase } = get();
    if (phase.kind === 'running' && phase.run.id === runId)
      set({ phase: { ...phase, run: { ...phase.run, ...patch } } });
  }

  function applyUpdate(runId: number, update: JobUpdate): void {
    const { phase } = get();
    if (phase.kind !== 'running' || phase.run.id !== runId) return;
    const { run } = phase;
    switch (update.kind) {
      case 'planned':
        set({
          phase: {
            ...phase,
            plan: { kind: 'made', plan: update.plan },
            run: { ...run, estimate: { ...run.estimate, firstSeconds: update.plan.seconds } },
          },
        });
        return;
      case 'progress':
        patchRun(runId, { progress: update.progress, estimate: noteProgress(run.estimate, update.progress) });
        return;
      case 'frame':
        patchRun(runId, { latest: update.latest, moments: keepMoment(run.moments, update.latest) });
        return;
      case 'paused':
        if (run.flow !== 'cancelling') patchRun(runId, { flow: 'paused', holds: update.holds ?? null });
        return;
      case 'resumed':
        if (run.flow !== 'cancelling') patchRun(runId, { flow: 'going' });
        return;
    }
  }

  function settleFinished(runId: number, { report, output }: JobResult): void {
    const { phase, results } = get();
    if (phase.kind !== 'running' || phase.run.id !== runId) return;
    const jobId = job?.id ?? '';
    job = null;
    const { clip, run, plan } = phase;
    const result: FinishedResult = {
      id: runId,
      jobId,
      clip,
      settings: run.settings,
      frameRate: shownPlan(plan)?.output.frameRate ?? null,
      plan: shownPlan(plan),
      report,
      output,
      moments: run.moments.frames,
    };
    // Pictures are large and only the newest result is compared: the others keep their output alone.
    const earlier = results.map((each) => ({ ...each, moments: [] }));
    set({ phase: { kind: 'finished', clip, plan, result }, results: [result, ...earlier] });
    requestPlan(0);
  }

  function settleFailed(runId: number, cause: unknown): void {
    const { phase } = get();
    if (phase.kind !== 'running' || phase.run.id !== runId) return;
    const stopped = job;
    job = null;
    const error = toErrorData(cause);
    set({ phase: phase.before });
    if (error.code === 'CANCELLED') set({ remark: 'cancelled' });
    else fail('enhance', phase.clip.file.name, error);
    requestPlan(0);
    void offerStopped(stopped?.id ?? null, error.code === 'CANCELLED');
  }

  /** A job that was cancelled before anything was finished is not worth an offer. */
  async function offerStopped(jobId: string | null, wasCancelled: boolean): Promise<void> {
    const stoppedJob = () => get().unfinished.find(({ id }) => id === jobId);
    // A worker that was ended holds its files and its lock a moment longer.
    for (let tries = 0; tries < 8 && jobId !== null && get().phase.kind !== 'running'; tries += 1) {
      await refreshUnfinished();
      if (stoppedJob()) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    // One that hangs in its storage holds them until that answers.
    if (jobId !== null && !stoppedJob() && (await enhancer.workEnded())) await refreshUnfinished();
    const stopped = stoppedJob();
    if (stopped && wasCancelled && stopped.framesDone === 0) await discardJob(stopped.id);
  }

  /** Asks the job for something; what it can't do is told, and the run goes on. */
  function control(flow: Run['flow'], fallback: Run['flow'], ask: (running: Job) => Promise<void>): void {
    const { phase } = get();
    if (phase.kind !== 'running' || job === null) return;
    const { run, clip } = phase;
    patchRun(run.id, { flow });
    ask(job).catch((cause: unknown) => {
      const error = toErrorData(cause);
      // A cancel takes a pause that was still waiting with it; the result says so.
      if (error.code === 'CANCELLED') return;
      const now = get().phase;
      if (now.kind !== 'running' || now.run.id !== run.id) return;
      patchRun(run.id, { flow: fallback });
      fail('control', clip.file.name, error);
    });
  }

  return {
    store,
    engine: () => enhancer,
    open,
    changeSettings(patch) {
      if (get().phase.kind === 'running') return;
      set({ settings: { ...get().settings, ...patch }, remark: null });
      requestPlan(REPLAN_DELAY_MS);
    },
    changeMemoryBudget(bytes) {
      const { phase, engine: current } = get();
      if (phase.kind === 'running' || phase.kind === 'probing' || bytes === current.memoryBudgetBytes) return;
      isClosed = true;
      replanner.drop();
      enhancer.close();
      startEngine({ ...current, memoryBudgetBytes: bytes });
      requestPlan(0);
    },
    replan: () => requestPlan(0),
    enhance,
    attend,
    pause: () => control('pausing', 'going', (running) => running.pause()),
    resume: () => control('resuming', 'paused', (running) => running.resume()),
    cancel: () => control('cancelling', 'going', (running) => running.cancel()),
    startOver() {
      if (get().phase.kind === 'running') return;
      newestOpening += 1;
      replanner.drop();
      set({ phase: { kind: 'empty' }, poster: null, failure: null, remark: null, wanted: null });
    },
    backToClip() {
      const { phase } = get();
      if (phase.kind === 'finished')
        set({ phase: { kind: 'ready', clip: phase.clip, plan: phase.plan }, failure: null });
    },
    markDownloaded,
    markWritten(resultId) {
      markDownloaded(resultId);
      const result = get().results.find(({ id }) => id === resultId);
      if (result) dropJournal(result.jobId);
    },
    dropJournal,
    dismissFailure: () => set({ failure: null }),
    changeKeepSource: (keepSource) => set({ keepSource }),
    async goOn(jobId) {
      const wanted = get().unfinished.find(({ id }) => id === jobId);
      if (wanted) await goOnWith(wanted, () => enhancer.source(jobId));
    },
    saveFinished,
    discardJob,
    close() {
      isClosed = true;
      replanner.drop();
      enhancer.close();
    },
  };
}
