/**
 * One pass over a clip's frames before the work: where its cuts are, and whether it has black borders; and a quick look at the latter.
 *
 * Runs wherever the clip's frames come from. Costs the decoding of every frame and about 1 ms for each; holds nine thumbnails.
 */

import { EnhancerError } from '../errors.ts';
import { type Area, BorderDetector } from './borders.ts';
import type { Clip } from './clip.ts';
import type { FrameRange } from './decode.ts';
import { ShotDetector } from './shots.ts';
import { thumbnail } from './thumbnail.ts';

export interface ClipAnalysis {
  /** Source frames that begin a new shot, the range's first aside; ascending, numbered as in the clip. */
  readonly cuts: readonly number[];
  /** The upright picture between black borders; null where there are none. */
  readonly activeArea: Area | null;
}

/**
 * @param onFrame called after every frame with how many are done.
 * @throws EnhancerError what decoding throws, `CANCELLED` among them.
 */
export async function analyseClip(
  clip: Pick<Clip, 'frames'>,
  range: FrameRange,
  onFrame: (framesDone: number) => void = () => {},
): Promise<ClipAnalysis> {
  const shots = new ShotDetector();
  const borders = new BorderDetector();
  const cuts: number[] = [];
  const found = (cut: number | null) => {
    if (cut !== null) cuts.push(range.startFrame + cut);
  };
  let framesDone = 0;
  for await (const frame of clip.frames(range)) {
    found(shots.add(thumbnail(frame)));
    borders.add(frame);
    framesDone++;
    onFrame(framesDone);
  }
  shots.finish().forEach(found);
  return { cuts, activeArea: borders.area() };
}

/** Looks that a glimpse takes, and how many frames it looks at where key frames are few. */
const GLIMPSES = 5;
const FIRST_FRAMES = 8;

/**
 * The picture between black borders as a few frames show it: key frames spread over the clip, or its first frames. Decodes
 * eight frames at most. Null where there are none, or where frames can't be decoded: the pass over all of them says why.
 */
export async function glimpseBorders(clip: Pick<Clip, 'frames' | 'keyFrames' | 'info'>): Promise<Area | null> {
  const { keyFrames, info } = clip;
  const spread = Array.from({ length: GLIMPSES }, (_, i) => Math.floor((i * keyFrames.length) / GLIMPSES));
  const looks =
    keyFrames.length < GLIMPSES
      ? [{ startFrame: 0, endFrame: Math.min(FIRST_FRAMES, info.frameCount) }]
      : spread.map((at) => ({ startFrame: keyFrames[at]!, endFrame: keyFrames[at]! + 1 }));
  const borders = new BorderDetector();
  try {
    for (const range of looks) for await (const frame of clip.frames(range)) borders.add(frame);
  } catch (error) {
    if (error instanceof EnhancerError) return null;
    throw error;
  }
  return borders.area();
}
