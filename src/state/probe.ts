/**
 * The measured estimate: once a clip is there and the person pauses, one tile is timed on this device, and the plan is made again
 * with what was found. Over a session; once for every model and engine.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { toErrorData } from '../../workers/errors.ts';
import type { Measurement } from '../../workers/protocol.ts';
import type { Enhancer } from '../client/enhancer.ts';
import { canEnhance } from './phase.ts';
import type { Session } from './session.ts';

export const PROBE_DELAY_MS = 1000;
/** Small enough to be loaded and timed before anybody asks. */
const UNASKED_MODEL = 'nano';

export interface ProbeState {
  readonly kind: 'none' | 'measuring' | 'measured';
  readonly measurement: Measurement | null;
}

export interface Probe {
  readonly store: StoreApi<ProbeState>;
  /** For models too large to be loaded unasked. */
  measure(): void;
  /** Follows the session from now on. @returns ends that. */
  follow(): () => void;
}

export function createProbe(session: Pick<Session, 'store' | 'engine' | 'replan'>): Probe {
  const store = createStore<ProbeState>(() => ({ kind: 'none', measurement: null }));
  let measured: { readonly engine: Enhancer; readonly model: string } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  const isMeasured = (): boolean =>
    measured?.engine === session.engine() && measured.model === session.store.getState().settings.model;

  function consider(): void {
    clearTimeout(timer);
    const { phase, settings } = session.store.getState();
    if (busy || phase.kind !== 'ready') return;
    // An engine that had to be started anew has forgotten: its plans say so.
    const remembered = phase.plan.kind !== 'made' || phase.plan.plan.measured === true;
    if (isMeasured() && remembered) return;
    if (store.getState().kind === 'measured') store.setState({ kind: 'none', measurement: null });
    if (settings.model !== UNASKED_MODEL) return;
    if (phase.plan.kind === 'made' && canEnhance(phase.plan)) timer = setTimeout(() => void measure(), PROBE_DELAY_MS);
  }

  async function measure(): Promise<void> {
    const { phase, settings } = session.store.getState();
    if (phase.kind !== 'ready' || busy) return;
    busy = true;
    let gaveWay = false;
    const engine = session.engine();
    store.setState({ kind: 'measuring', measurement: null });
    try {
      const measurement = await engine.measure(phase.clip.info, settings);
      measured = { engine, model: settings.model };
      store.setState({ kind: 'measured', measurement });
      if (isMeasured()) session.replan();
    } catch (cause) {
      store.setState({ kind: 'none', measurement: null });
      gaveWay = ['BUSY', 'CANCELLED'].includes(toErrorData(cause).code);
    } finally {
      busy = false;
    }
    // It gave way to a preview or a job: again when that may be over. Where it can't be, the next change is another occasion.
    if (gaveWay) consider();
  }

  return {
    store,
    measure: () => void measure(),
    follow() {
      consider();
      const end = session.store.subscribe(consider);
      return () => {
        clearTimeout(timer);
        end();
      };
    },
  };
}
