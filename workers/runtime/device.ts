/**
 * The GPU device: chosen, created with the limits that big tensors need, and watched for loss.
 *
 * onnxruntime would create a device by itself, but with features that break its attention kernel on fallback adapters
 * (`subgroups`, measured on SwiftShader), and out of reach of the ledger.
 */

import { EnhancerError } from '../errors.ts';
import { GpuLedger } from './ledger.ts';

export interface Gpu {
  readonly device: GPUDevice;
  readonly name: string;
  readonly isFallbackAdapter: boolean;
  readonly halfPrecision: boolean;
  readonly ledger: GpuLedger;
  /** Whether an allocation has failed on it: WebGPU says so in an event, and what was to be computed may be anything. */
  readonly memoryRanOut: () => boolean;
  /** Settles when the device is lost, with the reason; `destroyed` when we ended it ourselves. */
  readonly lost: Promise<GPUDeviceLostInfo>;
}

const WANTED_FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'timestamp-query'];

/** @throws EnhancerError `PROVIDER_UNAVAILABLE` with the reason, when there is no usable WebGPU. */
export async function openGpu(): Promise<Gpu> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) throw unavailable('This browser has no WebGPU.');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw unavailable('This browser offers no GPU to pages: it may be blocked or turned off.');

  const isFallbackAdapter = adapter.info.isFallbackAdapter ?? false;
  const features = WANTED_FEATURES.filter((feature) => adapter.features.has(feature));
  // Left out on fallback adapters: onnxruntime's attention is wrong there (docs/runtime.md).
  if (!isFallbackAdapter && adapter.features.has('subgroups' as GPUFeatureName)) {
    features.push('subgroups' as GPUFeatureName);
  }
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  });
  let memoryRanOut = false;
  device.addEventListener('uncapturederror', ({ error }) => {
    if (error instanceof GPUOutOfMemoryError) memoryRanOut = true;
  });
  const ledger = new GpuLedger();
  ledger.watch(device);
  return {
    device,
    name: describe(adapter.info),
    isFallbackAdapter,
    halfPrecision: device.features.has('shader-f16'),
    ledger,
    memoryRanOut: () => memoryRanOut,
    lost: device.lost,
  };
}

function describe(info: GPUAdapterInfo): string {
  const parts = [info.vendor, info.device || info.description, info.architecture].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' ') : 'GPU';
}

function unavailable(message: string): EnhancerError {
  return new EnhancerError(
    'PROVIDER_UNAVAILABLE',
    message,
    'Use a current Chrome, Edge or Safari with hardware acceleration turned on; until then the processor does the work.',
  );
}
