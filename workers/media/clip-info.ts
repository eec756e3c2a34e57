/** What is known of a clip before any work starts. Plain data: it crosses the worker boundary. */

import type { Area } from './borders.ts';

export interface Rational {
  readonly numerator: number;
  readonly denominator: number;
}

export interface AudioTrackInfo {
  readonly codec: string;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly durationUs: number;
  /** False when an MP4 cannot hold this codec: the track is dropped, with notice. */
  readonly copyable: boolean;
}

/** Something about the clip that the person should know before starting. */
export interface ClipNotice {
  readonly code: string;
  readonly message: string;
}

export interface ClipInfo {
  readonly name: string;
  readonly bytes: number;
  readonly container: 'mp4' | 'mov' | 'webm' | 'mkv';
  readonly videoCodec: string;
  /** Display size in square pixels, after clean aperture, pixel aspect and rotation. */
  readonly width: number;
  readonly height: number;
  /** Size of the coded picture before rotation. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Clockwise degrees that the decoded picture is turned by for display: applied by the decoder room. */
  readonly rotationDegrees: 0 | 90 | 180 | 270;
  readonly frameCount: number;
  /** Presentation timestamps, sorted, edits applied, first frame at its true offset; one per frame. */
  readonly timestampsUs: readonly number[];
  /** Duration of the last frame. */
  readonly lastFrameDurationUs: number;
  /** End of the last frame minus start of the first. */
  readonly durationUs: number;
  /** Nominal frame rate; for variable frame rates, the mean. */
  readonly frameRate: Rational;
  readonly variableFrameRate: boolean;
  readonly colourSpace: VideoColorSpaceInit;
  readonly audioTracks: readonly AudioTrackInfo[];
  /** The picture between black borders, by a look at a few frames (a job looks at all); absent or null: no borders. */
  readonly activeArea?: Area | null;
  /** What decoding changes about the picture; absent where there is nothing to say. */
  readonly notices?: readonly ClipNotice[];
}
