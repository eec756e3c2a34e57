/** How a clip is made, what has to become of it, and what recipes have in common. Types and constants only. */

/** What the page has to make of a clip. */
export interface Opens {
  /** Upright, in square pixels. */
  readonly size: string;
  readonly frames: number;
  /** As a fraction; `varies` where it does. */
  readonly rate: string;
  /** Of the first frame; 0 when absent. */
  readonly firstMs?: number;
  readonly durationMs?: number;
  /** Codecs in order; those that are left out in brackets. */
  readonly audio?: string;
  readonly notices?: string;
  /** RGB of a pixel of the first frame, within a few levels. */
  readonly pixel?: readonly [x: number, y: number, red: number, green: number, blue: number];
  /** Pictures that the stream lacks, shown as the one before. */
  readonly repeated?: number;
}

export interface Wild {
  readonly name: string;
  /** Arguments of ffmpeg up to the output, split at spaces; `%name` stands for another clip of this list. */
  readonly ffmpeg?: string;
  /** Bytes, from those of another clip of this list where `from` names one. */
  readonly from?: string;
  readonly bytes?: (from: Buffer) => Uint8Array;
  readonly expect: Opens | string;
}

export const TEST = '-f lavfi -i testsrc2=size=128x72:rate=24:duration=0.5';
export const TONE = '-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.5';
export const STEREO = `${TONE} -ac 2`;
export const X264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
export const PLAIN = { size: '128x72', frames: 12, rate: '24/1' } as const;
