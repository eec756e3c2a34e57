/**
 * What is looked at in a loaded clip before a job: a moment of it, and a strip of frames along it. Over a session; no React, no DOM.
 *
 * Frames are asked for one at a time: while one is on its way only the newest wish is remembered.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Glimpse, Picture } from '../../workers/protocol.ts';
import type { LoadedClip } from './phase.ts';
import type { Session } from './session.ts';

const STRIP_FRAMES = 12;
const STRIP_MAX_WIDTH = 160;
const FRAME_MAX_WIDTH = 1920;

export interface LookState {
  readonly clip: LoadedClip | null;
  /** From the clip's first frame. */
  readonly momentUs: number;
  /** The picture of that moment, or of one that was looked at just before; null: the clip's poster serves. */
  readonly frame: Picture | null;
  readonly glimpses: readonly Glimpse[];
}

export interface Look {
  readonly store: StoreApi<LookState>;
  lookAt(momentUs: number): void;
  /** Follows the session's clip from now on. @returns ends that. */
  follow(): () => void;
}

export function createLook(session: Pick<Session, 'store' | 'engine'>): Look {
  const nothing: LookState = { clip: null, momentUs: 0, frame: null, glimpses: [] };
  const store = createStore<LookState>(() => nothing);
  let busy = false;

  function open(clip: LoadedClip | null): void {
    if (clip === store.getState().clip) return;
    store.setState({ ...nothing, clip });
    if (clip === null) return;
    // A strip that can't be had leaves the timeline bare, no worse.
    session
      .engine()
      .filmstrip(clip.file, STRIP_FRAMES, STRIP_MAX_WIDTH)
      .then(
        (glimpses) => {
          if (store.getState().clip === clip) store.setState({ glimpses });
        },
        () => undefined,
      );
  }

  async function fetchFrame(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      for (;;) {
        const { clip, momentUs } = store.getState();
        if (clip === null) return;
        const timestampUs = momentUs + (clip.info.timestampsUs[0] ?? 0);
        const frame = await session.engine().poster(clip.file, FRAME_MAX_WIDTH, timestampUs);
        const now = store.getState();
        if (now.clip === clip) store.setState({ frame });
        if (now.clip === clip && now.momentUs === momentUs) return;
      }
    } catch {
      // The frame before stays; a job says in better words what is wrong with the clip.
    } finally {
      busy = false;
    }
  }

  function clipOf(): LoadedClip | null {
    const { phase } = session.store.getState();
    return 'clip' in phase ? phase.clip : null;
  }

  return {
    store,
    lookAt(momentUs) {
      if (momentUs === store.getState().momentUs) return;
      store.setState({ momentUs });
      void fetchFrame();
    },
    follow() {
      open(clipOf());
      return session.store.subscribe((state) => {
        // While another file is being opened the clip on screen is still this one.
        if (state.phase.kind !== 'probing') open(clipOf());
      });
    },
  };
}
