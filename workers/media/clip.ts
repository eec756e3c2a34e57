/**
 * A clip, opened: what is known of it, its frames, its sound.
 *
 * Runs in a worker or a page that has WebCodecs. Opening reads headers and decodes one frame, so that what can't be decoded
 * is refused before any work starts; see `container.ts` and `decode.ts` for costs and limits.
 */

import { EnhancerError, throwIfAborted } from '../errors.ts';
import type { ClipInfo, ClipNotice } from './clip-info.ts';
import { type NamedBlob, openContainer } from './container.ts';
import { coverageOf, type DecodedFrame, decodeFrames, type FrameRange } from './decode.ts';
import type { AudioTrack, DemuxedClip, DemuxedVideo } from './demuxed.ts';
import { guessColourSpace, hasAlpha, hdrTransfer } from './frame-pixels.ts';
import { answeredWithin } from './patience.ts';
import { decodeFailed, noWebCodecs, unsupportedCodec } from './refusals.ts';
import { ALPHA_COMPOSITED, ALPHA_IGNORED } from './transparency.ts';

export interface Clip {
  readonly info: ClipInfo;
  /** One for each of `info.audioTracks`. */
  readonly audioTracks: readonly AudioTrack[];
  /** Frames that decode without any other, ascending. */
  readonly keyFrames: readonly number[];
  /** Frames [startFrame, endFrame) in presentation order, decoded as they are asked for. */
  frames(range: FrameRange): AsyncIterable<DecodedFrame>;
  close(): void;
}

/**
 * Opens a clip and proves that its first frame decodes.
 *
 * @throws EnhancerError what `openContainer` throws; `NO_WEBCODECS`, `UNSUPPORTED_CODEC`, `DECODE_FAILED`.
 */
export async function openClip(file: NamedBlob, { signal }: { signal?: AbortSignal } = {}): Promise<Clip> {
  const demuxed = await openContainer(file, signal);
  try {
    if (typeof VideoDecoder === 'undefined') throw noWebCodecs();
    await assertDecodable(demuxed.video.decoderConfig);
    const { info, video } = await confirmAlpha(await confirmByDecoding(withColourGuess(demuxed), signal), signal);
    return {
      info,
      audioTracks: demuxed.audioTracks,
      keyFrames: keyFramesOf(video),
      frames: (range) => decodeFrames(video, info.timestampsUs, range),
      close: () => demuxed.close(),
    };
  } catch (error) {
    demuxed.close();
    throw error;
  }
}

/**
 * Fills in what an H.264 stream leaves open; we have read what it states. With other codecs a guess would overrule the stream.
 */
function withColourGuess({ info, video }: DemuxedClip): Opened {
  const { codec, codedHeight, colorSpace } = video.decoderConfig;
  if (!codec.startsWith('avc') || codedHeight === undefined) return { info, video };
  const stated = Object.entries(colorSpace ?? {}).filter(([, value]) => value !== null);
  const filled = { ...guessColourSpace(codedHeight), ...Object.fromEntries(stated) };
  return { info, video: { ...video, decoderConfig: { ...video.decoderConfig, colorSpace: filled } } };
}

function keyFramesOf({ frameSamples, sync }: DemuxedVideo): readonly number[] {
  const frames: number[] = [];
  for (const [frame, sample] of frameSamples.entries()) if (sync[sample] === 1) frames.push(frame);
  return frames;
}

interface Opened {
  readonly info: ClipInfo;
  readonly video: DemuxedVideo;
}

async function assertDecodable(config: VideoDecoderConfig): Promise<void> {
  const supported = await VideoDecoder.isConfigSupported(config).then(
    (answer) => answer.supported === true,
    // A codec string that the browser can't even parse.
    () => false,
  );
  if (!supported) throw unsupportedCodec(config.codec);
}

/** Decodes the first frame: its real size and colour space count for more than what the container says. */
async function confirmByDecoding({ info, video }: Opened, signal: AbortSignal | undefined): Promise<Opened> {
  const facts = await firstFrameFacts(video, signal);
  throwIfAborted(signal);
  const { codedWidth = facts.width, codedHeight = facts.height } = video.decoderConfig;
  // Chromium renames what it was told of full range: what was read counts for more.
  const colourSpace = video.decoderConfig.colorSpace ?? facts.colourSpace;
  const notices = [...(info.notices ?? []), ...noticesOf(facts, video.decoderConfig.colorSpace)];
  const described = { ...info, colourSpace, ...(notices.length > 0 ? { notices } : {}) };
  if (facts.width === codedWidth && facts.height === codedHeight) return { info: described, video };

  const scaleX = facts.width / codedWidth;
  const scaleY = facts.height / codedHeight;
  // A clean aperture stated for another size means nothing.
  const geometry = {
    ...video.geometry,
    crop: null,
    width: Math.max(1, Math.round(video.geometry.crop ? facts.width : video.geometry.width * scaleX)),
    height: Math.max(1, Math.round(video.geometry.crop ? facts.height : video.geometry.height * scaleY)),
  };
  const sideways = geometry.rotationDegrees % 180 !== 0;
  return {
    info: {
      ...described,
      codedWidth: facts.width,
      codedHeight: facts.height,
      width: sideways ? geometry.height : geometry.width,
      height: sideways ? geometry.width : geometry.height,
    },
    video: {
      ...video,
      geometry,
      decoderConfig: { ...video.decoderConfig, codedWidth: facts.width, codedHeight: facts.height },
    },
  };
}

/** A second stream counts once it decodes as well. */
async function confirmAlpha({ info, video }: Opened, signal: AbortSignal | undefined): Promise<Opened> {
  const { alpha, ...opaque } = video;
  if (!alpha) return { info, video };
  const decodes = await firstFrameFacts(coverageOf(video, alpha), signal).then(
    () => true,
    () => false,
  );
  throwIfAborted(signal);
  const notices = [...(info.notices ?? []), decodes ? ALPHA_COMPOSITED : ALPHA_IGNORED];
  return { info: { ...info, notices }, video: decodes ? video : opaque };
}

function noticesOf(facts: FrameFacts, stated: VideoColorSpaceInit | undefined): ClipNotice[] {
  const notices: ClipNotice[] = [];
  const hdr = hdrTransfer(stated?.transfer ?? facts.colourSpace.transfer);
  if (hdr) {
    notices.push({
      code: 'HDR_TONE_MAPPED',
      message: `The clip is HDR (${hdr.toUpperCase()}); the result will be SDR, with its brightness mapped to an ordinary screen's.`,
    });
  }
  if (hasAlpha(facts.format)) {
    notices.push(ALPHA_COMPOSITED);
  }
  return notices;
}

interface FrameFacts {
  readonly format: string | null;
  readonly width: number;
  readonly height: number;
  readonly colourSpace: VideoColorSpaceInit;
}

const FIRST_FRAME_WITHIN_MS = 20_000;
/** Some streams begin with pictures that can't be shown; a decoder gets a few tries. */
const FIRST_SAMPLES = 8;

async function firstFrameFacts(video: DemuxedVideo, signal: AbortSignal | undefined): Promise<FrameFacts> {
  let decoder: VideoDecoder | null = null;
  try {
    let resolve: (facts: FrameFacts) => void = () => {};
    let reject: (error: unknown) => void = () => {};
    const facts = new Promise<FrameFacts>((onFulfilled, onRejected) => {
      resolve = onFulfilled;
      reject = onRejected;
    });
    // It may settle before anyone waits for it.
    facts.catch(() => {});
    decoder = new VideoDecoder({
      output(frame) {
        const { width, height } = frame.visibleRect!;
        resolve({ format: frame.format, width, height, colourSpace: frame.colorSpace.toJSON() });
        frame.close();
      },
      error: (error) => reject(decodeFailed(error)),
    });
    decoder.configure(video.decoderConfig);
    const firstSync = Math.max(0, video.sync.indexOf(1));
    let sample = firstSync;
    for await (const data of video.packets(firstSync, signal)) {
      const type = video.sync[sample] === 1 ? 'key' : 'delta';
      decoder.decode(new EncodedVideoChunk({ type, timestamp: video.mediaTimesUs[sample]!, data }));
      sample++;
      if (sample >= firstSync + FIRST_SAMPLES) break;
    }
    decoder.flush().then(
      () => reject(decodeFailed('the decoder returned no picture')),
      (error) => reject(decodeFailed(error)),
    );
    return await answeredWithin(facts, FIRST_FRAME_WITHIN_MS, () => decodeFailed('no frame within 20 seconds'));
  } catch (error) {
    throw error instanceof EnhancerError ? error : decodeFailed(error);
  } finally {
    if (decoder && decoder.state !== 'closed') decoder.close();
  }
}
