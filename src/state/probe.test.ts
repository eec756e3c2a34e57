import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { cancelled } from '../../workers/errors.ts';
import { DEFAULT_SETTINGS } from '../../workers/plan/settings.ts';
import type { Measurement } from '../../workers/protocol.ts';
import type { Enhancer } from '../client/enhancer.ts';
import type { SessionState } from './phase.ts';
import { createProbe, PROBE_DELAY_MS } from './probe.ts';

const MEASUREMENT = { tileSeconds: 0.5 } as Measurement;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function set() {
  const measure = vi.fn(async () => MEASUREMENT);
  let engine = { measure } as unknown as Enhancer;
  const ready = { kind: 'ready', clip: { info: {} }, plan: { kind: 'made', plan: { refusals: [] } } };
  const store = createStore(() => ({ phase: ready, settings: DEFAULT_SETTINGS }) as unknown as SessionState);
  const plan = (measured: boolean) => {
    const phase = { ...ready, plan: { kind: 'made', plan: { refusals: [], measured } } };
    store.setState({ phase } as unknown as SessionState);
  };
  const replan = vi.fn(() => plan(true));
  const probe = createProbe({ store, engine: () => engine, replan });
  probe.follow();
  const change = () => store.setState({ settings: { ...store.getState().settings } });
  const renew = () => {
    engine = { measure } as unknown as Enhancer;
  };
  return { measure, replan, store, probe, change, renew, plan };
}

it('waits for a pause, measures once, and has the plan made again', async () => {
  const { measure, replan, probe, change } = set();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS - 1);
  change();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS - 1);
  expect(measure).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(probe.store.getState()).toEqual({ kind: 'measured', measurement: MEASUREMENT });
  expect(replan).toHaveBeenCalledTimes(1);
  change();
  await vi.advanceTimersByTimeAsync(5 * PROBE_DELAY_MS);
  expect(measure).toHaveBeenCalledTimes(1);
});

it('measures again for another model and for another engine', async () => {
  const { measure, store, probe, change, renew } = set();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  // One that is large is not loaded unasked.
  store.setState({ settings: { ...DEFAULT_SETTINGS, model: 'other' } });
  await vi.advanceTimersByTimeAsync(5 * PROBE_DELAY_MS);
  expect(measure).toHaveBeenCalledTimes(1);
  expect(probe.store.getState().kind).toBe('none');
  probe.measure();
  await vi.advanceTimersByTimeAsync(0);
  expect(measure).toHaveBeenCalledTimes(2);
  store.setState({ settings: DEFAULT_SETTINGS });
  renew();
  change();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  expect(measure).toHaveBeenCalledTimes(3);
});

it('that it gave way is no failure: the next change is another occasion', async () => {
  const { measure, probe, change } = set();
  measure.mockRejectedValueOnce(cancelled());
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  expect(probe.store.getState().kind).toBe('none');
  change();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  expect(probe.store.getState().kind).toBe('measured');
});

it('an engine that was started anew has forgotten', async () => {
  const { measure, plan } = set();
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  expect(measure).toHaveBeenCalledTimes(1);
  plan(false);
  await vi.advanceTimersByTimeAsync(PROBE_DELAY_MS);
  expect(measure).toHaveBeenCalledTimes(2);
});
