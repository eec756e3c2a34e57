/**
 * Worker end of the fault harness: the product's own engine, with a browser that fails on purpose. What is changed is the browser's
 * (a device is destroyed, an allocation is too large, an encoder is reclaimed, a file is written to), never the engine.
 */

import { toErrorData } from '../../workers/errors.ts';
import { Journal } from '../../workers/jobs/journal.ts';
import { openContainer } from '../../workers/media/container.ts';
import { GroupEncoder, type TimedPicture } from '../../workers/media/group-encoder.ts';
import { Engine } from '../../workers/pipeline/engine.ts';
import { Unfinished } from '../../workers/pipeline/unfinished.ts';
import type { Provider } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import type { JobReport, PauseHoldings } from '../../workers/protocol.ts';
import { ModelSession } from '../../workers/runtime/session.ts';
import { longClip } from '../long-clip.ts';

export type Fault =
  | { readonly kind: 'none' }
  /** `device.destroy()` at this share of the uninterrupted run's submissions. */
  | { readonly kind: 'device-lost'; readonly atSubmit: number }
  /** An allocation of this number fails for want of memory, once. */
  | { readonly kind: 'gpu-memory'; readonly atBuffer: number }
  /** Encoders from this picture on fail: so many of them, all that may be the graphics card's, or all of H.264. */
  | { readonly kind: 'encoder'; readonly atPicture: number; readonly count: number | 'hardware' | 'h264' }
  /** The clip's file is written to, or is gone, when so many frames are done. */
  | { readonly kind: 'source'; readonly atFrame: number; readonly how: 'written' | 'removed' }
  /** From then on no file of the origin can grow: half of the write that would is done. */
  | { readonly kind: 'quota'; readonly atFrame: number }
  /** Two seconds of pause, asked for as this run of ControlNet or UNet begins. */
  | { readonly kind: 'pause'; readonly atRun: number }
  | { readonly kind: 'cancel'; readonly atFrame: number };

export interface PauseSeen {
  readonly runsUntilIdle: number;
  readonly runsWhilePaused: number;
  /** To the GPU. */
  readonly submitsWhilePaused: number;
  readonly holds: PauseHoldings;
}

export interface FaultCommand {
  readonly jobId: string;
  /** `go-on` continues what an earlier command left; `store` only puts the clip where the others find it. */
  readonly kind: 'enhance' | 'go-on' | 'store';
  readonly provider: Provider;
  readonly clipUrl: string;
  /** Frames, by playing the clip over and over; its own where absent. */
  readonly frames?: number;
  readonly paddingBytes?: number;
  readonly settings: Settings;
  readonly memoryBudgetBytes: number | null;
  readonly modelsUrl: string;
  readonly fault: Fault;
}

export interface FaultResult {
  readonly report: JobReport | null;
  readonly error: { readonly code: string; readonly detail: string } | null;
  /** SHA-256 of the output's packets; null without. */
  readonly outputHash: string | null;
  /** Of frames that entered the encoder, by their time: SHA-256 and, for the few that are small, the pixels. */
  readonly frames: Readonly<Record<number, { readonly hash: string; readonly rgba: readonly number[] }>>;
  /** What the journal holds after the end; null where it is gone. */
  readonly kept: { readonly framesDone: number; readonly frameCount: number } | null;
  /** The finished part, muxed without the clip: its frames as the product's own reader counts them. */
  readonly partBase64: string | null;
  readonly pause: PauseSeen | null;
  readonly submits: number;
  readonly buffers: number;
  readonly usageBytes: number;
}

const SMALL_RGBA_BYTES = 32 * 32 * 4;
const CLIP_FILE = 'fault-clip.mp4';

let submits = 0;
let buffers = 0;
/** The engine's ledger keeps the device's own method from the start, so that it can't be changed later. */
let failingBuffer = -1;
/** Of model parts. */
let runs = 0;
/** Of ControlNet and UNet among them. */
let denoisingRuns = 0;
let onRun = (): void => {};
let storageFull = false;
let pictures = 0;
let failedEncoders = 0;
let device: GPUDevice | null = null;
const entered = new Map<number, Uint8ClampedArray | Uint8Array>();

self.addEventListener('message', ({ data }: MessageEvent<FaultCommand>) => {
  run(data).then(
    (result) => self.postMessage(result),
    (error) => {
      setTimeout(() => {
        throw error;
      });
    },
  );
});

async function run(command: FaultCommand): Promise<FaultResult> {
  const { jobId, provider, memoryBudgetBytes, modelsUrl, settings, fault } = command;
  const file = await clipFile(command);
  if (command.kind === 'store') return NOTHING;
  watchDevices();
  watchRuns();
  let spoilt = false;
  let asked = -1;
  let pause: PauseSeen | null = null;
  const engine = await Engine.open({ provider, memoryBudgetBytes, modelsUrl }, (event) => {
    if (event.kind === 'paused') {
      const { holds } = event;
      const [idle, idleSubmits] = [runs, submits];
      setTimeout(() => {
        const submitsWhilePaused = submits - idleSubmits;
        pause = { runsUntilIdle: idle - asked, runsWhilePaused: runs - idle, submitsWhilePaused, holds };
        engine.resume(jobId);
      }, 2000);
    }
    if (event.kind !== 'progress') return;
    const { framesDone } = event.progress;
    self.postMessage({ framesDone });
    if (!('atFrame' in fault) || framesDone < fault.atFrame) return;
    if (fault.kind === 'source' && !spoilt) {
      spoilt = true;
      void spoil(fault.how);
    }
    if (fault.kind === 'quota') storageFull = true;
    if (fault.kind === 'cancel') engine.cancel(jobId);
  });
  onRun = () => {
    if (fault.kind !== 'pause' || denoisingRuns !== fault.atRun || asked >= 0) return;
    asked = runs;
    engine.pause(jobId);
  };
  // The device's own test is behind it.
  runs = 0;
  denoisingRuns = 0;
  submits = 0;
  buffers = 0;
  watchFrames();
  inject(fault);
  let report: JobReport | null = null;
  let error: FaultResult['error'] = null;
  let outputHash: string | null = null;
  try {
    const done =
      command.kind === 'enhance'
        ? await engine.enhance(jobId, file, settings, false)
        : await engine.continue(jobId, file);
    report = done.report;
    outputHash = await packetsHash(done.output);
  } catch (cause) {
    const { code, message, detail = '' } = toErrorData(cause);
    error = { code, detail: `${message} ${detail}` };
  }
  const unfinished = new Unfinished();
  const job = (await unfinished.list()).find(({ id }) => id === jobId);
  const kept = job ? { framesDone: job.framesDone, frameCount: job.plan.output.frameCount } : null;
  const part =
    error && job && job.framesDone > 0
      ? await unfinished.save(jobId, null).then(
          ({ output }) => output.arrayBuffer(),
          () => null,
        )
      : null;
  const frames: Record<number, { hash: string; rgba: number[] }> = {};
  for (const [timestampUs, rgba] of entered) {
    const bytes = new Uint8Array(rgba);
    frames[timestampUs] = {
      hash: await hash(bytes),
      rgba: bytes.length <= SMALL_RGBA_BYTES ? [...bytes] : [],
    };
  }
  const { usage = 0 } = await navigator.storage.estimate();
  return {
    report,
    error,
    outputHash,
    frames,
    kept,
    partBase64: part && base64(new Uint8Array(part)),
    pause,
    submits,
    buffers,
    usageBytes: usage,
  };
}

const NOTHING: FaultResult = {
  report: null,
  error: null,
  outputHash: null,
  frames: {},
  kept: null,
  partBase64: null,
  pause: null,
  submits: 0,
  buffers: 0,
  usageBytes: 0,
};

/** The clip as a file on disk: it can be changed behind the engine's back, and is put back here. */
async function clipFile({ clipUrl, frames, paddingBytes }: FaultCommand): Promise<File> {
  const kept = await stored(`kept-${frames}-${paddingBytes}.mp4`, async () => {
    const blob = await (await fetch(clipUrl)).blob();
    return frames === undefined ? blob : longClip(blob, frames, 1, paddingBytes);
  });
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle(CLIP_FILE, { create: true });
  const there = await handle.getFile();
  if (there.size === kept.size && (await blobHash(there)) === (await blobHash(kept))) return there;
  const writable = await handle.createWritable();
  await writable.write(kept);
  await writable.close();
  return handle.getFile();
}

/** Made once: an MP4 holds the time at which it was made. */
async function stored(name: string, make: () => Promise<Blob>): Promise<File> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle(name, { create: true });
  const there = await handle.getFile();
  if (there.size > 0) return there;
  const writable = await handle.createWritable();
  await writable.write(await make());
  await writable.close();
  return handle.getFile();
}

async function spoil(how: 'written' | 'removed'): Promise<void> {
  const root = await navigator.storage.getDirectory();
  if (how === 'removed') {
    await root.removeEntry(CLIP_FILE);
    return;
  }
  const writable = await (await root.getFileHandle(CLIP_FILE)).createWritable();
  await writable.write(new Uint8Array(1000));
  await writable.close();
}

function watchDevices(): void {
  if (typeof GPUAdapter === 'undefined') return;
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, ...args) {
    device = await request.apply(this, args);
    return device;
  };
  const submit = GPUQueue.prototype.submit;
  GPUQueue.prototype.submit = function (this: GPUQueue, ...args) {
    submits += 1;
    return submit.apply(this, args);
  };
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    buffers += 1;
    if (buffers !== failingBuffer) return create.call(this, descriptor);
    runOutOfMemory(this);
    return invalidBuffer(this, create, descriptor);
  };
}

function watchRuns(): void {
  const { run: plain, runResident } = ModelSession.prototype;
  ModelSession.prototype.run = function (feeds) {
    runs += 1;
    if ('sample' in feeds) denoisingRuns += 1;
    onRun();
    return plain.call(this, feeds);
  };
  ModelSession.prototype.runResident = function (feeds) {
    runs += 1;
    if ('sample' in feeds) denoisingRuns += 1;
    onRun();
    return runResident.call(this, feeds);
  };
}

/** Every picture that the pipeline makes: kept until its group is complete, or straight into the encoder. */
function watchFrames(): void {
  const { windowKeeper, keptPictures } = Journal.prototype;
  const kept = new WeakSet<TimedPicture>();
  Journal.prototype.windowKeeper = function () {
    const window = windowKeeper.call(this);
    return {
      ...window,
      add(picture) {
        entered.set(picture.timestampUs, picture.data.slice());
        window.add(picture);
      },
    };
  };
  Journal.prototype.keptPictures = function* () {
    for (const picture of keptPictures.call(this)) {
      kept.add(picture);
      yield picture;
    }
  };
  const { encode } = GroupEncoder.prototype;
  GroupEncoder.prototype.encode = function (picture) {
    if (!kept.has(picture)) entered.set(picture.timestampUs, picture.data.slice());
    return encode.call(this, picture);
  };
}

function inject(fault: Fault): void {
  switch (fault.kind) {
    case 'device-lost': {
      const submit = GPUQueue.prototype.submit;
      let done = false;
      GPUQueue.prototype.submit = function (this: GPUQueue, ...args) {
        if (!done && submits >= fault.atSubmit) {
          done = true;
          device!.destroy();
        }
        return submit.apply(this, args);
      };
      return;
    }
    case 'gpu-memory':
      failingBuffer = fault.atBuffer;
      return;
    case 'encoder': {
      const Plain = VideoEncoder;
      self.VideoEncoder = class extends Plain {
        readonly #init: VideoEncoderInit;
        #isSoftware = false;
        #isH264 = false;
        constructor(init: VideoEncoderInit) {
          super(init);
          this.#init = init;
        }
        override configure(config: VideoEncoderConfig): void {
          this.#isSoftware = config.hardwareAcceleration === 'prefer-software';
          this.#isH264 = config.codec.startsWith('avc1');
          super.configure(config);
        }
        override encode(frame: VideoFrame, options?: VideoEncoderEncodeOptions): void {
          pictures += 1;
          const fails = { hardware: !this.#isSoftware, h264: this.#isH264 };
          const isFailing = typeof fault.count === 'number' ? failedEncoders < fault.count : fails[fault.count];
          if (pictures <= fault.atPicture || !isFailing) {
            super.encode(frame, options);
            return;
          }
          failedEncoders += 1;
          // As a codec that the browser takes back does it: closed, and the error told.
          this.close();
          this.#init.error(new DOMException('Codec reclaimed.', 'QuotaExceededError'));
        }
      };
      return;
    }
    case 'quota': {
      const { write } = files();
      files().write = function (buffer, options = {}) {
        const end = (options.at ?? 0) + buffer.byteLength;
        if (!storageFull || end <= this.getSize()) return write.call(this, buffer, options);
        const bytes = ArrayBuffer.isView(buffer)
          ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
          : new Uint8Array(buffer);
        write.call(this, bytes.subarray(0, bytes.length >> 1), options);
        throw new DOMException('No space available for this operation', 'QuotaExceededError');
      };
      return;
    }
    default:
      return;
  }
}

/** A texture that no machine has room for: the device says so as it would of any allocation. */
function runOutOfMemory(on: GPUDevice): void {
  const { maxTextureDimension2D: side, maxTextureArrayLayers: layers } = on.limits;
  const size = [side, side, layers];
  on.createTexture({ size, format: 'rgba32float', usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC });
}

/** What an allocation that failed leaves behind: a buffer that can't be used. */
function invalidBuffer(on: GPUDevice, create: GPUDevice['createBuffer'], descriptor: GPUBufferDescriptor): GPUBuffer {
  on.pushErrorScope('validation');
  const buffer = create.call(on, { ...descriptor, usage: 0, mappedAtCreation: false });
  void on.popErrorScope();
  return buffer;
}

interface FileOfOrigin {
  write(buffer: ArrayBuffer | ArrayBufferView, options?: { readonly at?: number }): number;
  getSize(): number;
}

/** The prototype of sync access handles, which only workers have. */
function files(): FileOfOrigin {
  return (self as unknown as { FileSystemSyncAccessHandle: { prototype: FileOfOrigin } }).FileSystemSyncAccessHandle
    .prototype;
}

async function packetsHash(file: File): Promise<string> {
  const { video } = await openContainer(file);
  const packets: Uint8Array<ArrayBuffer>[] = [];
  for await (const packet of video.packets(0)) packets.push(packet);
  return blobHash(new Blob(packets));
}

async function blobHash(blob: Blob): Promise<string> {
  return hash(await blob.arrayBuffer());
}

async function hash(data: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
