/**
 * Tests a provider before it is trusted, and measures it.
 *
 * Drivers compute some operations wrongly without saying so; a wrong answer here sends the job to the processor instead.
 * Costs: four tiny sessions, well under a second on a GPU, and a convolution grown until it takes a measurable time.
 */

import { elementCount } from '../tensor.ts';
import { selfTestCases, speedCase } from './self-test-graphs.ts';
import type { ModelSession, PartSource } from './session.ts';

export interface SelfTestResult {
  readonly passed: boolean;
  /** Names of the operations that came out wrong or failed. */
  readonly failures: readonly string[];
  /** Greatest deviation by operation, relative to the answer's root mean square. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Half precision would come to about 1e-3; a wrong kernel to about 1. */
const TOLERANCE = 1e-3;
/** A software GPU does 0.5 GFLOP/s, a real one thousands: start small, stop when it takes long enough to time. */
const SPEED_SIZES = [16, 64, 192] as const;
const SPEED_CHANNELS = 64;
const LONG_ENOUGH_SECONDS = 0.05;

type CreateSession = (source: PartSource) => Promise<ModelSession>;

export async function selfTest(createSession: CreateSession): Promise<SelfTestResult> {
  const failures: string[] = [];
  const errors: Record<string, number> = {};
  for (const { name, source, input, expected } of selfTestCases()) {
    const error = await deviation(createSession, source, input, expected).catch(() => Number.POSITIVE_INFINITY);
    errors[name] = error;
    if (!(error <= TOLERANCE)) failures.push(name);
  }
  return { passed: failures.length === 0, failures, errors };
}

/** GFLOP per second of a 3×3 convolution over 64 channels, the bulk of the model's work. */
export async function measureSpeed(createSession: CreateSession): Promise<number> {
  let speed = 0;
  for (const size of SPEED_SIZES) {
    const { source, input, gigaflops } = speedCase(SPEED_CHANNELS, size);
    const session = await createSession(source);
    await session.run({ x: input });
    const start = performance.now();
    await session.run({ x: input });
    const seconds = Math.max(1e-6, (performance.now() - start) / 1000);
    await session.release();
    speed = gigaflops / seconds;
    if (seconds >= LONG_ENOUGH_SECONDS) break;
  }
  return speed;
}

async function deviation(
  createSession: CreateSession,
  source: PartSource,
  input: { readonly dims: readonly number[]; readonly data: Float32Array },
  expected: Float32Array,
): Promise<number> {
  const session = await createSession(source);
  try {
    const { y } = await session.run({ x: input });
    if (!y || elementCount(y.dims) !== expected.length) return Number.POSITIVE_INFINITY;
    const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
    return y.data.reduce((worst, value, index) => Math.max(worst, Math.abs(value - expected[index]!)), 0) / rms;
  } finally {
    await session.release();
  }
}
