/**
 * What a package's parts take on a device: weights as sessions hold them, the autoencoder's activations. Costs a build of each graph; reads
 * no weight.
 */

import type { AutoencoderInfo, Residency } from '../plan/job-plan.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type { KlAutoencoderConfig, Manifest, NetworkConfig, PartName, Precision } from './manifest.ts';
import { peakActivationBytes } from './onnx/cost.ts';
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
/** Side at which activations are counted; they are proportional to its square, attention's scores aside. */
const TYPICAL_SIDE = 32;
/** Frames at which they are counted. */
const TYPICAL_FRAMES = 8;
/** Scores and their softmax. */
const SCORE_TENSORS = 2;

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
    all: of('text-encoder', 'vae-encoder', 'vae-decoder', 'controlnet', 'unet'),
    stages: largest(...apart, ['controlnet', 'unet']),
    parts: Math.max(largest(...apart, ['controlnet']), ...sections),
  };
}

/**
 * Peak activations of the networks with their hungry steps cut, as a line over latent pixels and frames: `perPixel`·pixels·frames + `base`. What
 * restores a quantised weight is part of the base.
 */
export function cutActivations(config: NetworkConfig): { readonly perPixel: number; readonly base: number } {
  const at = (rows: number, columns: number) => {
    const chunks = chunksFor(config, TYPICAL_FRAMES, rows, columns);
    const sizes = levelSizes(config, TYPICAL_FRAMES, rows, columns);
    const peaks = NETWORK_PARTS.map((part) => peakActivationBytes(networkGraph(config, part, { chunks }), sizes));
    return { pixels: TYPICAL_FRAMES * rows * columns, bytes: Math.max(...peaks) };
  };
  const modulus = 2 ** (config.multipliers.length - 1);
  const rest = config.padding === 'reference' ? 2 % modulus : 0;
  const small = at(4 * modulus + rest, 4 * modulus);
  const large = at(8 * modulus + rest, 8 * modulus);
  const perPixel = (large.bytes - small.bytes) / (large.pixels - small.pixels);
  const graph = networkGraph(config, 'unet');
  const restored = Math.max(...graph.weights.map(({ storedDims }) => 4 * storedDims.reduce((n, size) => n * size, 1)));
  return { perPixel, base: Math.max(0, small.bytes - perPixel * small.pixels) + restored };
}

export function autoencoderInfo(manifest: Manifest, config: KlAutoencoderConfig): AutoencoderInfo {
  const bytes = partBytes(manifest);
  const factor = 2 ** (config.channels.length - 1);
  const sizes = { F: 1, h: TYPICAL_SIDE, w: TYPICAL_SIDE, H: TYPICAL_SIDE * factor, W: TYPICAL_SIDE * factor };
  const pixels = TYPICAL_SIDE ** 2;
  const perPixel = (part: VaePart) => peakActivationBytes(vaeGraph(config, part), sizes) / pixels;
  return {
    decoderFrames: DECODER_FRAMES[config.decoder],
    decoderOverlap: DECODER_OVERLAP[config.decoder],
    encoderBytesPerLatentPixel: perPixel('vae-encoder'),
    decoderBytesPerLatentPixel: perPixel('vae-decoder'),
    attentionBytesPerSquaredLatentPixel: SCORE_TENSORS * 4,
    weightBytes: Math.max(...VAE_PARTS.map((part) => bytes.get(part) ?? 0)),
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
