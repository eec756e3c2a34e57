import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { edmSigma } from './schedule.ts';
import { networkTimestep, type StepMode, stepTimesteps } from './timesteps.ts';

interface ReferencePlan {
  mode: StepMode;
  steps_arg: number;
  total_noise_levels: number;
  solver: string;
  edm_sigmas: (number | 'inf')[];
  t_network: number[];
}

const plans = JSON.parse(
  readFileSync(new URL('./fixtures/step_plans.json', import.meta.url)).toString(),
) as ReferencePlan[];

describe('step plans', () => {
  test.each(
    plans.map((plan) => [`${plan.mode} ${plan.steps_arg} of ${plan.total_noise_levels}, ${plan.solver}`, plan]),
  )('%s is the reference’s', (_, plan) => {
    const { mode, steps_arg, total_noise_levels, solver, edm_sigmas, t_network } = plan as ReferencePlan;
    const timesteps = stepTimesteps({
      mode,
      steps: steps_arg,
      startTimestep: total_noise_levels - 1,
      dropLast: solver !== 'heun',
    });
    expect(timesteps.map(networkTimestep)).toEqual(t_network);
    timesteps.forEach((t, i) => {
      const expected = edm_sigmas[i] === 'inf' ? Number.POSITIVE_INFINITY : Number(edm_sigmas[i]);
      if (Number.isFinite(expected)) expect(Math.abs(edmSigma(t) / expected - 1)).toBeLessThan(t > 950 ? 1e-3 : 2e-4);
      else expect(edmSigma(t)).toBe(expected);
    });
  });

  test('any number of steps from any start falls strictly and stays in range', () => {
    for (const startTimestep of [1, 90, 500, 899, 999]) {
      for (const steps of [1, 2, 3, 4, 9, 50, 200]) {
        for (const dropLast of [true, false]) {
          const timesteps = stepTimesteps({ mode: 'normal', steps, startTimestep, dropLast });
          expect(timesteps).toHaveLength(steps);
          expect(timesteps[0]).toBe(startTimestep);
          expect(timesteps.at(-1)).toBeGreaterThanOrEqual(0);
          for (let i = 1; i < steps; i++) expect(timesteps[i]).toBeLessThan(timesteps[i - 1]!);
        }
      }
    }
  });

  test('nonsense is refused', () => {
    expect(() => stepTimesteps({ mode: 'normal', steps: 0, dropLast: true })).toThrow(RangeError);
    expect(() => stepTimesteps({ mode: 'normal', steps: 1.5, dropLast: true })).toThrow(RangeError);
    expect(() => stepTimesteps({ mode: 'fast', steps: 15, startTimestep: 499, dropLast: true })).toThrow(RangeError);
    expect(() => stepTimesteps({ mode: 'normal', steps: 4, startTimestep: 1000, dropLast: true })).toThrow(RangeError);
  });

  test('ties round to even', () => {
    expect([0.5, 1.5, 2.5, 561.5, 336.5, 2.49, 2.51].map(networkTimestep)).toEqual([0, 2, 2, 562, 336, 2, 3]);
  });
});
