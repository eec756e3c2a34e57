/**
 * The page's end of the service worker: registers it, has it keep what a job needs, tells of a new version, and reloads once where the
 * host sends no isolation headers and the service worker can.
 */

import { createStore, type StoreApi } from 'zustand/vanilla';

export interface ShellState {
  /** Whether everything that a job needs is kept on this device. */
  readonly offline: 'unknown' | 'keeping' | 'ready' | 'failed';
  /** A new version is there and waits. */
  readonly update: boolean;
}

export interface AppShell {
  readonly store: StoreApi<ShellState>;
  /** Changes to the new version: the page is loaded again. */
  update(): void;
}

const RELOADED_KEY = 'reloaded-for-isolation';
const UPDATE_CHECK_MS = 60 * 60 * 1000;

/**
 * @param untouched whether nobody has begun anything yet, so that a reload costs nothing.
 * @param address of the service worker's script; null: there is none (the development server).
 */
export function startAppShell(address: string | null, untouched: () => boolean): AppShell {
  const store = createStore<ShellState>(() => ({ offline: 'unknown', update: false }));
  let registration: ServiceWorkerRegistration | null = null;
  let updating = false;
  const workers = navigator.serviceWorker;
  if (address !== null && workers) {
    workers.addEventListener('controllerchange', () => {
      if (updating) location.reload();
    });
    workers.addEventListener('message', ({ data }) => {
      if (data === 'kept') store.setState({ offline: 'ready' });
      if (data === 'not-kept') store.setState({ offline: 'failed' });
    });
    // After the first screen and the engine: they matter more.
    if (document.readyState === 'complete') void begin(address);
    else window.addEventListener('load', () => void begin(address), { once: true });
  }

  async function begin(script: string): Promise<void> {
    try {
      registration = await workers.register(script);
      watch(registration);
      const { active } = await workers.ready;
      if (isolate()) return;
      store.setState({ offline: 'keeping' });
      active?.postMessage('fill');
      setInterval(() => void registration?.update().catch(() => undefined), UPDATE_CHECK_MS);
    } catch {
      // No service worker here (a private window, a policy): the page works all the same, with a network.
      store.setState({ offline: 'failed' });
    }
  }

  function watch(registered: ServiceWorkerRegistration): void {
    const look = (): void => {
      if (registered.waiting && workers.controller) store.setState({ update: true });
    };
    look();
    registered.addEventListener('updatefound', () => {
      registered.installing?.addEventListener('statechange', look);
    });
  }

  /** Once a visit, and only while nothing is begun; a host that sends the headers itself never needs it. @returns whether it reloads. */
  function isolate(): boolean {
    if (globalThis.crossOriginIsolated || !untouched() || sessionStorage.getItem(RELOADED_KEY) !== null) return false;
    sessionStorage.setItem(RELOADED_KEY, '1');
    location.reload();
    return true;
  }

  return {
    store,
    update() {
      updating = true;
      const waiting = registration?.waiting;
      if (waiting) waiting.postMessage('skip-waiting');
      else location.reload();
    },
  };
}
