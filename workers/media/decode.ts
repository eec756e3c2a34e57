/**
 * Decodes a range of a clip's frames with WebCodecs, upright, as RGBA.
 *
 * Runs in a worker or a page. Backpressure: at most four samples queued at the decoder and the few frames that it holds to
 * reorder them; a `VideoFrame` is closed as soon as its pixels are copied, and nothing is decoded while the caller is busy.
 * Memory: a handful of frames. Cost: a range starts at the sync sample before it, so ask for long ranges, in order.
 */

import { throwIfAborted } from '../errors.ts';
import type { DemuxedVideo, PictureGeometry } from './demuxed.ts';
import { visiblePixels } from './frame-pixels.ts';
import { answeredWithin } from './patience.ts';
import { decodeFailed } from './refusals.ts';
import { crop, orient, type RgbaPicture, stretch } from './rgba.ts';
import { coveredBy } from './transparency.ts';

export interface DecodedFrame extends RgbaPicture {
  /** Frame of the clip, in presentation order. */
  readonly index: number;
  readonly timestampUs: number;
  /** True where the stream had no picture for this frame (a lost reference): the one before, or after, stands in. */
  readonly repeated: boolean;
}

export interface FrameRange {
  readonly startFrame: number;
  readonly endFrame: number;
  readonly signal?: AbortSignal;
}

const MAX_QUEUED_SAMPLES = 4;
/** A decoder that says nothing for so long is stuck. */
const STUCK_AFTER_MS = 30_000;

/**
 * Frames [startFrame, endFrame) in presentation order.
 *
 * @param timestampsUs the clip's timestamps, for all of its frames.
 * @throws EnhancerError `DECODE_FAILED`, `TRUNCATED`, `CANCELLED`.
 */
export async function* decodeFrames(
  video: DemuxedVideo,
  timestampsUs: readonly number[],
  range: FrameRange,
): AsyncGenerator<DecodedFrame> {
  const frames = ownFrames(video, timestampsUs, range);
  if (!video.alpha) {
    yield* frames;
    return;
  }
  const coverage = ownFrames(coverageOf(video, video.alpha), timestampsUs, range);
  try {
    for await (const frame of frames) {
      const covering = await coverage.next();
      if (covering.done) throw decodeFailed('the alpha stream ended early');
      yield { ...frame, rgba: coveredBy(frame.rgba, covering.value.rgba) };
    }
  } finally {
    await coverage.return(undefined);
  }
}

/** The alpha stream, to be decoded to greys of the frames' own size and orientation. */
export function coverageOf({ geometry, decoderConfig }: DemuxedVideo, alpha: DemuxedVideo): DemuxedVideo {
  const { codec, codedWidth = 0, codedHeight = 0 } = decoderConfig;
  const colorSpace = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: true } as const;
  return { ...alpha, geometry, decoderConfig: { codec, codedWidth, codedHeight, colorSpace } };
}

/** Frames without regard to a second stream. */
async function* ownFrames(
  video: DemuxedVideo,
  timestampsUs: readonly number[],
  { startFrame, endFrame, signal }: FrameRange,
): AsyncGenerator<DecodedFrame> {
  for (const run of increasingRuns(video, startFrame, endFrame)) {
    let expected = run.startFrame;
    let previous: RgbaPicture | null = null;
    // A gap is tried again with a decoder that has met the stream before: see `rehearse`.
    for (const rehearsed of toRehearse.has(video) ? [true] : [false, true]) {
      const rest = { startFrame: expected, endFrame: run.endFrame };
      if (rest.startFrame === rest.endFrame) break;
      for await (const { frame, picture } of decodeRun(video, rest, rehearsed, signal)) {
        if (frame > expected && !rehearsed) {
          toRehearse.add(video);
          break;
        }
        for (; expected < frame; expected++) {
          yield {
            ...copyOf(previous ?? picture),
            index: expected,
            timestampUs: timestampsUs[expected]!,
            repeated: true,
          };
        }
        yield { ...picture, index: frame, timestampUs: timestampsUs[frame]!, repeated: false };
        previous = picture;
        expected = frame + 1;
      }
    }
    if (previous === null) throw decodeFailed('the decoder returned no picture');
    for (; expected < run.endFrame; expected++) {
      yield { ...copyOf(previous), index: expected, timestampUs: timestampsUs[expected]!, repeated: true };
    }
  }
}

/** Streams that lost a picture to a decoder that didn't know them. */
const toRehearse = new WeakSet<DemuxedVideo>();

/** Callers own the frames that they get, and may transfer them. */
function copyOf(picture: RgbaPicture): RgbaPicture {
  return { ...picture, rgba: picture.rgba.slice() };
}

interface Run {
  readonly startFrame: number;
  readonly endFrame: number;
}

/** Edit lists may show a part of the media twice, or earlier after later: each stretch of rising media time is decoded apart. */
function increasingRuns(video: DemuxedVideo, startFrame: number, endFrame: number): Run[] {
  const runs: Run[] = [];
  let start = startFrame;
  for (let frame = startFrame + 1; frame <= endFrame; frame++) {
    const rises = frame < endFrame && mediaTime(video, frame) > mediaTime(video, frame - 1);
    if (!rises) {
      runs.push({ startFrame: start, endFrame: frame });
      start = frame;
    }
  }
  return endFrame > startFrame ? runs : [];
}

function mediaTime(video: DemuxedVideo, frame: number): number {
  return video.mediaTimesUs[video.frameSamples[frame]!]!;
}

/**
 * Where to start decoding for a run, and where to stop. The sync sample must not come later in presentation than the first
 * frame: pictures that lead an open group refer to the group before.
 */
export function samplesOfRun(video: DemuxedVideo, run: Run): { first: number; last: number } {
  const firstTime = mediaTime(video, run.startFrame);
  let earliest = Number.POSITIVE_INFINITY;
  let last = 0;
  for (let frame = run.startFrame; frame < run.endFrame; frame++) {
    earliest = Math.min(earliest, video.frameSamples[frame]!);
    last = Math.max(last, video.frameSamples[frame]!);
  }
  let first = earliest;
  while (first > 0 && !(video.sync[first] === 1 && video.mediaTimesUs[first]! <= firstTime)) first--;
  return { first, last };
}

async function* decodeRun(
  video: DemuxedVideo,
  run: Run,
  rehearsed: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ frame: number; picture: RgbaPicture }> {
  const frameAt = new Map<number, number>();
  for (let frame = run.startFrame; frame < run.endFrame; frame++) frameAt.set(mediaTime(video, frame), frame);
  const { first, last } = samplesOfRun(video, run);

  const ready: VideoFrame[] = [];
  let failure: unknown = null;
  let flushed = false;
  let wake = () => {};
  const decoder = new VideoDecoder({
    output(frame) {
      if (frameAt.has(frame.timestamp)) ready.push(frame);
      else frame.close();
      wake();
    },
    error(error) {
      failure ??= error;
      wake();
    },
  });
  decoder.ondequeue = () => wake();

  let next = first;
  let flushing = false;
  const packets = video.packets(first, signal)[Symbol.asyncIterator]();
  try {
    configure(decoder, video.decoderConfig);
    if (rehearsed) await rehearse(decoder, video, first, signal);
    for (;;) {
      throwIfAborted(signal);
      if (failure !== null) throw decodeFailed(failure);
      const frame = ready.shift();
      if (frame) {
        yield { frame: frameAt.get(frame.timestamp)!, picture: await uprightPicture(frame, video) };
      } else if (flushed) {
        return;
      } else if (next <= last && decoder.decodeQueueSize < MAX_QUEUED_SAMPLES) {
        const packet = await packets.next();
        if (packet.done) throw decodeFailed('the stream ended early');
        // The decoder may have failed while the packet was read.
        if (failure === null) decodeSample(decoder, video, next, packet.value);
        next++;
      } else {
        if (next > last && !flushing) {
          flushing = true;
          decoder.flush().then(
            () => {
              flushed = true;
              wake();
            },
            (error) => {
              failure ??= error;
              wake();
            },
          );
        }
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const woke = wake;
        // A job's signal outlives thousands of waits.
        signal?.addEventListener('abort', woke);
        try {
          await answeredWithin(woken, STUCK_AFTER_MS, () => decodeFailed('the decoder is stuck'));
        } finally {
          signal?.removeEventListener('abort', woke);
        }
      }
    }
  } finally {
    wake = () => {};
    for (const frame of ready) frame.close();
    if (decoder.state !== 'closed') decoder.close();
    await packets.return?.();
  }
}

const REHEARSED_SAMPLES = 16;
/** Puts a rehearsal's pictures at times that no frame has. */
const REHEARSAL_US = -1e12;

/**
 * Shows a decoder the first samples, whose pictures are thrown away. Where a stream doesn't say how far its pictures are
 * reordered, ffmpeg's decoder (Chromium's) finds out by dropping some; it remembers the next time, but not across a flush.
 */
async function rehearse(
  decoder: VideoDecoder,
  video: DemuxedVideo,
  first: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let sample = first;
  for await (const data of video.packets(first, signal)) {
    decodeSample(decoder, video, sample, data, REHEARSAL_US);
    sample++;
    if (sample >= first + REHEARSED_SAMPLES || sample >= video.sampleCount) break;
  }
}

function configure(decoder: VideoDecoder, config: VideoDecoderConfig): void {
  try {
    decoder.configure(config);
  } catch (error) {
    throw decodeFailed(error);
  }
}

function decodeSample(
  decoder: VideoDecoder,
  video: DemuxedVideo,
  sample: number,
  data: Uint8Array<ArrayBuffer>,
  offsetUs = 0,
): void {
  const type = video.sync[sample] === 1 ? 'key' : 'delta';
  try {
    decoder.decode(new EncodedVideoChunk({ type, timestamp: video.mediaTimesUs[sample]! + offsetUs, data }));
  } catch (error) {
    throw decodeFailed(error);
  }
}

/** Copies a frame's visible pixels, closes it, and makes them upright and square. */
async function uprightPicture(frame: VideoFrame, { geometry, decoderConfig }: DemuxedVideo): Promise<RgbaPicture> {
  let picture: RgbaPicture;
  try {
    picture = await visiblePixels(frame, decoderConfig.colorSpace);
  } finally {
    frame.close();
  }
  // A stream that changes size on the way is brought back to the size that it began with.
  picture = stretch(picture, decoderConfig.codedWidth!, decoderConfig.codedHeight!);
  return applyGeometry(picture, geometry);
}

export function applyGeometry(picture: RgbaPicture, geometry: PictureGeometry): RgbaPicture {
  let result = picture;
  if (geometry.crop) {
    const { x, y, width, height } = geometry.crop;
    result = crop(result, x, y, width, height);
  }
  return orient(stretch(result, geometry.width, geometry.height), geometry);
}
