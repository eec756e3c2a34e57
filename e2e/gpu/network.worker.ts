/**
 * One evaluation of a package's ControlNet and UNet by itself, timed and counted, on inputs by formula that another program can make too;
 * and the pixels of two finished files compared.
 */

import { formulaValues } from '../../tools/formula-weights.ts';
import { sinusoid } from '../../workers/condition/sinusoid.ts';
import { toErrorData } from '../../workers/errors.ts';
import { openClip } from '../../workers/media/clip.ts';
import { PackageStore } from '../../workers/models/store/package-store.ts';
import { urlSource } from '../../workers/models/url-source.ts';
import { Model } from '../../workers/pipeline/model.ts';
import type { DeviceInfo, ModelInfo, Provider, Residency } from '../../workers/plan/job-plan.ts';
import { residencies } from '../../workers/plan/residency.ts';
import { Runtime } from '../../workers/runtime/runtime.ts';
import { type Tensor, tensor } from '../../workers/tensor.ts';
import { type PiecesFigures, piecesAgainstWhole } from './pieces.ts';

export type Command =
  | {
      readonly kind: 'network';
      readonly provider: Provider;
      /** An installed package's, or one in the page's own `models` folder. */
      readonly model: string;
      readonly installed: boolean;
      readonly residency: Residency;
      readonly frames: number;
      readonly height: number;
      readonly width: number;
      readonly runs: number;
      /** Whether to hand out what came of it. */
      readonly keep: boolean;
    }
  | { readonly kind: 'pieces'; readonly provider: Provider }
  | { readonly kind: 'compare'; readonly a: File; readonly b: File };

export interface NetworkFigures {
  readonly kind: 'network';
  readonly device: DeviceInfo;
  readonly loadSeconds: number;
  /** The first makes the sessions. */
  readonly runSeconds: readonly number[];
  readonly gigaflops: number;
  readonly predictedBytes: number;
  readonly weightBytes: number;
  readonly ledger: { readonly peakBytes: number; readonly liveBytes: number; readonly liveBuffers: number };
  readonly rms: number;
  readonly finite: boolean;
  readonly inputs: Readonly<Record<string, { dims: readonly number[]; data: readonly number[] }>> | null;
  readonly output: readonly number[] | null;
}

export type Result =
  | NetworkFigures
  | PiecesFigures
  | {
      readonly kind: 'compare';
      readonly frames: readonly [number, number];
      readonly psnr: number;
      readonly worstPsnr: number;
      readonly largestDifference: number;
    }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

self.addEventListener('message', ({ data }: MessageEvent<Command>) => {
  answer(data)
    .then((result) => self.postMessage(result))
    .catch((error) => {
      const { code, message, detail = '' } = toErrorData(error);
      self.postMessage({ kind: 'error', code, message: `${message} ${detail}` });
    });
});

function answer(command: Command): Promise<Result> {
  switch (command.kind) {
    case 'network':
      return network(command);
    case 'pieces':
      return piecesAgainstWhole(command.provider);
    case 'compare':
      return compare(command);
  }
}

async function network(order: Extract<Command, { kind: 'network' }>): Promise<NetworkFigures> {
  const { provider, model: name, installed, residency, frames, height, width, runs, keep } = order;
  const runtime = await Runtime.open(provider);
  const loading = performance.now();
  const source = installed
    ? (await PackageStore.open()).source(name)
    : urlSource(new URL(`models/${name}/`, location.origin).href);
  const model = await Model.load(runtime, source, { verify: false });
  model.keep({ residency, windows: [{ index: 0, shot: 0, startFrame: 0, endFrame: frames, overlapFrames: 0 }] });
  const loadSeconds = since(loading);
  const { config } = model.manifest;
  const dims = [frames, model.info.latentChannels, height, width];
  const features = (value: number) => tensor([1, config.dim], sinusoid(value, config.dim));
  const inputs = {
    sample: noise('sample', dims),
    hint: noise('hint', dims),
    keyFrames: tensor([frames], new Float32Array(frames).fill(1)),
    timestepFeatures: features(500),
    hintTimestepFeatures: features(199),
    scaleFeatures: features(8),
  };
  const context = config.contextDim === 0 ? null : noise('context', [config.contextLength, config.contextDim]);
  const runSeconds: number[] = [];
  let output: Tensor | undefined;
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    output = (await model.evaluateEach(inputs, [context]))[0]!;
    runSeconds.push(since(start));
  }
  const { data } = output!;
  const { info } = model;
  const weighed = residencies(info).find((each) => each.residency === residency)?.model ?? info;
  const { peakBytes, liveBytes, liveBuffers } = runtime.ledger;
  const pixels = height * width;
  const given = { sample: inputs.sample, hint: inputs.hint, key_frames: inputs.keyFrames };
  const named = Object.entries({ ...given, ...(context ? { context } : {}) });
  return {
    kind: 'network',
    device: runtime.device,
    loadSeconds,
    runSeconds,
    gigaflops:
      pixels * frames * (info.gigaflopsPerLatentPixel + pixels * (info.attentionGigaflopsPerSquaredLatentPixel ?? 0)),
    predictedBytes: networksPeak(info, frames, height, width, residency),
    weightBytes: weighed.weightBytes,
    ledger: { peakBytes, liveBytes, liveBuffers },
    rms: Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length),
    finite: data.every(Number.isFinite),
    inputs: keep
      ? Object.fromEntries(named.map(([key, each]) => [key, { dims: each.dims, data: [...each.data] }]))
      : null,
    output: keep ? [...data] : null,
  };
}

/** Of the networks alone: an autoencoder that has next to nothing to do. */
function networksPeak({ peakBytes }: ModelInfo, frames: number, height: number, width: number, residency: Residency) {
  const [pixel, tile] = [
    { latentWidth: 1, latentHeight: 1 },
    { latentWidth: width, latentHeight: height },
  ];
  return (
    peakBytes?.({ residency, frames: [frames], tile, encoderTile: pixel, decoderTile: pixel, decoderFrames: [1] }) ?? 0
  );
}

/** Unit variance: uniform, by the weights' formula. */
function noise(key: string, dims: readonly number[]): Tensor {
  const fanIn = dims.slice(1).reduce((total, size) => total * size, 1);
  return tensor(
    dims,
    formulaValues(key, dims).map((value) => (value * Math.sqrt(fanIn)) / 0.8),
  );
}

async function compare({ a, b }: Extract<Command, { kind: 'compare' }>): Promise<Result> {
  const [one, other] = [await openClip(a), await openClip(b)];
  const all = { startFrame: 0, endFrame: one.info.frameCount };
  const others = other.frames(all)[Symbol.asyncIterator]();
  const errors: number[] = [];
  let largestDifference = 0;
  for await (const { rgba } of one.frames(all)) {
    const next = await others.next();
    if (next.done) break;
    let sum = 0;
    for (let i = 0; i < rgba.length; i += 1) {
      const difference = Math.abs(rgba[i]! - next.value.rgba[i]!);
      largestDifference = Math.max(largestDifference, difference);
      sum += difference ** 2;
    }
    // A quarter is opacity, which never differs.
    errors.push(sum / (rgba.length * 0.75));
  }
  const mean = errors.reduce((sum, each) => sum + each, 0) / errors.length;
  return {
    kind: 'compare',
    frames: [one.info.frameCount, other.info.frameCount],
    psnr: decibels(mean),
    worstPsnr: decibels(Math.max(...errors)),
    largestDifference,
  };
}

function decibels(meanSquare: number): number {
  return 10 * Math.log10(255 ** 2 / Math.max(meanSquare, 1e-9));
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
