/**
 * One pass over a clip's frames before the work: where its cuts are, and whether it has black borders.
 *
 * Runs wherever the clip's frames come from. Costs the decoding of every frame and about 1 ms for each; holds nine thumbnails.
 */

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
