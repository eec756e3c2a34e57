import { expect, test } from 'vitest';
import type { JobPlan } from '../plan/job-plan.ts';
import { ProgressMeter } from './progress.ts';

const PLAN = {
  secondsByStage: { decode: 0.02, condition: 0.02, denoise: 0.4, reconstruct: 0.02, encode: 0.02 },
  output: { frameCount: 4 },
} as unknown as JobPlan;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('work that advances its stage before it is done counts with the time that it has taken so far', async () => {
  const meter = new ProgressMeter(PLAN);
  await meter.time('condition', () => wait(20));
  meter.advance('decode', 1);
  meter.advance('condition', 1);
  const fractions: number[] = [];
  await meter.time('denoise', async () => {
    for (let tile = 0; tile < 4; tile += 1) {
      await wait(20);
      meter.advance('denoise', 0.05);
      fractions.push(meter.read('denoise', 0).fraction);
    }
  });
  fractions.push(meter.read('denoise', 0).fraction);
  // A fifth of what takes nearly all of it: never far ahead, never back by more than timers are off.
  for (const fraction of fractions) expect(fraction).toBeLessThan(0.35);
  for (let at = 1; at < fractions.length; at += 1) expect(fractions[at]!).toBeGreaterThan(fractions[at - 1]! - 0.03);
});
