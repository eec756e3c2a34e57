/** Worker end of the media room's test harness: each command uses the room as the pipeline does, and answers in plain JSON. */

import { toErrorData } from '../../workers/errors.ts';
import { BorderDetector } from '../../workers/media/borders.ts';
import { type Clip, openClip } from '../../workers/media/clip.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { DecodedFrame } from '../../workers/media/decode.ts';
import { chooseEncoder, type EncoderRequest } from '../../workers/media/encoder-choice.ts';
import { GroupEncoder } from '../../workers/media/group-encoder.ts';
import { rgbaToI420 } from '../../workers/media/i420.ts';
import { muxMp4ToBlob } from '../../workers/media/mux.ts';
import { MemoryPacketSink } from '../../workers/media/packet-sink.ts';
import { stretch } from '../../workers/media/rgba.ts';
import { deviceOf, NANO, settingsOf } from '../../workers/plan/fixtures/plan-inputs.ts';
import type { JobPlan } from '../../workers/plan/job-plan.ts';
import { outputFrameTime } from '../../workers/plan/output.ts';
import { planJob } from '../../workers/plan/plan-job.ts';

/** A fixture, whole or changed. */
interface Source {
  readonly url: string;
  /** Only so many bytes of it. */
  readonly bytes?: number;
  /** Part of it overwritten with noise. */
  readonly noise?: readonly [from: number, to: number];
}

export type Command = Source &
  (
    | { readonly kind: 'open' }
    | { readonly kind: 'whole' }
    /** All that a job does with a clip, but for the model: opened, decoded, looked through for borders, planned, encoded, with its sound, opened again. */
    | { readonly kind: 'through'; readonly at?: readonly [x: number, y: number] }
    | {
        readonly kind: 'frames';
        readonly startFrame: number;
        readonly endFrame: number;
        /** Pixels to report of each frame. */
        readonly at: readonly (readonly [x: number, y: number])[];
      }
    | { readonly kind: 'cancel'; readonly afterFrames: number }
    | {
        readonly kind: 'encode';
        readonly scale: number;
        readonly windowFrames: number;
        readonly codec: EncoderRequest['codec'];
        readonly quality: EncoderRequest['quality'];
      }
    | { readonly kind: 'without'; readonly missing: 'VideoDecoder' | 'VideoEncoder' }
  );

export interface FrameReport {
  readonly index: number;
  readonly timestampUs: number;
  readonly width: number;
  readonly height: number;
  readonly repeated: boolean;
  readonly pixels: readonly (readonly number[])[];
  /** FNV-1a over all of its bytes. */
  readonly hash: number;
}

/** All of a clip: what was promised, what came. */
export interface WholeReport {
  readonly info: ClipInfo;
  readonly frameCount: number;
  readonly repeatedFrames: number;
  /** Frames that differ from all others. */
  readonly distinctFrames: number;
  /** Sizes that frames came in, as "320x180". */
  readonly sizes: readonly string[];
  /** Whether every frame came at its time, in order. */
  readonly timely: boolean;
  /** Of each track. */
  readonly audioPackets: readonly number[];
}

export interface ThroughReport extends WholeReport {
  /** Of the plan. */
  readonly notices: readonly string[];
  readonly refusals: readonly string[];
  readonly pixel: readonly number[] | null;
  /** What was written; null where the pictures are too large to encode here in a moment. */
  readonly output: ClipInfo | null;
}

export interface AudioReport {
  readonly codec: string | null;
  readonly packets: readonly { readonly hash: string; readonly timestampUs: number; readonly durationUs: number }[];
}

export interface EncodeReport {
  readonly source: ClipInfo;
  readonly output: ClipInfo;
  readonly codecString: string;
  readonly notice: string | null;
  readonly bytes: number;
  readonly videoBytes: number;
  /** Peak signal-to-noise ratio of the decoded output against what was encoded, in dB, over all frames. */
  readonly psnr: number;
  readonly sourceAudio: readonly AudioReport[];
  readonly outputAudio: readonly AudioReport[];
  /** The file, base64, for tools outside the browser. */
  readonly file: string;
  readonly encodeMs: number;
}

export type Result =
  | { readonly kind: 'info'; readonly info: ClipInfo }
  | { readonly kind: 'frames'; readonly frames: readonly FrameReport[] }
  | { readonly kind: 'whole'; readonly whole: WholeReport }
  | { readonly kind: 'through'; readonly through: ThroughReport }
  | { readonly kind: 'encoded'; readonly report: EncodeReport }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly hint: string;
      readonly detail: string;
    };

self.addEventListener('message', ({ data }: MessageEvent<{ id: number; command: Command }>) => {
  run(data.command).then(
    (result) => self.postMessage({ id: data.id, result }),
    (error) => {
      const { code, message, hint, detail = '' } = toErrorData(error);
      self.postMessage({ id: data.id, result: { kind: 'error', code, message, hint, detail } });
    },
  );
});

async function run(command: Command): Promise<Result> {
  const file = await fetchFile(command);
  switch (command.kind) {
    case 'open': {
      const clip = await openClip(file);
      clip.close();
      return { kind: 'info', info: clip.info };
    }
    case 'frames': {
      const clip = await openClip(file);
      const frames: FrameReport[] = [];
      for await (const frame of clip.frames(command)) {
        const { index, timestampUs, width, height, repeated, rgba } = frame;
        const pixels = command.at.map(([x, y]) => [...rgba.slice((y * width + x) * 4, (y * width + x) * 4 + 4)]);
        frames.push({ index, timestampUs, width, height, repeated, pixels, hash: hashOf(rgba) });
      }
      clip.close();
      return { kind: 'frames', frames };
    }
    case 'whole':
      return { kind: 'whole', whole: await wholeReport(file) };
    case 'through':
      return { kind: 'through', through: await throughReport(file, command.at) };
    case 'cancel': {
      const clip = await openClip(file);
      const controller = new AbortController();
      let frames = 0;
      for await (const _ of clip.frames({ startFrame: 0, endFrame: clip.info.frameCount, signal: controller.signal })) {
        frames++;
        if (frames === command.afterFrames) controller.abort();
      }
      throw new Error(`all ${frames} frames came`);
    }
    case 'encode':
      return { kind: 'encoded', report: await encode(file, command) };
    case 'without': {
      Reflect.deleteProperty(self, command.missing);
      const clip = await openClip(file);
      await chooseEncoder({ width: 64, height: 64, frameRate: 30, codec: 'auto', quality: 'high' });
      return { kind: 'info', info: clip.info };
    }
  }
}

async function wholeReport(file: File, onFrame: (frame: DecodedFrame) => void = () => {}): Promise<WholeReport> {
  const clip = await openClip(file);
  const { info } = clip;
  const hashes = new Set<number>();
  const sizes = new Set<string>();
  let frameCount = 0;
  let repeatedFrames = 0;
  let timely = true;
  for await (const frame of clip.frames({ startFrame: 0, endFrame: info.frameCount })) {
    timely &&= frame.index === frameCount && frame.timestampUs === info.timestampsUs[frameCount];
    hashes.add(hashOf(frame.rgba));
    sizes.add(`${frame.width}x${frame.height}`);
    if (frame.repeated) repeatedFrames++;
    frameCount++;
    onFrame(frame);
  }
  const audioPackets: number[] = [];
  for (const track of clip.audioTracks) {
    let packets = 0;
    for await (const _ of track.packets()) packets++;
    audioPackets.push(packets);
  }
  clip.close();
  return { info, frameCount, repeatedFrames, distinctFrames: hashes.size, sizes: [...sizes], timely, audioPackets };
}

const WINDOW_FRAMES = 16;
/** Of all frames together. */
const MOST_ENCODED_PIXELS = 3e7;

async function throughReport(file: File, at: readonly [number, number] | undefined): Promise<ThroughReport> {
  const borders = new BorderDetector();
  let pixel: readonly number[] | null = null;
  const whole = await wholeReport(file, (frame) => {
    borders.add(frame);
    const start = at ? (at[1] * frame.width + at[0]) * 4 : 0;
    if (at && frame.index === 0) pixel = [...frame.rgba.slice(start, start + 3)];
  });
  const clip = await openClip(file);
  try {
    const { info } = clip;
    const activeArea = borders.area();
    const settings = settingsOf({ scale: 1, frameRateFactor: 1 });
    const plan = planJob(info, settings, deviceOf(), NANO, { activeArea });
    const output = info.width * info.height * info.frameCount > MOST_ENCODED_PIXELS ? null : await written(clip, plan);
    return {
      ...whole,
      notices: plan.notices.map(({ code }) => code),
      refusals: plan.refusals.map(({ code }) => code),
      pixel,
      output,
    };
  } finally {
    clip.close();
  }
}

/** The clip's own pictures, stretched to the plan's size, as a job would write them. */
async function written(clip: Clip, plan: JobPlan): Promise<ClipInfo> {
  const { info } = clip;
  const { width, height, frameRate } = plan.output;
  const rate = frameRate.numerator / frameRate.denominator;
  const choice = await chooseEncoder({ width, height, frameRate: rate, codec: 'auto', quality: 'balanced' });
  const sink = new MemoryPacketSink();
  for (let start = 0; start < info.frameCount; start += WINDOW_FRAMES) {
    const encoder = new GroupEncoder(choice);
    const range = { startFrame: start, endFrame: Math.min(start + WINDOW_FRAMES, info.frameCount) };
    for await (const frame of clip.frames(range)) {
      const { timestampUs, durationUs } = outputFrameTime(info, plan, frame.index);
      const { data } = rgbaToI420(stretch(frame, width, height).rgba, width, height);
      await encoder.encode({ data, timestampUs, durationUs });
    }
    await sink.append(await encoder.finish());
  }
  const blob = await muxMp4ToBlob({
    video: { decoderConfig: sink.decoderConfig!, packetCount: sink.packetCount, packets: () => sink.packets() },
    frameRate: info.variableFrameRate ? null : frameRate,
    audioTracks: clip.audioTracks,
  });
  const result = await openClip(new File([blob], 'out.mp4'));
  result.close();
  return result.info;
}

async function fetchFile({ url, bytes, noise }: Source): Promise<File> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const content = new Uint8Array(await response.arrayBuffer()).slice(0, bytes);
  if (noise) {
    for (let i = noise[0], state = 1; i < noise[1]; i++) {
      state = (state * 48271) % 2147483647;
      content[i] = state & 255;
    }
  }
  return new File([content], decodeURIComponent(url.split('/').at(-1)!));
}

/** Decode, enlarge, encode in windows, mux with the source's sound, and open the result again. */
async function encode(file: File, command: Extract<Command, { kind: 'encode' }>): Promise<EncodeReport> {
  const clip = await openClip(file);
  const { info } = clip;
  const even = (size: number) => 2 * Math.round((size * command.scale) / 2);
  const [width, height] = [even(info.width), even(info.height)];
  const frameRate = info.frameRate.numerator / info.frameRate.denominator;
  const { codec, quality } = command;
  const choice = await chooseEncoder({ width, height, frameRate, codec, quality });

  const sink = new MemoryPacketSink();
  const sent: Uint8ClampedArray[] = [];
  let encodeMs = 0;
  for (let start = 0; start < info.frameCount; start += command.windowFrames) {
    const end = Math.min(start + command.windowFrames, info.frameCount);
    const encoder = new GroupEncoder(choice);
    for await (const frame of clip.frames({ startFrame: start, endFrame: end })) {
      const { rgba } = stretch(frame, width, height);
      sent.push(rgba);
      const next = info.timestampsUs[frame.index + 1];
      const durationUs = next === undefined ? info.lastFrameDurationUs : next - frame.timestampUs;
      const began = performance.now();
      const { data } = rgbaToI420(rgba, width, height);
      await encoder.encode({ data, timestampUs: frame.timestampUs, durationUs });
      encodeMs += performance.now() - began;
    }
    await sink.append(await encoder.finish());
  }
  const blob = await muxMp4ToBlob({
    video: { decoderConfig: sink.decoderConfig!, packetCount: sink.packetCount, packets: () => sink.packets() },
    frameRate: info.variableFrameRate ? null : info.frameRate,
    audioTracks: clip.audioTracks,
  });

  const result = await openClip(new File([blob], 'out.mp4'));
  const report: EncodeReport = {
    source: info,
    output: result.info,
    codecString: choice.codecString,
    notice: choice.notice ?? null,
    bytes: blob.size,
    videoBytes: sink.bytes,
    psnr: await psnrOf(result, sent),
    sourceAudio: await audioReports(clip),
    outputAudio: await audioReports(result),
    file: btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join('')),
    encodeMs,
  };
  clip.close();
  result.close();
  return report;
}

function hashOf(bytes: Uint8ClampedArray): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

async function psnrOf(clip: Clip, sent: readonly Uint8ClampedArray[]): Promise<number> {
  let squares = 0;
  let count = 0;
  for await (const { index, rgba } of clip.frames({ startFrame: 0, endFrame: clip.info.frameCount })) {
    const truth = sent[index]!;
    for (let i = 0; i < rgba.length; i++) {
      if (i % 4 === 3) continue;
      squares += (rgba[i]! - truth[i]!) ** 2;
      count++;
    }
  }
  return 10 * Math.log10(255 ** 2 / Math.max(squares / count, 1e-9));
}

async function audioReports(clip: Clip): Promise<AudioReport[]> {
  const reports: AudioReport[] = [];
  for (const track of clip.audioTracks) {
    const packets: AudioReport['packets'][number][] = [];
    for await (const { data, timestampUs, durationUs } of track.packets()) {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
      packets.push({ hash: btoa(String.fromCharCode(...digest)), timestampUs, durationUs });
    }
    reports.push({ codec: track.codec, packets });
  }
  return reports;
}
