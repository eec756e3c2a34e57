import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { cancelled } from '../../workers/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../workers/plan/settings.ts';
import type { Preview, PreviewPoint } from '../../workers/protocol.ts';
import type { Enhancer } from '../client/enhancer.ts';
import { createLadder, LADDER_DELAY_MS } from './ladder.ts';
import type { LookState } from './look.ts';
import type { SessionState } from './phase.ts';
import { LADDER_STRENGTHS } from './presets.ts';

interface Asked {
  readonly point: PreviewPoint;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly resolve: (preview: Preview) => void;
}

const PREVIEW = { region: { x: 0, y: 0, width: 1, height: 1 } } as Preview;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function set() {
  const asked: Asked[] = [];
  const engine = {
    preview: (_file: File, point: PreviewPoint, settings: Settings, signal: AbortSignal) =>
      new Promise<Preview>((resolve, reject) => {
        asked.push({ point, settings, signal, resolve });
        signal.addEventListener('abort', () => reject(cancelled()));
      }),
  } as unknown as Enhancer;
  const clip = { file: new File(['x'], 'a.mp4'), info: { timestampsUs: [500] } };
  const sessionStore = createStore(
    () =>
      ({
        phase: { kind: 'ready', clip },
        settings: DEFAULT_SETTINGS,
        engine: { memoryBudgetBytes: null },
      }) as unknown as SessionState,
  );
  const lookStore = createStore(() => ({ momentUs: 1000 }) as LookState);
  const ladder = createLadder({ store: sessionStore, engine: () => engine }, { store: lookStore });
  ladder.follow();
  const kinds = () => ladder.store.getState().rungs.map(({ kind }) => kind);
  const answer = async (index: number) => {
    asked[index]!.resolve(PREVIEW);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { asked, sessionStore, lookStore, ladder, kinds, answer };
}

it('climbs one rung after the other, with the recipe’s own seed and settings', async () => {
  const { asked, ladder, kinds, answer } = set();
  expect(asked).toHaveLength(0);
  ladder.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(1);
  expect(asked[0]!.point).toEqual({ timestampUs: 1500, x: 0.5, y: 0.5 });
  expect(kinds()).toEqual(['making', 'waiting', 'waiting', 'waiting']);
  for (const [index, strength] of LADDER_STRENGTHS.entries()) {
    expect(asked[index]!.settings).toEqual({ ...DEFAULT_SETTINGS, strength });
    await answer(index);
  }
  expect(kinds()).toEqual(['made', 'made', 'made', 'made']);
});

it('a change of what it shows cancels what is stale; coming back costs nothing', async () => {
  const { asked, lookStore, ladder, kinds, answer } = set();
  ladder.open();
  await vi.advanceTimersByTimeAsync(0);
  await answer(0);
  lookStore.setState({ momentUs: 2000 });
  expect(asked[1]!.signal.aborted).toBe(true);
  expect(kinds()).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
  await vi.advanceTimersByTimeAsync(LADDER_DELAY_MS);
  expect(asked).toHaveLength(3);
  lookStore.setState({ momentUs: 1000 });
  expect(kinds()[0]).toBe('made');
});

it('adopting a strength, or choosing a codec, makes nothing stale', async () => {
  const { asked, sessionStore, ladder } = set();
  ladder.open();
  await vi.advanceTimersByTimeAsync(0);
  const { settings } = sessionStore.getState();
  sessionStore.setState({ settings: { ...settings, strength: 0.6, codec: 'vp9' } });
  await vi.advanceTimersByTimeAsync(LADDER_DELAY_MS);
  expect(asked).toHaveLength(1);
  expect(asked[0]!.signal.aborted).toBe(false);
});

it('ends with the screen that it stands on', async () => {
  const { asked, sessionStore, ladder } = set();
  ladder.open();
  await vi.advanceTimersByTimeAsync(0);
  sessionStore.setState({ phase: { kind: 'running' } } as unknown as SessionState);
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toHaveLength(1);
});
