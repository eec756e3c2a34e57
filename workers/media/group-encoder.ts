/**
 * Encodes a run of output frames as a closed group of pictures, with an encoder of its own.
 *
 * Runs in a worker or a page. At most four frames wait for the encoder, six more at a group's start; the packets of a group
 * stay in memory until it is finished. A group depends on no other: a job can resume after any of them.
 *
 * A fresh encoder doesn't know yet what its bitrate buys: Chromium's H.264 starts every group up to 5 dB below where it ends,
 * which would be seen as a pulse. So the first frames are encoded twice, first backwards and thrown away, then for good from
 * a key frame on (docs/media.md). Cost: one key frame and up to six frames' encoding a group.
 */

import { EnhancerError, throwIfAborted } from '../errors.ts';
import type { EncoderChoice } from './encoder-choice.ts';
import { i420Bytes } from './i420.ts';
import { answeredWithin } from './patience.ts';
import { encodeFailed } from './refusals.ts';

export interface EncodedVideoPacket {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly timestampUs: number;
  readonly durationUs: number;
  readonly type: 'key' | 'delta';
}

/** A group's packets in decode order, the first a key frame. */
export interface EncodedGroup {
  readonly packets: readonly EncodedVideoPacket[];
  readonly decoderConfig: OutputDecoderConfig;
}

/** What a player must know; plain data, the description a buffer of its own. */
export interface OutputDecoderConfig {
  readonly codec: string;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly description?: Uint8Array<ArrayBuffer>;
  readonly colorSpace: VideoColorSpaceInit;
}

/** What we convert to before encoding, and so what the file must say. */
export const OUTPUT_COLOUR_SPACE = {
  primaries: 'bt709',
  transfer: 'bt709',
  matrix: 'bt709',
  fullRange: false,
} as const satisfies VideoColorSpaceInit;

const MAX_QUEUED_FRAMES = 4;
const REHEARSED_FRAMES = 6;
const MAX_REHEARSAL_BYTES = 96 * 1024 * 1024;
const STUCK_AFTER_MS = 60_000;

/** A picture on its way to the encoder, as `rgbaToI420` makes it. */
export interface TimedPicture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly timestampUs: number;
  readonly durationUs: number;
}

export class GroupEncoder {
  private readonly choice: EncoderChoice;
  private readonly signal: AbortSignal | undefined;
  private readonly encoder: VideoEncoder;
  private readonly packets: EncodedVideoPacket[] = [];
  private readonly durations = new Map<number, number>();
  private readonly rehearsedFrames: number;
  /** Frames kept until there are enough to rehearse; null from then on. */
  private opening: TimedPicture[] | null = [];
  private decoderConfig: OutputDecoderConfig | null = null;
  private failure: unknown = null;
  /** Ends the wait for room, of which there is at most one. */
  private wake = (): void => {};

  /** @throws EnhancerError `ENCODE_FAILED` when the encoder can't be made. */
  constructor(choice: EncoderChoice, signal?: AbortSignal) {
    const { width, height } = choice.config;
    this.choice = choice;
    this.signal = signal;
    const affordable = Math.floor(MAX_REHEARSAL_BYTES / i420Bytes(width, height));
    this.rehearsedFrames = Math.min(REHEARSED_FRAMES, Math.max(1, affordable));
    this.encoder = new VideoEncoder({
      output: (chunk, metadata) => this.collect(chunk, metadata),
      error: (error) => {
        this.failure ??= error;
        this.wake();
      },
    });
    try {
      this.encoder.configure(choice.config);
    } catch (error) {
      throw encodeFailed(error);
    }
  }

  /**
   * Encodes a picture of the choice's size; resolves when there is room for the next. Pictures come in presentation order. The first ones
   * are kept until they are rehearsed: their bytes are the encoder's from here on.
   *
   * @throws EnhancerError `ENCODE_FAILED`, `CANCELLED`.
   */
  async encode(picture: TimedPicture): Promise<void> {
    const { width, height } = this.choice.config;
    if (picture.data.byteLength !== i420Bytes(width, height)) {
      throw new RangeError(`a picture of ${picture.data.byteLength} bytes is not ${width}×${height} I420`);
    }
    this.check();
    this.durations.set(picture.timestampUs, picture.durationUs);
    if (this.opening === null) {
      await this.send(picture, false);
      return;
    }
    this.opening.push(picture);
    if (this.opening.length === this.rehearsedFrames) await this.open(this.opening);
  }

  /** Ends the group and closes the encoder. @throws EnhancerError `ENCODE_FAILED`, `CANCELLED`. */
  async finish(): Promise<EncodedGroup> {
    try {
      this.check();
      if (this.opening !== null) await this.open(this.opening);
      await answeredWithin(this.encoder.flush(), STUCK_AFTER_MS, stuck);
      this.check();
    } catch (error) {
      throw error instanceof EnhancerError ? error : encodeFailed(this.failure ?? error);
    } finally {
      this.close();
    }
    if (this.packets.length !== this.durations.size || this.decoderConfig === null || this.packets[0]?.type !== 'key') {
      throw encodeFailed(`${this.packets.length} packets for ${this.durations.size} frames`);
    }
    return { packets: this.packets, decoderConfig: this.decoderConfig };
  }

  /** Gives the encoder back without finishing; safe to call at any time. */
  close(): void {
    this.opening = null;
    if (this.encoder.state !== 'closed') this.encoder.close();
    this.wake();
  }

  /** Rehearses the first frames backwards, at times before the first, and then encodes them. */
  private async open(frames: readonly TimedPicture[]): Promise<void> {
    this.opening = null;
    const first = frames[0];
    if (first === undefined) return;
    const stepUs = Math.max(1, first.durationUs);
    for (let i = frames.length - 1; i >= 0; i--) {
      const timestampUs = first.timestampUs - (i + 1) * stepUs;
      await this.send({ ...frames[i]!, timestampUs }, i === frames.length - 1);
    }
    for (const frame of frames) await this.send(frame, frame === first);
  }

  private async send({ data, timestampUs, durationUs }: TimedPicture, keyFrame: boolean): Promise<void> {
    const { width, height } = this.choice.config;
    const frame = new VideoFrame(data, {
      format: 'I420',
      codedWidth: width,
      codedHeight: height,
      timestamp: timestampUs,
      duration: durationUs,
      colorSpace: OUTPUT_COLOUR_SPACE,
    });
    try {
      this.encoder.encode(frame, { keyFrame });
    } catch (error) {
      throw encodeFailed(error);
    } finally {
      frame.close();
    }
    while (this.encoder.state !== 'closed' && this.encoder.encodeQueueSize > MAX_QUEUED_FRAMES) {
      await answeredWithin(this.roomOrEnd(), STUCK_AFTER_MS, stuck);
      this.check();
    }
  }

  private async roomOrEnd(): Promise<void> {
    const { encoder, signal } = this;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      encoder.addEventListener('dequeue', this.wake);
      signal?.addEventListener('abort', this.wake);
    });
    encoder.removeEventListener('dequeue', this.wake);
    // A job's signal outlives thousands of waits.
    signal?.removeEventListener('abort', this.wake);
  }

  private check(): void {
    throwIfAborted(this.signal);
    if (this.failure !== null) throw encodeFailed(this.failure);
  }

  private collect(chunk: EncodedVideoChunk, metadata: EncodedVideoChunkMetadata | undefined): void {
    const config = metadata?.decoderConfig;
    if (config && this.decoderConfig === null) {
      const { width, height } = this.choice.config;
      this.decoderConfig = {
        codec: config.codec,
        codedWidth: width,
        codedHeight: height,
        ...(config.description === undefined ? {} : { description: bytesOf(config.description) }),
        colorSpace: OUTPUT_COLOUR_SPACE,
      };
    }
    // Encoders may forget durations: the frame's own is the truth. A time that no frame has is a rehearsal's.
    const durationUs = this.durations.get(chunk.timestamp);
    if (durationUs === undefined) return;
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.packets.push({ data, timestampUs: chunk.timestamp, durationUs, type: chunk.type });
  }
}

function bytesOf(source: AllowSharedBufferSource): Uint8Array<ArrayBuffer> {
  const view = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return Uint8Array.from(view);
}

const stuck = (): EnhancerError => encodeFailed('the encoder is stuck');
