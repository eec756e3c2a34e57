import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answeredWithin } from './patience.ts';

const stuck = () => new Error('stuck');

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('what is answered in time is passed on, a failure too', async () => {
  const answer = answeredWithin(new Promise((resolve) => setTimeout(() => resolve(7), 2500)), 3000, stuck);
  await vi.advanceTimersByTimeAsync(2500);
  expect(await answer).toBe(7);
  await expect(answeredWithin(Promise.reject(new Error('lost')), 3000, stuck)).rejects.toThrow('lost');
  expect(vi.getTimerCount()).toBe(0);
});

test('what is never answered is given up', async () => {
  const answer = answeredWithin(new Promise(() => undefined), 3000, stuck);
  const outcome = expect(answer).rejects.toThrow('stuck');
  await vi.advanceTimersByTimeAsync(3000);
  await outcome;
  expect(vi.getTimerCount()).toBe(0);
});

test('a thread that was away for longer than that has not waited', async () => {
  vi.useRealTimers();
  let answer = (_: number): void => undefined;
  const waiting = answeredWithin(
    new Promise<number>((resolve) => {
      answer = resolve;
    }),
    2000,
    stuck,
  );
  const until = performance.now() + 2500;
  while (performance.now() < until);
  // The answer is a turn or two behind the timer.
  setTimeout(() => setTimeout(() => answer(7), 50), 50);
  expect(await waiting).toBe(7);
});
