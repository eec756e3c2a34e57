/**
 * What a job costs: bytes and seconds from the model's own figures. Estimates, to be shown and compared with a budget; the
 * rates of conditioning and reconstruction were measured on one core (docs/diffusion.md), those of decoding and encoding are
 * assumed; a machine's own can replace them.
 */

import type { DeviceInfo, ModelInfo, StageSeconds } from './job-plan.ts';
import type { Quality } from './settings.ts';

export interface TileSize {
  readonly tileWidth: number;
  readonly tileHeight: number;
}

const FLOAT_BYTES = 4;
const MIB = 2 ** 20;

/** A budget for a person who set none: what most machines of the kind can spare. */
export function defaultMemoryBudgetBytes(device: DeviceInfo): number {
  if (device.provider === 'wasm' || device.isFallbackAdapter) return 1536 * MIB;
  return Math.min(4096 * MIB, Math.max(1536 * MIB, 2 * device.maxBufferBytes));
}

/** JavaScript arrays that a tab can be trusted with: half of the machine's memory, 4 GiB where nobody knows how much that is. */
export function defaultHeapBudgetBytes({ memoryBytes }: DeviceInfo): number {
  return memoryBytes === undefined ? 4096 * MIB : Math.min(16384 * MIB, Math.max(2048 * MIB, memoryBytes / 2));
}

/** Bytes on the device (or in the WASM heap) while one tile of one window runs: weights, activations, inputs, outputs. */
export function tileBytes(model: ModelInfo, { tileWidth, tileHeight }: TileSize, frames: number): number {
  const pixels = tileWidth * tileHeight;
  const exchanged = 3 * model.latentChannels * FLOAT_BYTES;
  return (
    model.weightBytes +
    activationBytes(model, pixels, frames) +
    pixels * frames * exchanged +
    pixels * pixels * (model.attentionBytesPerSquaredLatentPixel ?? 0)
  );
}

/** Between samples on a line, beyond them in proportion: a pool's buffers come in steps, which no single figure per pixel follows. */
function activationBytes(model: ModelInfo, tilePixels: number, frames: number): number {
  const { tileActivationSamples, activationSamples } = model;
  if (tileActivationSamples) return frames * sampled(tileActivationSamples, tilePixels);
  if (activationSamples) return sampled(activationSamples, tilePixels * frames);
  return tilePixels * frames * model.activationBytesPerLatentPixel;
}

function sampled(samples: readonly (readonly [latentPixels: number, bytes: number])[], latentPixels: number): number {
  const above = samples.findIndex(([pixels]) => pixels >= latentPixels);
  const end = (above < 0 ? samples.at(-1) : samples[above])!;
  const start = above > 0 ? samples[above - 1]! : ([0, 0] as const);
  if (above < 0) return (latentPixels / end[0]) * end[1];
  return start[1] + ((end[1] - start[1]) * (latentPixels - start[0])) / (end[0] - start[0]);
}

/** Whether every single tensor of a tile fits into a binding of the device. */
export function tensorsFit(model: ModelInfo, device: DeviceInfo, tile: TileSize, frames: number): boolean {
  if (device.provider !== 'webgpu') return true;
  const largest = (model.largestTensorBytesPerLatentPixel ?? 0) * tile.tileWidth * tile.tileHeight * frames;
  return largest <= Math.min(device.maxBindingBytes, device.maxBufferBytes);
}

/**
 * GFLOP, as the plain form counts them, that one run on the processor may take: about six seconds on two cores (docs/performance.md). A run can't be interrupted, so that this is how
 * long a pause, or the next sign of progress, may have to be waited for. Fixed, so that a layout doesn't depend on measured speed.
 */
const LONGEST_PROCESSOR_RUN_GIGAFLOPS = 400;

/** Whether a tile's run is short enough to wait for. */
export function runFits(model: ModelInfo, device: DeviceInfo, tile: TileSize, frames: number): boolean {
  if (device.provider !== 'wasm') return true;
  const gigaflops = model.gigaflopsPerLatentPixel * tile.tileWidth * tile.tileHeight * frames;
  return gigaflops <= LONGEST_PROCESSOR_RUN_GIGAFLOPS || model.gigaflopsPerLatentPixel > SMALL_MODEL_GIGAFLOPS;
}

/** Above this a latent pixel costs so much that bounding a run would only shrink tiles to nothing: the official model. */
const SMALL_MODEL_GIGAFLOPS = 0.05;

export interface HeapLoad {
  readonly latentPixels: number;
  readonly latentChannels: number;
  readonly paddedPixels: number;
  readonly outputPixels: number;
  readonly sourcePixels: number;
  readonly frameCount: number;
  readonly frameRateFactor: number;
  readonly evaluations: number;
  readonly longestWindow: number;
  /** New frames that a window brings. */
  readonly stride: number;
  /** Latent pixels of one; `latentPixels` where there is only one. */
  readonly tilePixels: number;
  readonly usesSaved: boolean;
  /** Whether hints are noisy, and so held beside what they were made of. */
  readonly noisyHints: boolean;
  /** Source frames are held twice, and some more of them. */
  readonly deflickered: boolean;
}

/** JavaScript memory: the wavefront's frames (state, saved, x0 where windows share, source latents, hints), one window's exchange with the network, a tile of it at a time, motion, pictures in flight. */
export function heapBytes(load: HeapLoad): number {
  const alive = framesAlive(load);
  const latentFrame = load.latentPixels * load.latentChannels * FLOAT_BYTES;
  const hints = Math.ceil(alive / load.frameRateFactor) + 1;
  const shared = (1 - Math.min(1, load.stride / load.longestWindow)) * alive;
  const arrays = 2 + (load.usesSaved ? 1 : 0) + (load.noisyHints ? 1 : 0);
  // Sample, hint and output; what the tiles' outputs are blended into.
  const exchange = 3 * (load.tilePixels / load.latentPixels) + (load.tilePixels < load.latentPixels ? 1 : 0);
  const latents = latentFrame * (alive * arrays + shared + exchange * load.longestWindow);
  const sources = 4 * load.sourcePixels * (load.deflickered ? 2 * hints + DEFLICKER_CONTEXT : hints);
  const moving = load.frameRateFactor > 1 ? Math.min(load.sourcePixels, MOST_MOTION_PIXELS) : 0;
  const planes = 6 + picturesHeld(load.paddedPixels);
  const pictures = planes * 3 * FLOAT_BYTES * load.paddedPixels + 8 * 4 * load.outputPixels;
  return Math.ceil(latents + sources + MOTION_BYTES_PER_PIXEL * moving + pictures);
}

/** Of the wavefront: as many windows are open as there are evaluations (`denoise/wavefront.ts`). */
function framesAlive({ frameCount, longestWindow, evaluations, stride }: HeapLoad): number {
  return Math.min(frameCount, longestWindow + (evaluations - 1) * stride);
}

/** Frames to both sides (`condition/deflicker.ts`), and those of a frame's neighbourhood again at the worker. */
const DEFLICKER_CONTEXT = 4 + 5;

/** Source pictures that a job keeps or makes ahead (`pipeline/source-frames.ts`), of so many padded pixels each. */
export function picturesHeld(paddedPixels: number): number {
  const fit = Math.floor(PICTURES_BYTES / (3 * FLOAT_BYTES * paddedPixels));
  return Math.min(MOST_PICTURES, Math.max(2, fit));
}

/** Two windows' at 640×360, one's at 1280×720. */
const PICTURES_BYTES = 160 * MIB;
const MOST_PICTURES = 48;

/** The wavefront between two evaluations, kept twice in the journal (docs/reliability.md): state, saved, x0 where windows share. */
export function statesBytes(load: HeapLoad): number {
  const alive = framesAlive(load);
  const shared = (1 - Math.min(1, load.stride / load.longestWindow)) * alive;
  return Math.ceil(
    2 * load.latentPixels * load.latentChannels * FLOAT_BYTES * (alive * (load.usesSaved ? 2 : 1) + shared),
  );
}

/** Two lumas with their pyramids, flows both ways, a velocity (`condition/motion.ts`); large sources are halved first. */
const MOTION_BYTES_PER_PIXEL = 48;
const MOST_MOTION_PIXELS = 960 * 960;

const BITS_PER_PIXEL: { readonly [quality in Quality]: number } = { small: 0.05, balanced: 0.1, high: 0.2 };

/** Packets in the journal and the muxed file, audio included in both. */
export function storageBytes(outputPixels: number, frames: number, quality: Quality, sourceBytes: number): number {
  const video = (outputPixels * frames * BITS_PER_PIXEL[quality]) / 8;
  const audio = Math.min(sourceBytes, 0.1 * sourceBytes + MIB);
  return Math.ceil(2 * (video + audio));
}

/** Seconds for a megapixel of a stage's work outside the network. */
export interface StageRates {
  /** Of source pixels decoded. */
  readonly decode: number;
  /** Of padded pixels upsampled. */
  readonly condition: number;
  /** Of padded pixels turned into pictures. */
  readonly reconstruct: number;
  /** Of output pixels encoded. */
  readonly encode: number;
}

export const DEFAULT_STAGE_RATES: StageRates = { decode: 0.006, condition: 0.025, reconstruct: 0.05, encode: 0.03 };

/** What a probe on this very device found, in place of the self-test's speed and the rates above. */
export interface MeasuredSpeed {
  readonly networkGigaflopsPerSecond: number;
  /** Of one way, in or out. */
  readonly autoencoderSecondsPerLatentPixel: number;
  readonly conditionSecondsPerMegapixel: number;
  readonly reconstructSecondsPerMegapixel: number;
}

/** Seconds of one core to find a frame's change of light, and to apply it to a megapixel (docs/performance.md). */
const DEFLICKER_SECONDS_PER_FRAME = 0.006;
const DEFLICKER_SECONDS_PER_MEGAPIXEL = 0.018;

export interface Work {
  /** Latent pixels × frames of one evaluation, overlaps of tiles and windows counted. */
  readonly evaluatedLatents: number;
  /** Sum over the same tiles and frames of (latent pixels of the tile)². */
  readonly attendedLatents: number;
  /** Network runs per frame: evaluations, twice with guidance. */
  readonly passes: number;
  readonly latentPixels: number;
  readonly paddedPixels: number;
  readonly outputPixels: number;
  readonly sourcePixels: number;
  readonly sourceFrames: number;
  readonly frameCount: number;
  readonly deflickered: boolean;
}

export function secondsByStage(
  work: Work,
  model: ModelInfo,
  device: DeviceInfo,
  assumed: StageRates,
  measured: MeasuredSpeed | null = null,
): StageSeconds {
  const speed = Math.max(1e-3, measured?.networkGigaflopsPerSecond ?? device.gigaflopsPerSecond);
  const autoencoder =
    work.latentPixels *
    (measured?.autoencoderSecondsPerLatentPixel ?? model.autoencoderGigaflopsPerLatentPixel / speed);
  const rates = measured
    ? {
        ...assumed,
        condition: measured.conditionSecondsPerMegapixel,
        reconstruct: measured.reconstructSecondsPerMegapixel,
      }
    : assumed;
  const network =
    work.evaluatedLatents * model.gigaflopsPerLatentPixel +
    work.attendedLatents * (model.attentionGigaflopsPerSquaredLatentPixel ?? 0);
  const megapixels = (pixels: number, frames: number) => (pixels * frames) / 1e6;
  const deflicker = work.deflickered
    ? DEFLICKER_SECONDS_PER_FRAME * work.sourceFrames +
      DEFLICKER_SECONDS_PER_MEGAPIXEL * megapixels(work.sourcePixels, work.sourceFrames)
    : 0;
  return {
    decode: rates.decode * megapixels(work.sourcePixels, work.sourceFrames),
    condition:
      deflicker + work.sourceFrames * autoencoder + rates.condition * megapixels(work.paddedPixels, work.sourceFrames),
    denoise: (work.passes * network) / speed,
    reconstruct: work.frameCount * autoencoder + rates.reconstruct * megapixels(work.paddedPixels, work.frameCount),
    encode: rates.encode * megapixels(work.outputPixels, work.frameCount),
  };
}
