/** What a job will do, cost and refuse, before it starts. Plain data. */

import type { ErrorCode } from '../errors.ts';
import type { Area } from '../media/borders.ts';
import type { Rational } from '../media/clip-info.ts';

export type Provider = 'webgpu' | 'wasm';

/** The device as `runtime/` found it. */
export interface DeviceInfo {
  readonly provider: Provider;
  /** Human-readable: adapter or processor. */
  readonly name: string;
  readonly isFallbackAdapter: boolean;
  readonly halfPrecision: boolean;
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
  readonly wasmThreads: number;
  /** The machine's, as far as its browser says (a power of two, of gibibytes); absent where it doesn't. */
  readonly memoryBytes?: number;
  /** Measured by the self-test, GFLOP per second on convolutions. */
  readonly gigaflopsPerSecond: number;
  /** Why WebGPU is not used, where it is not. */
  readonly fallbackReason: string | null;
  /** Greatest deviation of each tested operation, relative to the answer's root mean square; infinite where it failed. */
  readonly selfTestErrors?: Readonly<Record<string, number>>;
  /** What the GPU device was created with; absent on WASM. */
  readonly gpuLimits?: Readonly<Record<string, number>>;
  readonly gpuFeatures?: readonly string[];
}

/** What `plan/` needs to know of a model package; made from its manifest. */
export interface ModelInfo {
  readonly name: string;
  /** Pixels per latent pixel along each axis. */
  readonly latentFactor: number;
  readonly latentChannels: number;
  /** Latent height and width must be ≡ these (modulus, remainder). */
  readonly latentHeightRule: { readonly modulus: number; readonly remainder: number };
  readonly latentWidthRule: { readonly modulus: number; readonly remainder: number };
  /** GFLOP of one evaluation (UNet and ControlNet) per latent pixel and frame, attention aside. */
  readonly gigaflopsPerLatentPixel: number;
  readonly autoencoderGigaflopsPerLatentPixel: number;
  /** Peak live bytes per latent pixel and frame while a tile runs. */
  readonly activationBytesPerLatentPixel: number;
  /** The same on the processor, where it runs in another form: a frame's bytes at tiles of so many latent pixels, rising. Attention's scores grow faster than the tile. */
  readonly processorActivationSamples?: readonly (readonly [tilePixels: number, frameBytes: number])[];
  /** Those that hold on the device at hand, in place of the figure per latent pixel. */
  readonly tileActivationSamples?: readonly (readonly [tilePixels: number, frameBytes: number])[];
  /** What the networks take in buffers at so many latent pixels × frames, rising; in place of the figure per latent pixel. */
  readonly activationSamples?: readonly (readonly [latentPixels: number, bytes: number])[];
  /** Of all parts together. */
  readonly weightBytes: number;
  /** What has to be there at once where parts take turns; absent for models too small to gain by it. */
  readonly residentWeightBytes?: Readonly<Record<Residency, number>>;
  /** How its autoencoder works, where that is a network of the reference's kind. */
  readonly autoencoder?: AutoencoderInfo;
  readonly prompted: boolean;
  /** Spatial self-attention's quadratic part, per (latent pixel of a tile)² and frame; 0 when absent. */
  readonly attentionGigaflopsPerSquaredLatentPixel?: number;
  /** Bytes of the scores that are alive at once, per (latent pixel of a tile)²; 0 when absent (fused attention). */
  readonly attentionBytesPerSquaredLatentPixel?: number;
  /** The largest single tensor, per latent pixel and frame: it must fit into one binding. Unchecked when absent. */
  readonly largestTensorBytesPerLatentPixel?: number;
  /** The peak of a layout on a GPU, weights included: exact, but tens of milliseconds for a new size. Where there is none, the figures above. */
  readonly peakBytes?: (layout: MemoryLayout) => number;
  /** Frames that a window aims at; a default of `plan/windows` when absent. */
  readonly windowFrames?: number;
  /** Where sampling starts; 899 when absent, as in the reference. */
  readonly startTimestep?: number;
}

/** Of latent pixels. */
export interface LatentSize {
  readonly latentWidth: number;
  readonly latentHeight: number;
}

/** What of a layout decides how much of a device's memory it takes. */
export interface MemoryLayout {
  readonly residency: Residency;
  /** Of the windows: every length once, the longest first. */
  readonly frames: readonly number[];
  readonly tile: LatentSize;
  readonly encoderTile: LatentSize;
  readonly decoderTile: LatentSize;
  /** Decoded together: every number once. */
  readonly decoderFrames: readonly number[];
}

export interface AutoencoderInfo {
  /** Frames that are decoded together, and shared by such windows. */
  readonly decoderFrames: number;
  readonly decoderOverlap: number;
  readonly encoder: AutoencoderPartInfo;
  readonly decoder: AutoencoderPartInfo;
  /** Weights of the larger half. */
  readonly weightBytes: number;
}

/** Of one way through the autoencoder, a run's frames together. */
export interface AutoencoderPartInfo {
  /** Latent pixels of the largest tile whose tensors all have buffers that are used again; larger ones let go of theirs late. */
  readonly pooledPixels: number;
  /** Peak per latent pixel of tiles up to that size, and of larger ones. */
  readonly pooledBytesPerLatentPixel: number;
  readonly bytesPerLatentPixel: number;
}

/** A contiguous run of output frames between two cuts: [startFrame, endFrame) in output frames. */
export interface Shot {
  readonly startFrame: number;
  readonly endFrame: number;
}

/** Frames denoised together: [startFrame, endFrame) of the output; always starts on a key frame. */
export interface Window {
  readonly index: number;
  readonly shot: number;
  readonly startFrame: number;
  readonly endFrame: number;
  /** Frames shared with the previous window of the same shot. */
  readonly overlapFrames: number;
}

/** Output frames that are encoded together, from a key frame on: [startFrame, endFrame), of so many windows. */
export interface Group {
  readonly startFrame: number;
  readonly endFrame: number;
  readonly windows: number;
}

/** A tile of the latent plane, with its blend ramp lengths towards its neighbours. */
export interface Tile {
  readonly latentX: number;
  readonly latentY: number;
  readonly latentWidth: number;
  readonly latentHeight: number;
  readonly overlapLeft: number;
  readonly overlapTop: number;
  readonly overlapRight: number;
  readonly overlapBottom: number;
}

/** The picture between black borders: it alone is worked on, and put back between them. */
export interface ActivePart {
  /** Of the upright source. */
  readonly source: Area;
  /** Where it comes to lie in the output; on even places. */
  readonly output: Area;
}

/** Where a plan's plane lies in that of the whole job, which noise is keyed by and pictures are enlarged for. */
export interface PlaneCrop {
  readonly latentX: number;
  readonly latentY: number;
  /** The whole job's, in pixels. */
  readonly worked: { readonly width: number; readonly height: number };
  readonly paddedWidth: number;
  readonly paddedHeight: number;
}

export interface Notice {
  readonly code: string;
  readonly message: string;
}

/** Why a job can't run as asked: the same words as the error that it would be. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Which of a model's parts are in memory together: all, those of one stage (encode, denoise, decode), or one part at a time. */
export type Residency = 'all' | 'stages' | 'parts';

/** An autoencoder's tiles of the latent plane, and the frames that it decodes together. */
export interface AutoencoderPlan {
  readonly encoderTiles: readonly Tile[];
  readonly decoderTiles: readonly Tile[];
  readonly decoderFrames: number;
  /** Frames that windows of decoding share. */
  readonly decoderOverlap: number;
}

export interface StageSeconds {
  readonly decode: number;
  readonly condition: number;
  readonly denoise: number;
  readonly reconstruct: number;
  readonly encode: number;
}

export interface JobPlan {
  /** What the file will be, borders and all. */
  readonly output: {
    readonly width: number;
    readonly height: number;
    readonly frameRate: Rational;
    readonly frameCount: number;
    readonly durationUs: number;
  };
  /** Absent where the whole picture is worked on. */
  readonly active?: ActivePart;
  /** Of a preview's plan: sizes are the part's. Absent in jobs. */
  readonly crop?: PlaneCrop;
  /** Output frame f is source frame `sourceStart + f / frameRateFactor` where that is whole, inserted otherwise. */
  readonly sourceStart: number;
  readonly sourceEnd: number;
  readonly frameRateFactor: number;
  /** Padded size in pixels that the model works at: a multiple of its latent grid. */
  readonly paddedWidth: number;
  readonly paddedHeight: number;
  readonly latentWidth: number;
  readonly latentHeight: number;
  readonly shots: readonly Shot[];
  readonly windows: readonly Window[];
  /** Absent in jobs from before there were any: each window is one. */
  readonly groups?: readonly Group[];
  readonly tiles: readonly Tile[];
  readonly evaluations: number;
  /** Absent: all. */
  readonly residency?: Residency;
  /** How a large autoencoder works; absent: the whole plane, frame by frame. */
  readonly autoencoder?: AutoencoderPlan;
  readonly bytes: { readonly device: number; readonly heap: number; readonly storage: number };
  readonly seconds: number;
  readonly secondsByStage: StageSeconds;
  /** Whether the seconds rest on a probe on this very device. */
  readonly measured?: boolean;
  readonly notices: readonly Notice[];
  readonly refusals: readonly Refusal[];
}
