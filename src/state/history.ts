/** Finished results of this visit and earlier ones, as the keeper remembers them. Over a session; no React, no DOM. */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { HistoryEntry } from '../../workers/history-protocol.ts';
import { parseRecipe } from '../../workers/plan/recipe-code.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { KeepsHistory } from '../client/history-keeper.ts';
import type { FinishedResult, LoadedClip, SessionState } from './phase.ts';
import type { Session } from './session.ts';
import { isOutOfReach, whenWithinReach } from './within-reach.ts';

export interface HistoryState {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[];
  /** Whose clip has to be chosen again before it can be run again; its recipe is set already. */
  readonly wanted: HistoryEntry | null;
  readonly error: ErrorData | null;
  /** Of the clip on screen, where it is itself a result. */
  readonly madeBy: Settings | null;
}

export interface HistoryShelf {
  readonly store: StoreApi<HistoryState>;
  /** The file; null where it is gone. */
  output(entry: HistoryEntry): Promise<File | null>;
  remove(entry: HistoryEntry): Promise<void>;
  /** Its recipe and its clip, ready to be enhanced again. Call it from a click: the browser may ask for the clip. */
  runAgain(entry: HistoryEntry): Promise<void>;
}

/** Follows the session from now on: what it finishes is remembered. */
export function createHistory(keeper: KeepsHistory, session: Session): HistoryShelf {
  const store = createStore<HistoryState>(() => ({ entries: [], wanted: null, error: null, madeBy: null }));
  const set = (patch: Partial<HistoryState>): void => store.setState(patch);
  const take = (answer: Promise<readonly HistoryEntry[]>): Promise<void> =>
    answer.then(
      (entries) => {
        set({ entries, error: null });
        dropJournals();
      },
      (error: unknown) => set({ error: toErrorData(error) }),
    );

  /** A result that was downloaded and is here as well has no more use for its journal; one that is not here might have, if the download failed. */
  const dropped = new Set<string>();
  function dropJournals(): void {
    const { results, downloadedResultIds } = session.store.getState();
    const { entries } = store.getState();
    for (const { id, jobId } of results) {
      if (dropped.has(jobId) || !downloadedResultIds.includes(id)) continue;
      if (!entries.some((entry) => entry.jobId === jobId)) continue;
      dropped.add(jobId);
      session.dropJournal(jobId);
    }
  }

  // A list that can't be had is an empty one, until it can.
  const list = () => keeper.list();
  list()
    .catch((error: unknown) => (isOutOfReach(error) ? whenWithinReach(list) : []))
    .then(
      (entries) => set({ entries }),
      () => undefined,
    );

  async function readRecipe(clip: LoadedClip | null): Promise<void> {
    set({ madeBy: null });
    if (clip === null || !['mp4', 'mov'].includes(clip.info.container)) return;
    const comment = await keeper.comment(clip.file).catch(() => null);
    if (comment !== null && clipOf(session.store.getState()) === clip) set({ madeBy: parseRecipe(comment) });
  }

  session.store.subscribe((state, before) => {
    if (state.phase.kind !== before.phase.kind && state.phase.kind !== 'empty') set({ wanted: null });
    if (clipOf(state) !== clipOf(before)) void readRecipe(clipOf(state));
    for (const result of state.results) {
      if (!before.results.some(({ id }) => id === result.id)) void take(remember(keeper, result));
    }
    if (state.downloadedResultIds !== before.downloadedResultIds) dropJournals();
  });

  return {
    store,
    output: (entry) => keeper.output(entry.id).catch(() => null),
    async remove(entry) {
      // Its journal too, which stays until the result has been downloaded: it would be offered as unfinished.
      await session.discardJob(entry.jobId);
      await take(keeper.remove(entry));
    },
    async runAgain(entry) {
      const here = session.store.getState().results.find(({ jobId }) => jobId === entry.jobId)?.clip.file;
      const source = here ?? (await keeper.source(entry).catch(() => null));
      const { range, ...recipe } = entry.settings;
      session.changeSettings(recipe);
      if (source === null) {
        set({ wanted: entry });
        return;
      }
      await session.open(entry.fileName, source);
      if (range !== null) session.changeSettings({ range });
    },
  };
}

function clipOf({ phase }: SessionState): LoadedClip | null {
  return 'clip' in phase ? phase.clip : null;
}

function remember(keeper: KeepsHistory, result: FinishedResult): Promise<readonly HistoryEntry[]> {
  const { jobId, clip, settings, report, output } = result;
  const record = { version: 1, jobId, fileName: clip.file.name, finishedAtMs: Date.now(), settings, report } as const;
  return keeper.add(record, output, clip.file);
}
