/** What `plan/` needs to know of a package, from its manifest. Costs one build of each graph: under a second, no weights. */

import type { ModelInfo } from '../plan/job-plan.ts';
import type { Manifest, NetworkConfig, PartName } from './manifest.ts';
import { autoencoderInfo, cutActivations, residentWeightBytes } from './memory.ts';
import { peakActivationBytes } from './onnx/cost.ts';
import type { SymbolSizes } from './onnx/dimension.ts';
import { withTileSizes } from './onnx/winograd.ts';
import { peakMemory } from './peak-memory.ts';
import { NETWORK_PARTS, networkGraph } from './venhancer/architecture.ts';
import { levelSizes } from './venhancer/network.ts';

/** The tile at which activations are counted: attention's scores grow with its size, all else is proportional. */
const TYPICAL_FRAMES = 16;
const TYPICAL_SIDE = 32;
/** Of the tiles that the processor may be given, on which nothing else bounds those scores. */
const PROCESSOR_SIDES = [32, 48, 64, 96, 128, 192, 256, 384, 512] as const;
/** SPEC §2.5. */
const REFERENCE_WINDOW_FRAMES = 32;

export function modelInfo(manifest: Manifest): ModelInfo {
  const { config, parts } = manifest;
  const gigaflops = (...names: readonly PartName[]) =>
    names.reduce((sum, name) => sum + (parts[name]?.flopsPerLatentPixel ?? 0), 0) / 1e9;
  const weightBytes = Object.values(parts)
    .flatMap(({ graph, data }) => [graph, ...data])
    .reduce((sum, { bytes }) => sum + bytes, 0);
  const large = largeModel(manifest);
  const small = config.contextDim === 0;
  return {
    name: manifest.name,
    latentFactor: manifest.latentFactor,
    latentChannels: config.latentChannels,
    latentHeightRule: heightRule(config),
    latentWidthRule: { modulus: 2 ** downsamplings(config), remainder: 0 },
    gigaflopsPerLatentPixel: gigaflops('controlnet', 'unet'),
    autoencoderGigaflopsPerLatentPixel: gigaflops('vae-encoder', 'vae-decoder'),
    weightBytes,
    ...large,
    activationBytesPerLatentPixel:
      large.activationBytesPerLatentPixel ?? activationBytes(config)(TYPICAL_FRAMES, TYPICAL_SIDE),
    ...(small ? { processorActivationSamples: processorSamples(config) } : {}),
    ...(parts['vae-encoder'] && parts['vae-decoder'] ? { peakBytes: peakMemory(manifest) } : {}),
    prompted: !small,
  };
}

/** Of a model with an autoencoder of the reference's kind: small ones gain nothing by turns. */
function largeModel(
  manifest: Manifest,
): Partial<
  Pick<
    ModelInfo,
    | 'activationBytesPerLatentPixel'
    | 'activationSamples'
    | 'windowFrames'
    | 'largestTensorBytesPerLatentPixel'
    | 'autoencoder'
    | 'residentWeightBytes'
  >
> {
  const { autoencoder, contextDim } = manifest.config;
  if (autoencoder?.family !== 'kl' || contextDim === 0) return {};
  const samples = cutActivations(manifest.config);
  const [pixels, bytes] = samples.at(-1)!;
  return {
    activationBytesPerLatentPixel: bytes / pixels,
    activationSamples: samples,
    windowFrames: REFERENCE_WINDOW_FRAMES,
    // The widest concatenation at full resolution: what is left where the rest is cut.
    largestTensorBytesPerLatentPixel: 4 * widestConcatenation(manifest.config),
    autoencoder: autoencoderInfo(manifest, autoencoder),
    residentWeightBytes: residentWeightBytes(manifest),
  };
}

/**
 * Counts peak float32 bytes per latent pixel and frame of the hungrier network, for a window of `frames` and a tile of about `side`² latent
 * pixels, attention's scores included. The graphs are built once, for however many sizes are asked for.
 * @param winograd as small models are built for the processor.
 */
export function activationBytes(config: NetworkConfig, winograd = false): (frames: number, side: number) => number {
  const { modulus, remainder } = heightRule(config);
  const graphs = NETWORK_PARTS.map((part) => networkGraph(config, part, { winograd }));
  return (frames, side) => {
    const height = Math.ceil((side - remainder) / modulus) * modulus + remainder;
    const width = Math.ceil(side / modulus) * modulus;
    const sizes = withTileSizes(levelSizes(config, frames, height, width));
    const peaks = graphs.map((graph) => peakActivationBytes(graph, sizes));
    return Math.max(...peaks) / (frames * height * width);
  };
}

/** Between them a straight line, which is above what grows with the square. */
function processorSamples(config: NetworkConfig): (readonly [number, number])[] {
  const bytes = activationBytes(config, true);
  return PROCESSOR_SIDES.map((side) => [side ** 2, side ** 2 * bytes(TYPICAL_FRAMES, side)]);
}

/**
 * Every symbolic dimension of a package's graphs for one shape: what a session is given to fold its shape arithmetic away.
 * With all of them fixed no node runs on the CPU beside WebGPU, and sessions load in half the time (docs/models.md).
 */
export function partDimensions(
  manifest: Manifest,
  frames: number,
  latentHeight: number,
  latentWidth: number,
): SymbolSizes {
  const { config, latentFactor } = manifest;
  const pixels = { H: latentHeight * latentFactor, W: latentWidth * latentFactor };
  return { ...levelSizes(config, frames, latentHeight, latentWidth), ...pixels };
}

/** Channels of the decoder's features beside a skip, at full resolution. */
function widestConcatenation({ dim, multipliers }: NetworkConfig): number {
  return dim * ((multipliers[1] ?? multipliers[0]!) + multipliers[0]!);
}

function downsamplings(config: NetworkConfig): number {
  return config.multipliers.length - 1;
}

/** SPEC §1.2: with the reference's padding a level has half the rows plus one, whose fixed point is 2. */
function heightRule(config: NetworkConfig): { readonly modulus: number; readonly remainder: number } {
  const modulus = 2 ** downsamplings(config);
  return { modulus, remainder: config.padding === 'reference' ? 2 % modulus : 0 };
}
