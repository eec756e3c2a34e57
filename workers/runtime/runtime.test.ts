import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnhancerError } from '../errors.ts';
import { Runtime } from './runtime.ts';
import { selfTest } from './self-test.ts';
import { selfTestCases } from './self-test-graphs.ts';
import { asDeviceError, Turn } from './session.ts';

describe('the runtime on WASM', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await Runtime.open('auto');
  });
  afterAll(() => runtime.close());

  it('falls back to WASM where there is no WebGPU, and says why', () => {
    expect(runtime.provider).toBe('wasm');
    expect(runtime.device.fallbackReason).toMatch(/WebGPU/);
  });

  it('passes its self-test and measures its speed', () => {
    expect(runtime.selfTest.failures).toEqual([]);
    for (const error of Object.values(runtime.selfTest.errors)) expect(error).toBeLessThan(1e-5);
    expect(runtime.device.gigaflopsPerSecond).toBeGreaterThan(0.5);
  });

  it('finds a provider that computes wrongly', async () => {
    const result = await selfTest(async (source) => {
      const session = await runtime.createSession(source);
      const run = session.run.bind(session);
      session.run = async (feeds) => {
        const { y } = await run(feeds);
        return { y: { dims: y!.dims, data: y!.data.map((value) => value * 1.01) } };
      };
      return session;
    });
    expect(result.passed).toBe(false);
    expect(result.failures).toHaveLength(selfTestCases().length);
  });

  it('hands outputs from one session to the next', async () => {
    const { source, input } = selfTestCases()[1]!;
    const first = await runtime.createSession(source, { residentOutputs: true });
    const second = await runtime.createSession(source);
    const { y } = await first.runResident({ x: input });
    const chained = await second.run({ x: y! });
    y!.free();
    // Normalising twice is normalising once.
    const once = await second.run({ x: input });
    for (const [index, value] of chained.y!.data.entries()) expect(value).toBeCloseTo(once.y!.data[index]!, 3);
    await first.release();
    await second.release();
  });

  it('refuses to run without an input', async () => {
    const session = await runtime.createSession(selfTestCases()[0]!.source);
    await expect(session.run({})).rejects.toThrow(/input x/);
    await session.release();
  });

  it('can be forced only to what there is', async () => {
    await expect(Runtime.open('webgpu')).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });
});

describe('turns', () => {
  it('never overlap, and go on after a failure', async () => {
    const turn = new Turn();
    let running = 0;
    const work = async (fail: boolean) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      if (fail) throw new Error('no');
      return 'yes';
    };
    const results = await Promise.allSettled([false, true, false].map((fail) => turn.take(() => work(fail))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('provider errors', () => {
  it.each([
    [new Error('Device was lost during run'), 'DEVICE_LOST'],
    [new Error('std::bad_alloc'), 'OUT_OF_GPU_MEMORY'],
    [new WebAssembly.RuntimeError('operation does not support unaligned accesses'), 'OUT_OF_GPU_MEMORY'],
  ])('%s is %s', (thrown, code) => {
    const error = asDeviceError(thrown);
    expect(error).toBeInstanceOf(EnhancerError);
    expect(error).toMatchObject({ code });
  });

  it('leaves what it does not know alone', () => {
    const error = new Error('shape mismatch');
    expect(asDeviceError(error)).toBe(error);
  });
});
