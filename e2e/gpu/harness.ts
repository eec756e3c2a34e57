/**
 * The page's two clients without the page, for measuring on a machine with a GPU: `window.gpu` opens engines, runs jobs, converts
 * checkpoints, and evaluates a network by itself. Answers are plain data; files that jobs make are kept by number.
 */

import type { JobUpdate } from '../../src/client/enhancer.ts';
import { WorkerLibrary } from '../../src/client/model-library.ts';
import { WorkerEnhancer } from '../../src/client/worker-enhancer.ts';
import type { Precision } from '../../workers/models/manifest.ts';
import type { DeviceInfo, JobPlan, Provider } from '../../workers/plan/job-plan.ts';
import { DEFAULT_SETTINGS, PROMPTED_SETTINGS, type Settings } from '../../workers/plan/settings.ts';
import type { JobReport, Measurement } from '../../workers/protocol.ts';
import type { Command, Result } from './network.worker.ts';

export interface JobOrder {
  readonly provider: Provider;
  readonly memoryBudgetBytes: number | null;
  readonly clipUrl: string;
  readonly settings: Partial<Settings>;
  /** Settings of a model with text as a base, in place of nano's. */
  readonly prompted?: boolean;
  /** Runs one tile against the clock first, as the page does when it is asked to. */
  readonly measure?: boolean;
}

/** A stage's beginning, or the end of one of its evaluations: seconds since the job's start. */
export interface Moment {
  readonly seconds: number;
  readonly stage: string;
  readonly fraction: number;
  readonly gpuLedgerBytes: number;
}

export interface JobFigures {
  readonly device: DeviceInfo;
  readonly openSeconds: number;
  /** As told before a measurement, and after one. */
  readonly plans: readonly JobPlan[];
  readonly measurement: Measurement | null;
  readonly measureSeconds: number;
  readonly seconds: number;
  readonly report: JobReport;
  readonly moments: readonly Moment[];
  readonly output: number;
}

const outputs: File[] = [];

const gpu = {
  async adapter() {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return null;
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    const { subgroupMinSize, subgroupMaxSize } = adapter.info as unknown as Record<string, number>;
    const limits: Record<string, number> = {};
    for (const name in adapter.limits) limits[name] = adapter.limits[name as keyof GPUSupportedLimits] as number;
    return {
      info: { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize, subgroupMaxSize },
      features: [...adapter.features],
      limits,
      jspi: 'Suspending' in WebAssembly,
      cores: navigator.hardwareConcurrency,
      isolated: crossOriginIsolated,
      storage: await navigator.storage.estimate(),
      userAgent: navigator.userAgent,
    };
  },

  async job(order: JobOrder): Promise<JobFigures> {
    const { provider, memoryBudgetBytes, clipUrl, prompted, measure } = order;
    const began = performance.now();
    const modelsUrl = new URL('models/', location.origin).href;
    const enhancer = new WorkerEnhancer({ provider, memoryBudgetBytes, modelsUrl });
    try {
      const device = await enhancer.device;
      const openSeconds = since(began);
      const settings = { ...DEFAULT_SETTINGS, ...(prompted ? PROMPTED_SETTINGS : {}), ...order.settings };
      const file = new File([await (await fetch(clipUrl)).blob()], 'clip.mp4');
      const clip = await enhancer.probe(file);
      const plans = [await enhancer.plan(clip, settings)];
      const measured = performance.now();
      const measurement = measure ? await enhancer.measure(clip, settings) : null;
      const measureSeconds = since(measured);
      if (measurement) plans.push(await enhancer.plan(clip, settings));
      const start = performance.now();
      const job = enhancer.enhance(file, settings, false);
      const moments: Moment[] = [];
      for await (const update of job.updates) note(update, start, moments);
      const { report, output } = await job.result;
      outputs.push(output);
      const seconds = since(start);
      const which = outputs.length - 1;
      return { device, openSeconds, plans, measurement, measureSeconds, seconds, report, moments, output: which };
    } finally {
      enhancer.close();
    }
  },

  /** The files in the page's input to an installed model. */
  async install(precision: Precision) {
    const files = [...document.querySelector('input')!.files!];
    const library = new WorkerLibrary();
    const start = performance.now();
    const inspection = await library.inspect(files);
    const inspectSeconds = since(start);
    const began = performance.now();
    const id = await library.install(files, precision, () => undefined);
    const seconds = since(began);
    const { models } = await library.list();
    return { id, inspection, inspectSeconds, seconds, models, storage: await navigator.storage.estimate() };
  },

  async installed(): Promise<readonly string[]> {
    return (await new WorkerLibrary().list()).models.map(({ id }) => id);
  },

  remove: (id: string): Promise<void> => new WorkerLibrary().remove(id),

  network(command: Command): Promise<Result> {
    return inWorker(command);
  },

  pieces(provider: Provider): Promise<Result> {
    return inWorker({ kind: 'pieces', provider });
  },

  /** What two jobs made, frame by frame. */
  compare(a: number, b: number): Promise<Result> {
    return inWorker({ kind: 'compare', a: outputs[a]!, b: outputs[b]! });
  },

  async bytes(which: number): Promise<string> {
    const bytes = new Uint8Array(await outputs[which]!.arrayBuffer());
    let text = '';
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  },
};

export type GpuHarness = typeof gpu;

function note(update: JobUpdate, start: number, moments: Moment[]): void {
  if (update.kind !== 'progress') return;
  const { stage, fraction, gpuLedgerBytes } = update.progress;
  const last = moments.at(-1);
  if (last?.stage === stage && last.fraction === fraction && last.gpuLedgerBytes === gpuLedgerBytes) return;
  moments.push({ seconds: since(start), stage, fraction, gpuLedgerBytes });
}

function inWorker(command: Command): Promise<Result> {
  const worker = new Worker(new URL('./network.worker.ts', import.meta.url), { type: 'module' });
  return new Promise<Result>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<Result>) => resolve(data));
    worker.addEventListener('error', (event) => reject(new Error(`worker: ${event.message}`)));
    worker.postMessage(command);
  }).finally(() => worker.terminate());
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}

Object.assign(window, { gpu });
