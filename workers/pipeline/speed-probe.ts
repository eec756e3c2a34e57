/**
 * One tile on this device, for the clock: what the networks, the autoencoder and the work around them really take, so that a plan's
 * estimate is a measurement. About two seconds, the model's loading aside; tiles are cut down where the device's self-test says that
 * a whole one would take longer. Gives way between model runs.
 */

import { Upsampler } from '../condition/upsample.ts';
import { throwIfAborted } from '../errors.ts';
import { type MeasuredSpeed, tileBytes } from '../plan/cost.ts';
import type { DeviceInfo, JobPlan } from '../plan/job-plan.ts';
import { type SideRule, validSide } from '../plan/tiles.ts';
import type { Measurement } from '../protocol.ts';
import { fixColour } from '../reconstruct/colour-fix.ts';
import { toRgba } from '../reconstruct/picture.ts';
import { type Tensor, tensor } from '../tensor.ts';
import type { Model } from './model.ts';
import { turn } from './pause-gate.ts';

/** As long as a timed run may take, by the self-test's speed. */
const RUN_SECONDS = 0.8;
const LEAST_SIDE = 8;

export interface SpeedProbe {
  readonly speed: MeasuredSpeed;
  readonly measurement: Measurement;
}

/**
 * @param plan whose tile and windows are tried; nothing of it is refused.
 * @param peakBytes of device memory, so far; 0 where nobody counts.
 */
export async function probeSpeed(
  model: Model,
  plan: JobPlan,
  device: DeviceInfo,
  budgetBytes: number,
  peakBytes: () => number,
  signal: AbortSignal,
): Promise<SpeedProbe> {
  model.keep(plan);
  const { info } = model;
  const longest = Math.max(1, ...plan.windows.map(({ startFrame, endFrame }) => endFrame - startFrame));
  const tile = plan.tiles[0]!;
  const allowed = (device.gigaflopsPerSecond * RUN_SECONDS) / info.gigaflopsPerLatentPixel;
  const frames = Math.max(1, Math.min(longest, Math.floor(allowed / LEAST_SIDE ** 2)));
  const side = Math.max(LEAST_SIDE, Math.floor(Math.sqrt(allowed / frames)));
  // Down to a side that the networks take.
  const within = (rule: SideRule) => validSide(side - rule.modulus + 1, rule);
  const width = Math.min(tile.latentWidth, within(info.latentWidthRule));
  const height = Math.min(tile.latentHeight, within(info.latentHeightRule));
  const whole = width === tile.latentWidth && height === tile.latentHeight && frames === longest;

  const networkSeconds = await timed(() => evaluate(model, frames, width, height), signal);
  const encoderSeconds = await timed(() => encode(model, width, height), signal);
  const decoderSeconds = await timed(() => decode(model, width, height), signal);
  const pixels = width * height * info.latentFactor ** 2;
  const pictures = timePictures(width * info.latentFactor, height * info.latentFactor);
  const gigaflops =
    width *
    height *
    frames *
    (info.gigaflopsPerLatentPixel + width * height * (info.attentionGigaflopsPerSquaredLatentPixel ?? 0));
  const speed: MeasuredSpeed = {
    networkGigaflopsPerSecond: gigaflops / networkSeconds,
    autoencoderSecondsPerLatentPixel: (encoderSeconds + decoderSeconds) / 2 / (width * height),
    conditionSecondsPerMegapixel: (1e6 * pictures.upsample) / pixels,
    reconstructSecondsPerMegapixel: (1e6 * (pictures.upsample + pictures.finish)) / pixels,
  };
  const size = { tileWidth: tile.latentWidth, tileHeight: tile.latentHeight };
  const planned = tileBytes(info, size, longest);
  const measuredBytes = whole && peakBytes() > 0 ? peakBytes() : null;
  // What was measured against what was planned scales the planned bytes of other lengths.
  const factor = measuredBytes === null ? 1 : measuredBytes / planned;
  let largest = longest;
  while (largest < MOST_FRAMES && factor * tileBytes(info, size, largest + 1) <= budgetBytes) largest += 1;
  return {
    speed,
    measurement: {
      tileSeconds: networkSeconds,
      deviceBytes: measuredBytes ?? planned,
      bytesMeasured: measuredBytes !== null,
      largestWindowFrames: largest,
    },
  };
}

/** Longer windows gain nothing that shows. */
const MOST_FRAMES = 256;

/** The second of two runs: the first builds what the device needs for that shape. */
async function timed(run: () => Promise<unknown>, signal: AbortSignal): Promise<number> {
  throwIfAborted(signal);
  await run();
  // Lets messages in, a cancel among them.
  await turn();
  throwIfAborted(signal);
  const start = performance.now();
  await run();
  return Math.max(1e-6, (performance.now() - start) / 1000);
}

function zeros(...dims: number[]): Tensor {
  return tensor(dims, new Float32Array(dims.reduce((product, each) => product * each, 1)));
}

async function evaluate(model: Model, frames: number, width: number, height: number): Promise<void> {
  const { config } = model.manifest;
  const features = () => zeros(1, config.dim);
  const { latentChannels } = model.info;
  const inputs = {
    sample: zeros(frames, latentChannels, height, width),
    hint: zeros(frames, latentChannels, height, width),
    keyFrames: tensor([frames], new Float32Array(frames).fill(1)),
    timestepFeatures: features(),
    hintTimestepFeatures: features(),
    scaleFeatures: features(),
  };
  const context = config.contextDim === 0 ? null : zeros(config.contextLength, config.contextDim);
  await model.evaluateEach(inputs, [context]);
}

function encode(model: Model, width: number, height: number): Promise<Tensor> {
  const { latentFactor } = model.info;
  return model.encode(zeros(1, 3, height * latentFactor, width * latentFactor));
}

function decode(model: Model, width: number, height: number): Promise<Tensor> {
  const { latentFactor, latentChannels } = model.info;
  const source = zeros(1, 3, height * latentFactor, width * latentFactor);
  return model.decode(zeros(1, latentChannels, height, width), model.info.autoencoder ? null : source, zeros(1, 2));
}

/** Seconds to enlarge a picture, and to turn a decoded one into pixels. */
function timePictures(width: number, height: number): { readonly upsample: number; readonly finish: number } {
  const upsampler = new Upsampler(width >> 1, height >> 1, width, height);
  const rgba = new Uint8ClampedArray((width >> 1) * (height >> 1) * 4);
  const seconds = (work: () => unknown): number => {
    work();
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  };
  const picture = upsampler.fromRgba(rgba);
  return {
    upsample: seconds(() => upsampler.fromRgba(rgba)),
    finish: seconds(() => {
      fixColour(picture, picture.slice(), width, height);
      toRgba(picture, width, height, width, height);
    }),
  };
}
