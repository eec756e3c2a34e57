/**
 * What a package's parts take on a device: weights as sessions hold them, the autoencoder's activations. Costs a build of each graph; reads
 * no weight.
 */

import type { AutoencoderInfo, AutoencoderPartInfo, Residency } from '../plan/job-plan.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type { KlAutoencoderConfig, Manifest, NetworkConfig, PartName, Precision } from './manifest.ts';
import { footprintOf, LARGEST_POOLED_BYTES, largestTensorBytes, pooledPeakBytes } from './onnx/buffer-pool.ts';
import type { Graph, Weight } from './onnx/graph.ts';
import { encodedBytes } from './quantise/encode.ts';
import { storagePolicy } from './quantise/storage.ts';
import { textGraph } from './text/text-tower.ts';
import { VAE_PARTS, type VaePart, vaeGraph } from './vae/autoencoder.ts';
import { vaeStorage } from './vae/storage.ts';
import { NETWORK_PARTS, networkGraph } from './venhancer/architecture.ts';
import { chunksFor } from './venhancer/chunks.ts';
import { levelSizes } from './venhancer/network.ts';
import { unetSections } from './venhancer/sections.ts';

/** SPEC §2.6: the reference's windows of decoding. A decoder that does not mix frames needs none. */
const DECODER_FRAMES = { temporal: 5, spatial: 1 } as const;
const DECODER_OVERLAP = { temporal: 2, spatial: 0 } as const;
/** Side at which the largest tensor is looked for. */
const TYPICAL_SIDE = 32;
/** So many of the largest tensor's size are there at once where it is let go of late (docs/official.md). */
const LATE_TENSORS = 13;

/** float16 becomes float32 when a session folds its casts; integers are restored as they are used, and stay. */
export function residentBytes(graph: Graph): number {
  const bytesOf = (weight: Weight) => {
    if (weight.storage === 'float16') return 4 * weight.storedDims.reduce((count, size) => count * size, 1);
    return encodedBytes(weight).reduce((sum, { bytes }) => sum + bytes, 0);
  };
  return graph.weights.reduce((sum, weight) => sum + bytesOf(weight), 0);
}

/** Resident bytes of every part that the package has. */
export function partBytes({ config, parts }: Manifest): ReadonlyMap<PartName, number> {
  const found = new Map<PartName, number>();
  for (const [name, record] of Object.entries(parts) as [PartName, Manifest['parts'][PartName]][]) {
    const graph = graphOf(name, config, record!.precision as Precision);
    const stored = record!.data.reduce((sum, { bytes }) => sum + bytes, 0);
    found.set(name, graph ? Math.max(stored, residentBytes(graph)) : stored);
  }
  return found;
}

/** What has to be there at once. The text encoder is always alone: it runs before all else. */
export function residentWeightBytes(manifest: Manifest): Readonly<Record<Residency, number>> {
  const bytes = partBytes(manifest);
  const of = (...names: readonly PartName[]) => names.reduce((sum, name) => sum + (bytes.get(name) ?? 0), 0);
  const largest = (...sets: readonly (readonly PartName[])[]) => Math.max(...sets.map((set) => of(...set)));
  const apart: readonly (readonly PartName[])[] = [['text-encoder'], ['vae-encoder'], ['vae-decoder']];
  const precision = manifest.parts.unet!.precision as Precision;
  const storage = storagePolicy(precision, HALF);
  const sections = unetSections(manifest.config).map((section) =>
    residentBytes(networkGraph(manifest.config, 'unet', { storage, section })),
  );
  return {
    all: Math.max(of('text-encoder'), of('vae-encoder', 'vae-decoder', 'controlnet', 'unet')),
    stages: largest(...apart, ['controlnet', 'unet']),
    parts: Math.max(largest(...apart, ['controlnet']), ...sections),
  };
}

/** Sizes at which the networks' buffers are counted: frames, and rows and columns in steps of the lowest level's. */
const SAMPLES = [
  [8, 4, 4],
  [8, 5, 8],
  [24, 5, 8],
] as const;

/** What the networks with their hungry steps cut take in buffers on a GPU, by latent pixels × frames; never less for more. */
export function cutActivations(config: NetworkConfig): readonly (readonly [latentPixels: number, bytes: number])[] {
  const modulus = 2 ** (config.multipliers.length - 1);
  const rest = config.padding === 'reference' ? 2 % modulus : 0;
  let most = 0;
  return SAMPLES.map(([frames, down, across]) => {
    const [rows, columns] = [down * modulus + rest, across * modulus];
    const chunks = chunksFor(config, frames, rows, columns);
    const sizes = levelSizes(config, frames, rows, columns);
    const graphs = NETWORK_PARTS.map((part) => networkGraph(config, part, { chunks }));
    most = Math.max(most, pooledPeakBytes([footprintOf(graphs, sizes)]));
    return [frames * rows * columns, most] as const;
  });
}

export function autoencoderInfo(manifest: Manifest, config: KlAutoencoderConfig): AutoencoderInfo {
  const bytes = partBytes(manifest);
  const frames = DECODER_FRAMES[config.decoder];
  return {
    decoderFrames: frames,
    decoderOverlap: DECODER_OVERLAP[config.decoder],
    encoder: autoencoderPart(config, 'vae-encoder', 1),
    decoder: autoencoderPart(config, 'vae-decoder', frames),
    weightBytes: Math.max(...VAE_PARTS.map((part) => bytes.get(part) ?? 0)),
  };
}

function autoencoderPart(config: KlAutoencoderConfig, part: VaePart, frames: number): AutoencoderPartInfo {
  const factor = 2 ** (config.channels.length - 1);
  const graph = vaeGraph(config, part);
  const sizesAt = (side: number) => ({ F: frames, h: side, w: side, H: side * factor, W: side * factor });
  const largest = largestTensorBytes(graph, sizesAt(TYPICAL_SIDE)) / TYPICAL_SIDE ** 2;
  const pooledPixels = Math.floor(LARGEST_POOLED_BYTES / largest);
  const side = Math.max(1, Math.floor(Math.sqrt(pooledPixels)));
  return {
    pooledPixels,
    pooledBytesPerLatentPixel: pooledPeakBytes([footprintOf([graph], sizesAt(side))]) / side ** 2,
    bytesPerLatentPixel: LATE_TENSORS * largest,
  };
}

/** `exact` packages are counted as of a float16 checkpoint: sessions hold float32 either way. */
const HALF = { type: () => 'float16' } as unknown as Checkpoint;

function graphOf(name: PartName, config: Manifest['config'], precision: Precision): Graph | null {
  const network = NETWORK_PARTS.find((part) => part === name);
  if (network) return networkGraph(config, network, { storage: storagePolicy(precision, HALF) });
  const vae = VAE_PARTS.find((part) => part === name);
  if (vae && config.autoencoder?.family === 'kl') {
    return vaeGraph(config.autoencoder, vae, { storage: vaeStorage(precision, HALF) });
  }
  return name === 'text-encoder' && config.text
    ? textGraph(config.text, { storage: storagePolicy(precision, HALF) })
    : null;
}
