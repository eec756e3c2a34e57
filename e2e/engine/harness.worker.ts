/**
 * Worker end of the engine's test harness: judges finished files by their pixels, and runs the pipeline's own job with its
 * model watched or its UNet silenced. Answers in plain data.
 */

import { toErrorData } from '../../workers/errors.ts';
import type { Area } from '../../workers/media/borders.ts';
import { type Clip, openClip } from '../../workers/media/clip.ts';
import { chooseEncoder } from '../../workers/media/encoder-choice.ts';
import { GroupEncoder } from '../../workers/media/group-encoder.ts';
import { rgbaToI420 } from '../../workers/media/i420.ts';
import { muxMp4ToBlob } from '../../workers/media/mux.ts';
import { MemoryPacketSink } from '../../workers/media/packet-sink.ts';
import { crop, stretch } from '../../workers/media/rgba.ts';
import { readManifest } from '../../workers/models/package.ts';
import { urlSource } from '../../workers/models/url-source.ts';
import { Model } from '../../workers/pipeline/model.ts';
import { pictureRun } from '../../workers/pipeline/picture-run.ts';
import { PictureWorkers } from '../../workers/pipeline/picture-workers.ts';
import { plannedModel } from '../../workers/pipeline/program.ts';
import type { DeviceInfo, Group, JobPlan, Provider } from '../../workers/plan/job-plan.ts';
import { planJob } from '../../workers/plan/plan-job.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import { Runtime } from '../../workers/runtime/runtime.ts';
import { tensor } from '../../workers/tensor.ts';
import { watchGpu } from './gpu-counts.ts';
import { type ModelFigures, ModelMeter } from './model-meter.ts';
import type { TimelineSpan } from './timeline.ts';
import { wholeJob } from './whole-job.ts';

export type Command =
  | { readonly kind: 'changes'; readonly output: string }
  | {
      readonly kind: 'borders';
      readonly output: string;
      readonly sourceUrl: string;
      readonly area: Area;
      readonly placed: Area;
    }
  | { readonly kind: 'compare'; readonly output: string; readonly truthUrl: string }
  | {
      readonly kind: 'seams';
      readonly output: string;
      readonly truthUrl: string;
      readonly sourceUrl: string;
      readonly settings: Settings;
      readonly memoryBudgetBytes: number;
      readonly modelsUrl: string;
    }
  | {
      readonly kind: 'job';
      readonly provider: Provider;
      readonly url: string;
      readonly settings: Settings;
      /** Source frames of the clip to use; more than it has: there and back again, encoded anew before the job begins. */
      readonly frames: number;
      /** Part of the picture to use, in source pixels from its top left; all of it when absent. */
      readonly crop?: { readonly width: number; readonly height: number };
      readonly unet: 'real' | 'silent';
      /** 'source': frames are the source as it was enlarged, whatever the latents. */
      readonly decoder?: 'source';
      readonly keepLatents?: boolean;
      readonly truthUrl?: string;
      readonly memoryBudgetBytes?: number;
      /** Through the engine, as the page has it done; nothing is compared or kept then. */
      readonly whole?: boolean;
      /** Of a whole job: what it asks for and when. */
      readonly timeline?: boolean;
      readonly modelsUrl: string;
    };

export interface JobOutcome extends ModelFigures {
  readonly plan: JobPlan;
  /** Final scaled-back latents, frame after frame. */
  readonly latents: readonly number[];
  readonly psnr: number | null;
  /** Before encoding; null without a truth. */
  readonly seams: Seams | null;
  /** The same pictures after the product's encoder, in the plan's groups. */
  readonly seamsInFile: Seams | null;
  readonly seconds: number;
  readonly secondsByStage: { readonly [stage: string]: number };
  readonly peakGpuLedgerBytes: number;
  /** Empty unless asked for. */
  readonly timeline: readonly TimelineSpan[];
  /** GFLOP a second of a plain convolution in the same run: what the provider can do at best. */
  readonly convolutionGigaflopsPerSecond: number;
  /** That the workers beside the engine worked, by kind of work. */
  readonly workerMilliseconds: Readonly<Record<string, number>>;
  /** Bytes that a plain copy of 64 MiB reads, a second, in the same run: on the GPU where the job is on it, else in memory. */
  readonly copyBytesPerSecond: number;
}

export type Result =
  /** Mean square difference, in levels, of each frame from the one before. */
  | { readonly kind: 'changes'; readonly meanSquares: readonly number[] }
  /** The brightest level outside `placed`, and how like the source's enlarged area what is inside is. */
  | { readonly kind: 'borders'; readonly brightest: number; readonly psnr: number; readonly frames: number }
  | { readonly kind: 'compare'; readonly frames: number; readonly psnr: number; readonly worstPsnr: number }
  | ({ readonly kind: 'seams' } & Seams)
  | ({ readonly kind: 'job' } & JobOutcome)
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

const WASM_DEVICE: DeviceInfo = {
  provider: 'wasm',
  name: 'any',
  isFallbackAdapter: false,
  halfPrecision: false,
  maxBufferBytes: 2 ** 31,
  maxBindingBytes: 2 ** 31,
  wasmThreads: 2,
  gigaflopsPerSecond: 10,
  fallbackReason: null,
};

self.addEventListener('message', ({ data }: MessageEvent<Command>) => {
  run(data).then(
    (result) => self.postMessage(result),
    (error) => {
      const { code, message, detail = '' } = toErrorData(error);
      self.postMessage({ kind: 'error', code, message: `${message} ${detail}` });
    },
  );
});

async function run(command: Command): Promise<Result> {
  switch (command.kind) {
    case 'compare': {
      const [output, truth] = await Promise.all([opened(command.output), fetched(command.truthUrl)]);
      const errors: number[] = [];
      for await (const [a, b] of pairs(output, truth)) errors.push(meanSquare(a, b));
      return {
        kind: 'compare',
        frames: errors.length,
        psnr: decibels(mean(errors)),
        worstPsnr: decibels(Math.max(...errors)),
      };
    }
    case 'changes': {
      const clip = await opened(command.output);
      const meanSquares: number[] = [];
      let before: Uint8ClampedArray | null = null;
      for await (const { rgba } of clip.frames({ startFrame: 0, endFrame: clip.info.frameCount })) {
        if (before) meanSquares.push(meanSquare(before, rgba));
        before = rgba;
      }
      return { kind: 'changes', meanSquares };
    }
    case 'borders':
      return { kind: 'borders', ...(await borders(command)) };
    case 'seams':
      return { kind: 'seams', ...(await seams(command)) };
    case 'job':
      return { kind: 'job', ...(await (command.whole ? timedWhole(command) : job(command))) };
  }
}

async function seams(command: Extract<Command, { kind: 'seams' }>): Promise<Seams> {
  const { settings, memoryBudgetBytes, modelsUrl } = command;
  const source = await fetched(command.sourceUrl);
  const manifest = await readManifest(urlSource(new URL(`${settings.model}/`, modelsUrl).href));
  // The layout depends on the provider and the budget alone, not on the machine's speed.
  const plan = planJob(source.info, settings, WASM_DEVICE, plannedModel(manifest), { memoryBudgetBytes });
  return seamsOf(plan, await opened(command.output), await fetched(command.truthUrl));
}

async function seamsOf(plan: JobPlan, output: Clip, truth: Clip): Promise<Seams> {
  const meter = new SeamMeter(plan);
  for await (const [made, real] of pairs(output, truth)) meter.add(made, real);
  return meter.read();
}

/** A job's pictures as the file would have them. */
async function encoded(pictures: readonly Uint8ClampedArray[], plan: JobPlan, settings: Settings): Promise<Clip> {
  return openClip(new File([await encodedFile(pictures, plan.output, plan.groups!, settings)], 'encoded.mp4'));
}

async function encodedFile(
  pictures: readonly Uint8ClampedArray[],
  { width, height, frameRate }: Pick<JobPlan['output'], 'width' | 'height' | 'frameRate'>,
  groups: readonly Group[],
  settings: Settings,
): Promise<Blob> {
  const choice = await chooseEncoder({
    width,
    height,
    frameRate: frameRate.numerator / frameRate.denominator,
    codec: settings.codec,
    quality: settings.quality,
  });
  const durationUs = (frameRate.denominator * 1e6) / frameRate.numerator;
  const sink = new MemoryPacketSink();
  for (const { startFrame, endFrame } of groups) {
    const encoder = new GroupEncoder(choice);
    for (let frame = startFrame; frame < endFrame; frame += 1) {
      const { data } = rgbaToI420(pictures[frame]!, width, height);
      await encoder.encode({ data, timestampUs: Math.round(frame * durationUs), durationUs });
    }
    await sink.append(await encoder.finish());
  }
  const video = { decoderConfig: sink.decoderConfig!, packetCount: sink.packetCount, packets: () => sink.packets() };
  return muxMp4ToBlob({ video, frameRate, audioTracks: [] });
}

async function borders({ output, sourceUrl, area, placed }: Extract<Command, { kind: 'borders' }>) {
  const [made, source] = await Promise.all([opened(output), fetched(sourceUrl)]);
  const { width } = made.info;
  let brightest = 0;
  const errors: number[] = [];
  for await (const [rgba, before] of pairs(made, source)) {
    for (let at = 0; at < rgba.length; at += 4) {
      const [x, y] = [(at / 4) % width, Math.floor(at / 4 / width)];
      const inside = x >= placed.x && y >= placed.y && x < placed.x + placed.width && y < placed.y + placed.height;
      if (!inside) brightest = Math.max(brightest, rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
    }
    const inner = crop({ ...made.info, rgba }, placed.x, placed.y, placed.width, placed.height);
    const small = crop({ ...source.info, rgba: before }, area.x, area.y, area.width, area.height);
    errors.push(meanSquare(inner.rgba, stretch(small, placed.width, placed.height).rgba));
  }
  return { brightest, psnr: decibels(mean(errors)), frames: errors.length };
}

/** Differences across borders over those elsewhere: 1 is no seam. */
interface Seams {
  readonly tiles: number;
  readonly windows: number;
  /** The output's own, whatever is in the picture there; the others are over the truth's at the very same places. */
  readonly plainTiles: number;
  readonly plainWindows: number;
}

/**
 * How much steeper the output is across borders than elsewhere, each relative to the truth at the very same places, so that
 * what is in the picture there does not count: 1 is no seam.
 */
class SeamMeter {
  readonly #plan: JobPlan;
  readonly #columns: ReadonlySet<number>;
  readonly #rows: ReadonlySet<number>;
  readonly #borders: ReadonlySet<number>;
  readonly #space = [new Contrast(), new Contrast()] as const;
  /** Inserted frames differ from key frames by nature: each place between two key frames is compared with its like. */
  readonly #phases: readonly (readonly [Contrast, Contrast])[];
  #before: readonly [Uint8ClampedArray, Uint8ClampedArray] | null = null;
  #frame = 0;

  constructor(plan: JobPlan) {
    const factor = plan.paddedWidth / plan.latentWidth;
    const inside = (values: readonly number[], limit: number) => new Set(values.filter((at) => at > 0 && at < limit));
    this.#plan = plan;
    this.#columns = inside(
      plan.tiles.flatMap(({ latentX, latentWidth }) => [latentX * factor, (latentX + latentWidth) * factor]),
      plan.output.width,
    );
    this.#rows = inside(
      plan.tiles.flatMap(({ latentY, latentHeight }) => [latentY * factor, (latentY + latentHeight) * factor]),
      plan.output.height,
    );
    this.#borders = inside(
      plan.windows.flatMap(({ startFrame, endFrame }) => [startFrame, endFrame]),
      plan.output.frameCount,
    );
    this.#phases = Array.from({ length: plan.frameRateFactor }, () => [new Contrast(), new Contrast()] as const);
  }

  add(made: Uint8ClampedArray, real: Uint8ClampedArray): void {
    const { width, height } = this.#plan.output;
    const phase = this.#phases[this.#frame % this.#plan.frameRateFactor]!;
    const border = this.#borders.has(this.#frame);
    for (const [which, rgba] of [made, real].entries()) {
      const space = this.#space[which]!;
      const before = this.#before?.[which];
      for (let y = 1; y < height; y += 1) {
        for (let x = 1; x < width; x += 1) {
          const at = (y * width + x) * 4 + 1;
          space.add(Math.abs(rgba[at]! - rgba[at - 4]!), this.#columns.has(x));
          space.add(Math.abs(rgba[at]! - rgba[at - 4 * width]!), this.#rows.has(y));
          if (before) phase[which]!.add(Math.abs(rgba[at]! - before[at]!), border);
        }
      }
    }
    this.#before = [made, real];
    this.#frame += 1;
  }

  read(): Seams {
    const [made, real] = this.#space;
    return {
      tiles: made.ratio / real.ratio,
      windows: mean(this.#phases.map((phase) => phase[0].ratio / phase[1].ratio)),
      plainTiles: made.ratio,
      plainWindows: mean(this.#phases.map((phase) => phase[0].ratio)),
    };
  }
}

/** Mean of values at borders over the mean elsewhere. */
class Contrast {
  #border = 0;
  #borderCount = 0;
  #rest = 0;
  #restCount = 0;

  add(value: number, border: boolean): void {
    if (border) {
      this.#border += value;
      this.#borderCount += 1;
    } else {
      this.#rest += value;
      this.#restCount += 1;
    }
  }

  get ratio(): number {
    return this.#border / this.#borderCount / (this.#rest / this.#restCount);
  }
}

async function timedWhole(command: Extract<Command, { kind: 'job' }>): Promise<JobOutcome> {
  watchGpu();
  const { provider, settings, modelsUrl } = command;
  const file = new File([await lengthened(await blobAt(command.url), command)], 'clip.mp4');
  const { timeline = false } = command;
  const figures = await wholeJob({ file, provider, settings, modelsUrl, timeline });
  const workerMilliseconds = { ...PictureWorkers.milliseconds };
  const unseen = { latents: [], psnr: null, seams: null, seamsInFile: null };
  return { ...figures, ...unseen, workerMilliseconds, copyBytesPerSecond: await copySpeed(null) };
}

async function job(command: Extract<Command, { kind: 'job' }>): Promise<JobOutcome> {
  watchGpu();
  // As the page does as soon as a clip is chosen.
  PictureWorkers.warm();
  const runtime = await Runtime.open(command.provider);
  const model = await Model.load(runtime, urlSource(new URL(`${command.settings.model}/`, command.modelsUrl).href));
  const bytes = await lengthened(await blobAt(command.url), command);
  const demuxing = performance.now();
  const clip = part(await openClip(new File([bytes], 'clip.mp4')), command);
  const demuxSeconds = secondsSince(demuxing);
  const plan = planJob(clip.info, command.settings, runtime.device, model.info, {
    memoryBudgetBytes: command.memoryBudgetBytes ?? null,
  });
  const latents: number[] = [];
  const models = new ModelMeter();
  const { encode, decode, evaluate } = model;
  model.encode = (...given) => models.timed('encode', () => encode.apply(model, given));
  model.decode = (values, source, conditioning) => {
    if (command.keepLatents) for (const value of values.data) latents.push(value);
    return command.decoder
      ? Promise.resolve(source!)
      : models.timed('decode', () => decode.call(model, values, source, conditioning));
  };
  model.evaluate = (inputs) =>
    command.unet === 'silent'
      ? Promise.resolve(tensor(inputs.sample.dims))
      : models.evaluation(model, inputs, () => evaluate.call(model, inputs));
  const truth = command.truthUrl === undefined ? null : await fetched(command.truthUrl);
  const truthFrames = truth?.frames({ startFrame: 0, endFrame: truth.info.frameCount })[Symbol.asyncIterator]();
  const errors: number[] = [];
  const meter = new SeamMeter(plan);
  const pictures: Uint8ClampedArray[] = [];
  const start = performance.now();
  const gpuLedgerBytes = () => runtime.ledger.liveBytes;
  const run = pictureRun({ clip, plan, settings: command.settings, model, gpuLedgerBytes }, async ({ rgba }) => {
    const next = await truthFrames?.next();
    if (!next || next.done) return;
    errors.push(meanSquare(rgba, next.value.rgba));
    meter.add(rgba, next.value.rgba);
    pictures.push(rgba.slice());
  });
  await run.run();
  const seconds = demuxSeconds + secondsSince(start);
  return {
    plan,
    latents,
    psnr: errors.length > 0 ? decibels(mean(errors)) : null,
    seams: errors.length > 0 ? meter.read() : null,
    seamsInFile:
      command.truthUrl !== undefined && pictures.length === plan.output.frameCount
        ? await seamsOf(plan, await encoded(pictures, plan, command.settings), await fetched(command.truthUrl))
        : null,
    seconds,
    secondsByStage: { demux: demuxSeconds, ...run.meter.secondsByStage },
    peakGpuLedgerBytes: runtime.ledger.peakBytes,
    timeline: [],
    convolutionGigaflopsPerSecond: runtime.device.gigaflopsPerSecond,
    workerMilliseconds: { ...PictureWorkers.milliseconds },
    copyBytesPerSecond: await copySpeed(runtime.gpu?.device ?? null),
    ...models.read(),
  };
}

const COPIED_BYTES = 2 ** 26;

/** The best of a few copies: the first meets memory that nobody has touched. */
async function copySpeed(device: GPUDevice | null): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const [from, to] = [new Float32Array(COPIED_BYTES / 4).fill(1), new Float32Array(COPIED_BYTES / 4)];
  const usage = device ? GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST : 0;
  const buffers = device ? [0, 1].map(() => device.createBuffer({ size: COPIED_BYTES, usage })) : [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    if (device) {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffers[0]!, 0, buffers[1]!, 0, COPIED_BYTES);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    } else to.set(from);
    best = Math.min(best, secondsSince(start));
  }
  for (const buffer of buffers) buffer.destroy();
  return COPIED_BYTES / best;
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000;
}

/** As many of the clip's frames as asked for, there and back again, cropped; itself where that is what it is. */
async function lengthened(blob: Blob, command: Extract<Command, { kind: 'job' }>): Promise<Blob> {
  const whole = await openClip(new File([blob], 'clip.mp4'));
  const { frameCount } = whole.info;
  if (command.frames === frameCount && !command.crop) return blob;
  if (command.frames < frameCount && !command.whole) return blob;
  const clip = part(whole, { ...command, frames: frameCount });
  const pictures: Uint8ClampedArray[] = [];
  for await (const { rgba } of clip.frames({ startFrame: 0, endFrame: frameCount })) pictures.push(rgba);
  const turn = 2 * (frameCount - 1);
  const there = (frame: number) => Math.min(frame % turn, turn - (frame % turn));
  const shown = Array.from({ length: command.frames }, (_, frame) => pictures[there(frame)]!);
  const groups = [{ startFrame: 0, endFrame: command.frames, windows: 1 }];
  return encodedFile(shown, clip.info, groups, { ...command.settings, quality: 'high' });
}

/** The clip's first frames, cropped. */
function part(clip: Clip, { frames, crop }: { frames: number; crop?: { width: number; height: number } }): Clip {
  const { width, height } = crop ?? clip.info;
  return {
    ...clip,
    info: {
      ...clip.info,
      width,
      height,
      frameCount: frames,
      timestampsUs: clip.info.timestampsUs.slice(0, frames),
    },
    async *frames(range) {
      for await (const frame of clip.frames(range)) {
        const rgba = new Uint8ClampedArray(width * height * 4);
        for (let y = 0; y < height; y += 1) {
          const row = y * frame.width * 4;
          rgba.set(frame.rgba.subarray(row, row + width * 4), y * width * 4);
        }
        yield { ...frame, width, height, rgba };
      }
    },
  };
}

async function* pairs(
  a: Clip,
  b: Clip,
): AsyncGenerator<[Uint8ClampedArray<ArrayBuffer>, Uint8ClampedArray<ArrayBuffer>]> {
  const count = Math.min(a.info.frameCount, b.info.frameCount);
  const others = b.frames({ startFrame: 0, endFrame: count })[Symbol.asyncIterator]();
  for await (const { rgba } of a.frames({ startFrame: 0, endFrame: count })) {
    const other = await others.next();
    if (other.done) return;
    yield [rgba, other.value.rgba];
  }
}

async function opened(base64: string): Promise<Clip> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return openClip(new File([bytes], 'output.mp4'));
}

async function fetched(url: string): Promise<Clip> {
  return openClip(new File([await blobAt(url)], 'clip.mp4'));
}

async function blobAt(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.blob();
}

function meanSquare(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  if (a.length !== b.length) throw new RangeError(`pictures of ${a.length} and ${b.length} bytes`);
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) if (i % 4 !== 3) sum += (a[i]! - b[i]!) ** 2;
  return sum / (a.length * 0.75);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function decibels(meanSquareError: number): number {
  return 10 * Math.log10(255 ** 2 / Math.max(meanSquareError, 1e-9));
}
