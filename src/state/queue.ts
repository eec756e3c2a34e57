/**
 * The queue across clips: what waits, and whose turn it is in this visit. The engine keeps it; here turns follow each other. Over a
 * session; no React, no DOM.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { QueueChange, QueueEntry } from '../../workers/protocol.ts';
import type { Session } from './session.ts';
import { isOutOfReach, whenWithinReach } from './within-reach.ts';

export interface QueueState {
  /** In the order of their turns. */
  readonly entries: readonly QueueEntry[];
  /** Whether in this visit the next begins when one is done. */
  readonly active: boolean;
  /** The entry whose job runs. */
  readonly atWork: string | null;
  /** One whose clip has to be chosen again: the next file chosen is taken for it. */
  readonly wanted: QueueEntry | null;
  /** Clips that were chosen together with the one on screen, to be enhanced with the same settings. */
  readonly companions: readonly File[];
  readonly error: ErrorData | null;
}

export interface ClipQueue {
  readonly store: StoreApi<QueueState>;
  /**
   * Takes chosen files: for the entry that waits for its clip, into the queue while a job runs, else the first to be opened and the others
   * as its companions.
   */
  take(files: readonly File[]): void;
  /** Adds the clip on screen and its companions with the settings of now. */
  addShown(): Promise<void>;
  start(): Promise<void>;
  /** The clip at work goes on; the next waits. */
  hold(): Promise<void>;
  /** By so many places. */
  move(id: string, places: number): Promise<void>;
  remove(id: string): Promise<void>;
  tryAgain(id: string): Promise<void>;
}

/** Follows the session from now on: when a job is done, the next turn begins. */
export function createQueue(session: Session): ClipQueue {
  const store = createStore<QueueState>(() => ({
    entries: [],
    active: false,
    atWork: null,
    wanted: null,
    companions: [],
    error: null,
  }));
  const get = store.getState;
  const set = (patch: Partial<QueueState>): void => store.setState(patch);
  let advancing = false;

  async function refresh(): Promise<boolean> {
    const { going, entries } = await session.engine().queue();
    set({ entries });
    return going;
  }

  async function change(wish: QueueChange): Promise<void> {
    try {
      set({ entries: (await session.engine().changeQueue(wish)).entries, error: null });
    } catch (error) {
      set({ error: toErrorData(error) });
    }
  }

  async function add(files: readonly File[], settings: Settings): Promise<void> {
    try {
      for (const file of files) {
        const { entries } = await session.engine().enqueue(file, settings, session.store.getState().keepSource);
        set({ entries, error: null });
      }
    } catch (error) {
      set({ error: toErrorData(error) });
    }
  }

  async function advance(): Promise<void> {
    const { kind } = session.store.getState().phase;
    if (advancing || !get().active || kind === 'running' || kind === 'probing') return;
    advancing = true;
    try {
      const turn = await session.engine().startNext();
      if (turn === null) {
        set({ active: false });
        await change({ kind: 'going', going: false });
      } else if (turn.started === null) {
        set({ active: false, wanted: turn.entry });
      } else {
        set({ atWork: turn.entry.id });
        await session.attend(turn.started.job, turn.started.file, turn.entry.settings);
      }
    } catch (error) {
      set({ active: false, atWork: null, error: toErrorData(error) });
    } finally {
      advancing = false;
    }
  }

  async function start(): Promise<void> {
    set({ active: true, wanted: null });
    await change({ kind: 'going', going: true });
    await advance();
  }

  /** A job's end holds the queue where it was cancelled, or met what the next would meet too. */
  async function afterRun(): Promise<void> {
    set({ atWork: null });
    const going = await refresh().catch(() => false);
    if (!going) set({ active: false });
    await advance();
  }

  session.store.subscribe((state, before) => {
    if (before.phase.kind === 'running' && state.phase.kind !== 'running') void afterRun();
    const clip = 'clip' in state.phase ? state.phase.clip : null;
    const clipBefore = 'clip' in before.phase ? before.phase.clip : null;
    // Companions belong to the clip that they came with.
    if (clipBefore !== null && clip !== clipBefore && state.phase.kind !== 'probing') set({ companions: [] });
  });
  // A list that can't be had is an empty one, until it can.
  refresh()
    .catch((error: unknown) => (isOutOfReach(error) ? whenWithinReach(refresh) : false))
    .catch(() => undefined);

  return {
    store,
    take(files) {
      const [first, ...others] = files;
      if (first === undefined) return;
      const { wanted } = get();
      if (wanted !== null) {
        session.engine().giveQueued(wanted.id, first);
        void start();
        return;
      }
      const { phase } = session.store.getState();
      if (phase.kind === 'running') {
        set({ active: true });
        void add(files, ofWholeClips(phase.run.settings)).then(() => change({ kind: 'going', going: true }));
        return;
      }
      void session.open(first.name, first).then(() => {
        const now = session.store.getState().phase;
        if (now.kind === 'ready' && now.clip.file === first) set({ companions: others });
      });
    },
    async addShown() {
      const { phase, settings } = session.store.getState();
      if (phase.kind !== 'ready' && phase.kind !== 'finished') return;
      const { companions } = get();
      set({ companions: [] });
      await add([phase.clip.file], settings);
      await add(companions, ofWholeClips(settings));
    },
    start,
    async hold() {
      set({ active: false });
      await change({ kind: 'going', going: false });
    },
    async move(id, places) {
      const at = get().entries.findIndex((entry) => entry.id === id);
      if (at >= 0) await change({ kind: 'move', id, to: Math.max(0, at + places) });
    },
    async remove(id) {
      if (get().wanted?.id === id) set({ wanted: null });
      await change({ kind: 'remove', id });
    },
    tryAgain: (id) => change({ kind: 'failed', id, error: null }),
  };
}

/** A chosen part is one of the clip that it was chosen in. */
function ofWholeClips(settings: Settings): Settings {
  return { ...settings, range: null };
}
