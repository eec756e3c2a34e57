/**
 * The words for every file and codec that this room refuses: what happened, and what to do about it.
 *
 * Pure; costs nothing. One function a code, so that the same failure reads the same wherever it is noticed.
 */

import { EnhancerError, sourceUnreadable } from '../errors.ts';

export const SUPPORTED_CONTAINERS = 'MP4, MOV, M4V, WebM or MKV';

export function emptyFile(): EnhancerError {
  return new EnhancerError('EMPTY_FILE', 'This file is empty.', 'Choose another file, or copy it again.');
}

export function notAVideo(detail: string): EnhancerError {
  return new EnhancerError(
    'NOT_A_VIDEO',
    'This file is not a video that can be read.',
    `Choose a video file: ${SUPPORTED_CONTAINERS}.`,
    { detail },
  );
}

export function unsupportedContainer(format: string): EnhancerError {
  return new EnhancerError(
    'UNSUPPORTED_CONTAINER',
    `This is ${format}, which can't be opened here.`,
    `Convert it to ${SUPPORTED_CONTAINERS} and try again.`,
  );
}

export function truncated(detail: string): EnhancerError {
  return new EnhancerError(
    'TRUNCATED',
    'This file is incomplete: part of the video is missing.',
    'Copy or download the whole file again.',
    { detail },
  );
}

export function noVideoTrack(): EnhancerError {
  return new EnhancerError(
    'NO_VIDEO_TRACK',
    'This file has no picture, only sound or data.',
    'Choose a file that contains video.',
  );
}

export function encrypted(): EnhancerError {
  return new EnhancerError(
    'ENCRYPTED',
    'This video is encrypted (copy protection).',
    'Use a copy without protection, if you have the right to.',
  );
}

export function noFrames(): EnhancerError {
  return new EnhancerError(
    'NO_FRAMES',
    'This video has no frames to show.',
    'Choose another file, or record or export it again.',
  );
}

export function unsupportedCodec(codec: string): EnhancerError {
  return new EnhancerError(
    'UNSUPPORTED_CODEC',
    `This browser can't decode the video's format (${describeCodec(codec)}).`,
    'Try another browser, or convert the video to H.264 MP4.',
    { detail: codec },
  );
}

export function decodeFailed(cause: unknown): EnhancerError {
  return new EnhancerError(
    'DECODE_FAILED',
    'The video could not be decoded: it is damaged, or the browser gave up on it.',
    'Check that it plays elsewhere; convert it to H.264 MP4 and try again.',
    { cause },
  );
}

export function noWebCodecs(): EnhancerError {
  return new EnhancerError(
    'NO_WEBCODECS',
    "This browser can't decode and encode video (it has no WebCodecs).",
    'Use a current Chrome, Edge, Safari or Firefox, over https or on localhost.',
  );
}

export function noEncoder(width: number, height: number): EnhancerError {
  return new EnhancerError(
    'NO_ENCODER',
    `This browser has no encoder for ${width}×${height} video.`,
    'Choose a smaller scale, or try another browser.',
  );
}

export function encodeFailed(cause: unknown): EnhancerError {
  return new EnhancerError(
    'ENCODE_FAILED',
    'The enhanced video could not be encoded.',
    'Try again with another codec or a smaller scale.',
    { cause },
  );
}

/** A blob's bytes. @throws EnhancerError `SOURCE_CHANGED` where the file behind it is gone or no longer what was chosen. */
export async function bytesOfBlob(blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch (error) {
    throw sourceUnreadable(error);
  }
}

const CODEC_NAMES: readonly (readonly [prefix: string, name: string])[] = [
  ['avc', 'H.264'],
  ['hvc', 'HEVC'],
  ['hev', 'HEVC'],
  ['dvh', 'Dolby Vision'],
  ['dva', 'Dolby Vision'],
  ['vvc', 'VVC'],
  ['vvi', 'VVC'],
  ['av01', 'AV1'],
  ['vp08', 'VP8'],
  ['vp8', 'VP8'],
  ['vp09', 'VP9'],
  ['mp4v', 'MPEG-4 Visual'],
  ['ap', 'ProRes'],
  ['mjp', 'Motion JPEG'],
  ['jpeg', 'Motion JPEG'],
  ['AVdh', 'DNxHR'],
  ['s263', 'H.263'],
];

/** A codec string in words, with the string itself where it says more. */
export function describeCodec(codec: string): string {
  const name = CODEC_NAMES.find(([prefix]) => codec.startsWith(prefix))?.[1];
  return name === undefined ? codec : `${name}, ${codec}`;
}
