/**
 * onnxruntime-web, loaded in the flavour that this browser runs best. The only place that names its entry points.
 *
 * - `wasm`: CPU with threads where the page is cross-origin isolated; 14 MB.
 * - `jspi`: the native WebGPU provider over WebAssembly promise integration; 17 MB. Preferred.
 * - `asyncify`: the same provider where `WebAssembly.Suspending` is missing; 27 MB.
 *
 * The package's default entry is a deprecated provider whose half-precision Conv3d silently returns zeros: never imported.
 */

import type * as Ort from 'onnxruntime-web';
import type { Provider } from '../plan/job-plan.ts';

export type OrtModule = typeof Ort;
export type Flavour = 'wasm' | 'jspi' | 'asyncify';

interface Assets {
  readonly wasm: string;
  readonly mjs: string;
}

export function flavourFor(provider: Provider): Flavour {
  if (provider === 'wasm') return 'wasm';
  return 'Suspending' in WebAssembly ? 'jspi' : 'asyncify';
}

/**
 * @param threads WASM threads; clamped to 1 where the page is not cross-origin isolated.
 */
export async function loadOrt(flavour: Flavour, threads: number): Promise<OrtModule> {
  const ort = await importFlavour(flavour);
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = isolated() ? threads : 1;
  if (inBrowser()) {
    const assets = await assetUrls(flavour);
    // Both as absolute URLs: with threads, a built worker hangs when only one is given.
    ort.env.wasm.wasmPaths = {
      wasm: new URL(assets.wasm, import.meta.url).href,
      mjs: new URL(assets.mjs, import.meta.url).href,
    };
  }
  return ort;
}

export function isolated(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (!inBrowser() || globalThis.crossOriginIsolated);
}

function inBrowser(): boolean {
  return typeof WorkerGlobalScope !== 'undefined' || typeof globalThis.location !== 'undefined';
}

function importFlavour(flavour: Flavour): Promise<OrtModule> {
  switch (flavour) {
    case 'wasm':
      return import('onnxruntime-web/wasm');
    case 'jspi':
      return import('onnxruntime-web/jspi');
    case 'asyncify':
      return import('onnxruntime-web/webgpu');
  }
}

async function assetUrls(flavour: Flavour): Promise<Assets> {
  switch (flavour) {
    case 'wasm':
      return {
        wasm: (await import('onnxruntime-web/ort-wasm-simd-threaded.wasm?url')).default,
        mjs: (await import('onnxruntime-web/ort-wasm-simd-threaded.mjs?url')).default,
      };
    case 'jspi':
      return {
        wasm: (await import('onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url')).default,
        mjs: (await import('onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url')).default,
      };
    case 'asyncify':
      return {
        wasm: (await import('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url')).default,
        mjs: (await import('onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url')).default,
      };
  }
}
