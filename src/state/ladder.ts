/**
 * The strength ladder: one crop of the moment that is looked at, as a job would make it at each of a few strengths. Over a session and a
 * look; no React, no DOM.
 *
 * Whatever the pictures depend on is part of their key: a change cancels what is on its way, and what was made before is shown at once.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { Preview } from '../../workers/protocol.ts';
import type { Look } from './look.ts';
import type { LoadedClip } from './phase.ts';
import { LADDER_STRENGTHS } from './presets.ts';
import type { Session } from './session.ts';

export const LADDER_DELAY_MS = 300;
/** Pairs of pictures of at most half a megabyte. */
const KEPT_PREVIEWS = 24;

export type Rung =
  | { readonly kind: 'waiting' | 'making'; readonly strength: number }
  | { readonly kind: 'made'; readonly strength: number; readonly preview: Preview }
  | { readonly kind: 'failed'; readonly strength: number; readonly error: ErrorData };

export interface LadderState {
  readonly open: boolean;
  /** Middle of the crop, 0–1 along each side of the picture. */
  readonly centre: { readonly x: number; readonly y: number };
  readonly rungs: readonly Rung[];
}

export interface Ladder {
  readonly store: StoreApi<LadderState>;
  open(): void;
  close(): void;
  moveTo(x: number, y: number): void;
  /** Starts with those that failed anew. */
  retry(): void;
  /** Follows session and look from now on. @returns ends that. */
  follow(): () => void;
}

const WAITING: readonly Rung[] = LADDER_STRENGTHS.map((strength) => ({ kind: 'waiting', strength }));

export function createLadder(session: Pick<Session, 'store' | 'engine'>, look: Pick<Look, 'store'>): Ladder {
  const store = createStore<LadderState>(() => ({ open: false, centre: { x: 0.5, y: 0.5 }, rungs: WAITING }));
  const kept = new Map<string, Preview>();
  let shownKey: string | null = null;
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  interface Wish {
    readonly clip: LoadedClip;
    readonly settings: Settings;
    readonly momentUs: number;
    readonly key: string;
  }

  /** What should be on the ladder now; null where nothing can be. */
  function wish(): Wish | null {
    const { phase, settings, engine } = session.store.getState();
    const { open, centre } = store.getState();
    const { momentUs } = look.store.getState();
    if (!open || phase.kind !== 'ready') return null;
    const { file } = phase.clip;
    const { strength: _ladder, codec: _codec, quality: _quality, ...seen } = settings;
    const identity = [file.name, file.size, file.lastModified];
    const key = JSON.stringify([identity, momentUs, centre, seen, engine.memoryBudgetBytes]);
    return { clip: phase.clip, settings, momentUs, key };
  }

  function stop(): void {
    clearTimeout(timer);
    abort.abort();
  }

  function refresh(delayMs: number): void {
    const wanted = wish();
    if (wanted === null) {
      stop();
      shownKey = null;
      return;
    }
    if (wanted.key === shownKey) return;
    stop();
    shownKey = wanted.key;
    store.setState({ rungs: LADDER_STRENGTHS.map((strength) => rungFor(wanted.key, strength)) });
    abort = new AbortController();
    const { signal } = abort;
    timer = setTimeout(() => void climb(wanted, signal), delayMs);
  }

  function rungFor(key: string, strength: number): Rung {
    const preview = kept.get(`${key} ${strength}`);
    return preview ? { kind: 'made', strength, preview } : { kind: 'waiting', strength };
  }

  async function climb(wanted: Wish, signal: AbortSignal): Promise<void> {
    const { clip, settings, momentUs, key } = wanted;
    const { centre } = store.getState();
    const timestampUs = momentUs + (clip.info.timestampsUs[0] ?? 0);
    for (const strength of LADDER_STRENGTHS) {
      if (signal.aborted) return;
      if (kept.has(`${key} ${strength}`)) continue;
      put({ kind: 'making', strength });
      try {
        const asked = session
          .engine()
          .preview(clip.file, { timestampUs, ...centre }, { ...settings, strength }, signal);
        const preview = await asked;
        keep(`${key} ${strength}`, preview);
        if (signal.aborted) return;
        put({ kind: 'made', strength, preview });
      } catch (cause) {
        const error = toErrorData(cause);
        if (signal.aborted || error.code === 'CANCELLED') return;
        put({ kind: 'failed', strength, error });
      }
    }
  }

  function put(rung: Rung): void {
    store.setState({ rungs: store.getState().rungs.map((each) => (each.strength === rung.strength ? rung : each)) });
  }

  function keep(key: string, preview: Preview): void {
    kept.delete(key);
    kept.set(key, preview);
    if (kept.size > KEPT_PREVIEWS) kept.delete(kept.keys().next().value!);
  }

  return {
    store,
    open() {
      store.setState({ open: true });
      refresh(0);
    },
    close() {
      store.setState({ open: false });
      refresh(0);
    },
    moveTo(x, y) {
      store.setState({ centre: { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) } });
      refresh(LADDER_DELAY_MS);
    },
    retry() {
      shownKey = null;
      refresh(0);
    },
    follow() {
      const changed = (): void => refresh(LADDER_DELAY_MS);
      const ends = [session.store.subscribe(changed), look.store.subscribe(changed)];
      return () => {
        for (const end of ends) end();
        stop();
      };
    },
  };
}
