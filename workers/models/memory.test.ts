/** What the official model is predicted to take: by the graphs that a job would build, no weight read; and a small one, against what it took. */

import { beforeAll, describe, expect, it } from 'vitest';
import { TINY_AUTOENCODER, TINY_NETWORK, TINY_TEXT } from '../../tools/tiny-model.ts';
import { clipOf, deviceOf, settingsOf } from '../plan/fixtures/plan-inputs.ts';
import type { ModelInfo } from '../plan/job-plan.ts';
import { planJob } from '../plan/plan-job.ts';
import { PROMPTED_SETTINGS } from '../plan/settings.ts';
import type {
  KlAutoencoderConfig,
  Manifest,
  NetworkConfig,
  PartName,
  PartRecord,
  Precision,
  TextConfig,
} from './manifest.ts';
import { modelInfo } from './model-info.ts';

import { peakActivationBytes } from './onnx/cost.ts';
import { VIT_H_14 } from './text/text-tower.ts';
import { TEMPORAL_VAE } from './vae/autoencoder.ts';
import { networkGraph } from './venhancer/architecture.ts';
import { chunksFor } from './venhancer/chunks.ts';
import { OFFICIAL_NETWORK } from './venhancer/config-of.ts';
import { levelSizes } from './venhancer/network.ts';

const GPU = deviceOf({ gigaflopsPerSecond: 3000 });

interface Family {
  readonly network: NetworkConfig;
  readonly autoencoder: KlAutoencoderConfig;
  readonly text: TextConfig;
}

const OFFICIAL: Family = { network: OFFICIAL_NETWORK, autoencoder: TEMPORAL_VAE, text: VIT_H_14 };
const TINY: Family = { network: TINY_NETWORK, autoencoder: TINY_AUTOENCODER, text: TINY_TEXT };

function manifestOf(precision: Precision, { network, autoencoder, text }: Family = OFFICIAL): Manifest {
  const names: readonly PartName[] = ['vae-encoder', 'vae-decoder', 'controlnet', 'unet', 'text-encoder'];
  const record = (name: PartName): PartRecord => ({
    graph: { name: `${name}.onnx`, bytes: 1e6, sha256: '0' },
    data: [],
    // compact keeps the text tower in int8.
    precision: name === 'text-encoder' && precision === 'compact' ? 'balanced' : precision,
    parameters: 0,
    flopsPerLatentPixel: name === 'unet' ? 0.28e9 : name === 'controlnet' ? 0.13e9 : 0.4e9,
    inputs: [],
    outputs: [],
  });
  return {
    formatVersion: 1,
    name: 'official',
    family: 'venhancer',
    config: { ...network, autoencoder, text },
    parts: Object.fromEntries(names.map((name) => [name, record(name)])),
    requires: { features: [], limits: {} },
    schedule: 'cosine-logsnr-shifted',
    prediction: 'velocity',
    latentFactor: 8,
    latentShift: [0, 0, 0, 0],
    latentScale: [0.18215, 0.18215, 0.18215, 0.18215],
    licence: '',
    provenance: '',
  };
}

function planOf(model: ModelInfo, frames: number, scale: number, memoryBudgetBytes: number | null = null) {
  const settings = settingsOf({ ...PROMPTED_SETTINGS, scale });
  return planJob(clipOf(256, 160, frames), settings, GPU, model, { memoryBudgetBytes });
}

describe('the official model', () => {
  let compact: ModelInfo;
  let exact: ModelInfo;
  beforeAll(() => {
    compact = modelInfo(manifestOf('compact'));
    exact = modelInfo(manifestOf('exact'));
  }, 240_000);

  it('takes 8 frames of 512×320 in one tile, far below 6 GB', () => {
    const plan = planOf(compact, 8, 2);
    expect(plan.refusals).toEqual([]);
    expect([plan.latentWidth, plan.latentHeight]).toEqual([64, 42]);
    expect(plan.tiles).toHaveLength(1);
    expect(planOf(compact, 8, 2, 8e9).residency).toBe('all');
    expect(plan.evaluations).toBe(14);
    expect(plan.bytes.device).toBeGreaterThan(2e9);
    expect(plan.bytes.device).toBeLessThan(4.3e9);
  });

  it('takes what the ledger had with its parts in turn (tools/gpu/measure-ledger.ts)', () => {
    const emulated = deviceOf({ isFallbackAdapter: true });
    const plan = planJob(clipOf(80, 44, 8), settingsOf({ ...PROMPTED_SETTINGS, scale: 1 }), emulated, compact, {});
    expect(plan.residency).toBe('parts');
    expect(Math.abs(plan.bytes.device / 2 ** 20 / 983 - 1)).toBeLessThan(0.15);
  });

  it('has its parts take turns before it cuts the picture, and refuses before it starts', () => {
    const residencies = [8e9, 3.6e9, 2.4e9].map((budget) => planOf(compact, 8, 2, budget));
    expect(residencies.map(({ residency }) => residency)).toEqual(['all', 'stages', 'parts']);
    for (const [i, plan] of residencies.entries()) {
      expect(plan.tiles).toHaveLength(1);
      expect(plan.bytes.device).toBeLessThanOrEqual([8e9, 3.6e9, 2.4e9][i]!);
    }
    expect(planOf(compact, 8, 2, 0.5e9).refusals[0]?.code).toBe('SIZE_TOO_LARGE');
    // Float16 weights are float32 in a session: not even the networks' sections fit two gigabytes.
    expect(planOf(exact, 8, 2, 2e9).refusals[0]?.code).toBe('SIZE_TOO_LARGE');
    expect(planOf(exact, 8, 2, 6e9).residency).toBe('parts');
  });

  it('cuts attention and feed-forward layers so that the peak is below the eager one, at any size', () => {
    for (const [frames, rows, columns] of [
      [8, 42, 64],
      [8, 66, 64],
      [24, 42, 64],
    ] as const) {
      const sizes = levelSizes(OFFICIAL_NETWORK, frames, rows, columns);
      const chunks = chunksFor(OFFICIAL_NETWORK, frames, rows, columns);
      const peak = peakActivationBytes(networkGraph(OFFICIAL_NETWORK, 'unet', { chunks }), sizes);
      // SPEC §4, feed-forward layers split: 13.3 KB in half precision.
      expect(peak / (frames * rows * columns)).toBeLessThan(26.6e3);
    }
  });

  it('decodes a large picture in tiles of what is left', () => {
    const plan = planOf(compact, 8, 4, 6e9);
    expect(plan.autoencoder!.decoderTiles.length).toBeGreaterThan(1);
    expect(plan.bytes.device).toBeLessThanOrEqual(6e9);
  });
});

/** MiB that the ledger had after jobs of this model on an emulated GPU (tools/gpu/measure-ledger.ts). */
describe('a small model of the family', () => {
  it.each([
    { scale: 1, frames: 8, factor: 1, budgetMiB: null, ledger: 71 },
    { scale: 4, frames: 8, factor: 1, budgetMiB: null, ledger: 347 },
    { scale: 4, frames: 8, factor: 2, budgetMiB: null, ledger: 584 },
    { scale: 8, frames: 8, factor: 1, budgetMiB: 700, ledger: 351 },
    { scale: 3, frames: 8, factor: 1, budgetMiB: 160, ledger: 141 },
  ])('takes what the ledger had: %o', ({ scale, frames, factor, budgetMiB, ledger }) => {
    const settings = settingsOf({ ...PROMPTED_SETTINGS, scale, frameRateFactor: factor });
    const emulated = deviceOf({ isFallbackAdapter: true });
    const memoryBudgetBytes = budgetMiB && budgetMiB * 2 ** 20;
    const model = modelInfo(manifestOf('balanced', TINY));
    const plan = planJob(clipOf(80, 44, frames), settings, emulated, model, { memoryBudgetBytes });
    expect(plan.refusals).toEqual([]);
    expect(Math.abs(plan.bytes.device / 2 ** 20 / ledger - 1)).toBeLessThan(0.15);
  });
});
