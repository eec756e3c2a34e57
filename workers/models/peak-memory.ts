/**
 * The peak of a layout on a GPU: the weights that are there together, and what the provider's pool of buffers comes to while the parts take turns
 * (`onnx/buffer-pool.ts`). Builds the graphs that a job of that size would: tens of milliseconds for a small model, tenths of a second at the official width; each
 * size once. Reads no weight.
 */

import type { LatentSize, MemoryLayout } from '../plan/job-plan.ts';
import { BAND_PIXELS, blockTransformGraph } from './autoencoder/block-transform.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type { Manifest, PartName, Precision } from './manifest.ts';
import { partBytes, residentBytes } from './memory.ts';
import { type Footprint, footprintOf, largestExchangedBytes, pooledPeakBytes } from './onnx/buffer-pool.ts';
import type { SymbolSizes } from './onnx/dimension.ts';
import type { Graph } from './onnx/graph.ts';
import { storagePolicy } from './quantise/storage.ts';
import { textGraph } from './text/text-tower.ts';
import { type VaePart, vaeGraph } from './vae/autoencoder.ts';
import { vaeStorage } from './vae/storage.ts';
import { NETWORK_PARTS, networkGraph } from './venhancer/architecture.ts';
import { chunksFor } from './venhancer/chunks.ts';
import { levelSizes } from './venhancer/network.ts';
import { unetSections } from './venhancer/sections.ts';

/** Of one session, or of some that are there together: what their runs take beside the weights. */
interface Load {
  readonly weightBytes: number;
  /** At every number of frames. */
  readonly footprints: readonly Footprint[];
  /** On the way to or from the processor. */
  readonly exchangedBytes: number;
}

/** `exact` packages are counted as of a float16 checkpoint: sessions hold float32 either way. */
const HALF = { type: () => 'float16' } as unknown as Checkpoint;
/** Sizes whose figures are kept. */
const MOST_KNOWN = 200;

/** @returns what {@link MemoryLayout}s of the package take. */
export function peakMemory(manifest: Manifest): (layout: MemoryLayout) => number {
  const { config } = manifest;
  const weights = partBytes(manifest);
  const known = new Map<string, Load>();
  const kept = (key: readonly unknown[], make: () => Load): Load => {
    const name = JSON.stringify(key);
    const found = known.get(name) ?? make();
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(name, found);
    return found;
  };
  const weightOf = (...names: readonly PartName[]) => names.reduce((sum, name) => sum + (weights.get(name) ?? 0), 0);

  const autoencoder = (part: VaePart, frames: readonly number[], { latentWidth: w, latentHeight: h }: LatentSize) =>
    kept([part, frames, w, h], () => {
      const factor = manifest.latentFactor;
      const plane = { h, w, H: h * factor, W: w * factor };
      const sizes = frames.map((F) => ({ F, ...plane }));
      return loadOf(weightOf(part), [vaePartGraph(manifest, part)], sizes);
    });
  const networks = (frames: readonly number[], { latentWidth, latentHeight }: LatentSize, apart: boolean) => {
    const small = config.contextDim === 0;
    const chunks = small ? null : chunksFor(config, frames[0] ?? 1, latentHeight, latentWidth);
    const sizes = frames.map((count) => levelSizes(config, count, latentHeight, latentWidth));
    const storage = storagePolicy(manifest.parts.unet!.precision as Precision, HALF);
    const key = [frames, latentWidth, latentHeight];
    if (!apart) {
      const graphs = () => NETWORK_PARTS.map((part) => networkGraph(config, part, { storage, chunks }));
      // A small model's are run at any size, as they were packed.
      return [kept(['networks', ...key], () => loadOf(weightOf('controlnet', 'unet'), graphs(), sizes, !small))];
    }
    const controlnet = () => networkGraph(config, 'controlnet', { storage, chunks });
    return [
      kept(['controlnet', ...key], () => loadOf(weightOf('controlnet'), [controlnet()], sizes)),
      ...unetSections(config).map((section, index) =>
        kept(['unet', index, ...key], () => {
          const graph = networkGraph(config, 'unet', { storage, chunks, section });
          return loadOf(residentBytes(graph), [graph], sizes);
        }),
      ),
    ];
  };
  const text = () =>
    kept(['text-encoder'], () => {
      const precision = manifest.parts['text-encoder']!.precision as Precision;
      const graph = textGraph(config.text!, { storage: storagePolicy(precision, HALF) });
      return loadOf(weightOf('text-encoder'), [graph], [{}]);
    });

  return ({ residency, frames, tile, encoderTile, decoderTile, decoderFrames }) => {
    const encoder = autoencoder('vae-encoder', [1], encoderTile);
    const decoder = autoencoder('vae-decoder', decoderFrames, bandOf(manifest, decoderTile));
    const evaluated = networks(frames, tile, residency === 'parts');
    const stages =
      residency === 'all'
        ? [[encoder, ...evaluated, decoder]]
        : [[encoder], [decoder], ...evaluated.map((load) => [load])];
    if (config.text && manifest.parts['text-encoder']) stages.push([text()]);
    return Math.max(...stages.map(together));
  };
}

/** Sessions that are there together share a pool. */
function together(loads: readonly Load[]): number {
  const weights = loads.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const exchanged = Math.max(...loads.map(({ exchangedBytes }) => exchangedBytes));
  return weights + pooledPeakBytes(loads.flatMap(({ footprints }) => footprints)) + exchanged;
}

function loadOf(weightBytes: number, graphs: readonly Graph[], sizes: readonly SymbolSizes[], inPlace = true): Load {
  const exchanged = sizes.map((each) => (graphs.length > 1 ? 0 : largestExchangedBytes(graphs[0]!, each)));
  return {
    weightBytes,
    footprints: sizes.map((each) => footprintOf(graphs, each, inPlace)),
    exchangedBytes: Math.max(...exchanged),
  };
}

function vaePartGraph({ config, parts }: Manifest, part: VaePart): Graph {
  const { autoencoder } = config;
  if (autoencoder?.family === 'kl') {
    return vaeGraph(autoencoder, part, { storage: vaeStorage(parts[part]!.precision as Precision, HALF) });
  }
  if (autoencoder?.family !== 'block-transform') throw new RangeError('a model without an autoencoder runs no job');
  return blockTransformGraph(part, autoencoder.factor, autoencoder.refinement);
}

/** Rows that a small model's decoder takes at a time. */
function bandOf({ config, latentFactor }: Manifest, { latentWidth, latentHeight }: LatentSize): LatentSize {
  if (config.autoencoder?.family !== 'block-transform') return { latentWidth, latentHeight };
  const rows = Math.ceil(BAND_PIXELS / (latentWidth * latentFactor ** 2));
  return { latentWidth, latentHeight: Math.min(latentHeight, rows) };
}
