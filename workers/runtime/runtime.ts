/**
 * The runtime: a provider, its device, sessions and the self-test's verdict. The only room that imports onnxruntime-web.
 *
 * Costs: 14–27 MB of WebAssembly once; a session's weights as long as it lives. The WASM heap never shrinks: end the worker
 * to give it back. Runs in a worker, a page, or Node (WASM only).
 */

import type * as Ort from 'onnxruntime-web';
import { EnhancerError } from '../errors.ts';
import type { DeviceInfo, Provider } from '../plan/job-plan.ts';
import { type Gpu, openGpu } from './device.ts';
import type { LedgerReading } from './ledger.ts';
import { flavourFor, isolated, loadOrt, type OrtModule } from './ort.ts';
import { measureSpeed, type SelfTestResult, selfTest } from './self-test.ts';
import { asDeviceError, ModelSession, outOfMemory, type PartSource, Turn } from './session.ts';
import { asShard } from './shard-blob.ts';

export interface SessionOptions {
  /** Leave outputs on the device, for another session to read. */
  readonly residentOutputs?: boolean;
  /** Refuse a model that would run nodes on the CPU: an assertion for tests. */
  readonly refuseCpuNodes?: boolean;
  /** Fixes symbolic dimensions, which folds shape arithmetic away. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Makes quantised weights float32 once, with what follows from them alone, instead of at every run. */
  readonly foldQuantised?: boolean;
}

const NO_LEDGER: LedgerReading = { liveBytes: 0, peakBytes: 0, liveBuffers: 0, createdBuffers: 0 };

export class Runtime {
  readonly provider: Provider;
  readonly gpu: Gpu | null;
  readonly #ort: OrtModule;
  readonly #turn = new Turn();
  readonly #fallbackReason: string | null;
  #device: DeviceInfo | null = null;
  #selfTest: SelfTestResult | null = null;

  private constructor(provider: Provider, gpu: Gpu | null, ort: OrtModule, fallbackReason: string | null) {
    this.provider = provider;
    this.gpu = gpu;
    this.#ort = ort;
    this.#fallbackReason = fallbackReason;
  }

  /**
   * Opens the provider asked for; `auto` takes WebGPU on a real GPU that passes the self-test, else WASM, and says why.
   *
   * @throws EnhancerError `PROVIDER_UNAVAILABLE` when a provider was forced and can't be had.
   */
  static async open(wanted: Provider | 'auto'): Promise<Runtime> {
    if (wanted === 'wasm') return Runtime.#start('wasm', null, null);
    let reason: string;
    try {
      const gpu = await openGpu();
      if (wanted === 'auto' && gpu.isFallbackAdapter) {
        gpu.device.destroy();
        reason =
          'The only GPU here is emulated on the processor, which would be slower than using the processor directly.';
      } else {
        const runtime = await Runtime.#start('webgpu', gpu, null);
        if (runtime.selfTest.passed) return runtime;
        if (wanted === 'webgpu') throw selfTestFailed(runtime.selfTest);
        await runtime.close();
        reason = `This GPU computes ${runtime.selfTest.failures.join(', ')} wrongly.`;
      }
    } catch (error) {
      if (wanted === 'webgpu') throw error;
      reason = error instanceof EnhancerError ? error.message : 'WebGPU could not be started.';
    }
    return Runtime.#start('wasm', null, reason);
  }

  static async #start(provider: Provider, gpu: Gpu | null, reason: string | null): Promise<Runtime> {
    const ort = await loadOrt(flavourFor(provider), wasmThreads());
    const runtime = new Runtime(provider, gpu, ort, reason);
    runtime.#selfTest = await selfTest((source) => runtime.createSession(source));
    const gigaflopsPerSecond = runtime.#selfTest.passed
      ? await measureSpeed((source) => runtime.createSession(source))
      : 0;
    runtime.#device = runtime.#describe(gigaflopsPerSecond);
    return runtime;
  }

  get device(): DeviceInfo {
    return this.#device!;
  }

  get selfTest(): SelfTestResult {
    return this.#selfTest!;
  }

  get ledger(): LedgerReading {
    return this.gpu?.ledger.read() ?? NO_LEDGER;
  }

  /** Loads a part. Its graph's external data may be bytes or blobs (read on demand where the provider can). */
  async createSession(source: PartSource, options: SessionOptions = {}): Promise<ModelSession> {
    const resident = options.residentOutputs === true;
    const memoryRanOut = this.gpu?.memoryRanOut ?? (() => false);
    const sessionOptions: Ort.InferenceSession.SessionOptions = {
      executionProviders: this.gpu ? [{ name: 'webgpu', device: this.gpu.device }] : ['wasm'],
      externalData: source.data.map(({ name, bytes }) => ({ path: name, data: this.gpu ? asShard(bytes) : bytes })),
      graphOptimizationLevel: 'all',
      ...(resident && this.gpu ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
      ...(options.dimensions ? { freeDimensionOverrides: options.dimensions } : {}),
      extra: {
        session: {
          ...(options.refuseCpuNodes ? { disable_cpu_ep_fallback: '1' } : {}),
          ...(options.foldQuantised ? { disable_quant_qdq: '1' } : {}),
        },
      },
    };
    try {
      const session = await this.#turn.take(() => this.#ort.InferenceSession.create(source.graph, sessionOptions));
      if (memoryRanOut()) throw outOfMemory('the device reported a failed allocation');
      return new ModelSession(this.#ort, session, this.#turn, resident, memoryRanOut);
    } catch (error) {
      throw memoryRanOut() ? outOfMemory(error) : asDeviceError(error);
    }
  }

  /** Waits for whatever runs and frees the device. Sessions must have been released. */
  async close(): Promise<void> {
    await this.#turn.take(async () => this.gpu?.device.destroy());
  }

  #describe(gigaflopsPerSecond: number): DeviceInfo {
    const threads = this.#ort.env.wasm.numThreads ?? 1;
    const limits = this.gpu?.device.limits;
    return {
      provider: this.provider,
      name: this.gpu?.name ?? `Processor, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
      isFallbackAdapter: this.gpu?.isFallbackAdapter ?? false,
      halfPrecision: this.gpu?.halfPrecision ?? false,
      // The WASM heap is 4 GB of 32-bit address space, weights and activations together.
      maxBufferBytes: limits?.maxBufferSize ?? 2 ** 31,
      maxBindingBytes: limits?.maxStorageBufferBindingSize ?? 2 ** 31,
      wasmThreads: threads,
      ...memory(),
      gigaflopsPerSecond,
      fallbackReason: this.#fallbackReason,
      selfTestErrors: this.selfTest.errors,
      ...(this.gpu && limits ? { gpuLimits: shownLimits(limits), gpuFeatures: [...this.gpu.device.features] } : {}),
    };
  }
}

/** Those that decide what fits. */
function shownLimits(limits: GPUSupportedLimits): Record<string, number> {
  return {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
  };
}

/** Chromium alone says; between bounds of its own, so that 32 GiB may be more. */
function memory(): { memoryBytes?: number } {
  const { deviceMemory } = (globalThis.navigator ?? {}) as { deviceMemory?: number };
  return deviceMemory ? { memoryBytes: deviceMemory * 2 ** 30 } : {};
}

function wasmThreads(): number {
  if (!isolated()) return 1;
  return Math.max(1, Math.min(8, globalThis.navigator?.hardwareConcurrency ?? 1));
}

function selfTestFailed(result: SelfTestResult): EnhancerError {
  return new EnhancerError(
    'PROVIDER_UNAVAILABLE',
    `This GPU computes ${result.failures.join(', ')} wrongly.`,
    'Update the browser and the graphics driver, or use the processor instead.',
    { detail: JSON.stringify(result.errors) },
  );
}
