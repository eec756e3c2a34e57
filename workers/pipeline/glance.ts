/**
 * Single frames of a clip for the screen: one at a moment, or a few along its length.
 *
 * Costs: opening the clip, and for each frame decoding from the key frame before it; a strip takes key frames where they are near enough,
 * so that a long clip costs one decoded frame a picture. Runs wherever WebCodecs does, beside a job.
 */

import { EnhancerError } from '../errors.ts';
import { type Clip, openClip } from '../media/clip.ts';
import type { Glimpse, Picture } from '../protocol.ts';
import { shrunk } from './picture.ts';

/** The frame on screen at `timestampUs` of the clip's own timeline, no wider than `maxWidth`. */
export async function frameAt(file: File, maxWidth: number, timestampUs: number): Promise<Picture> {
  const clip = await openClip(file);
  try {
    return (await glimpse(clip, frameIndexAt(clip, timestampUs), maxWidth)).picture;
  } finally {
    clip.close();
  }
}

/** `count` frames spread over the clip, the first one first; fewer where it has fewer. */
export async function filmstrip(file: File, count: number, maxWidth: number): Promise<Glimpse[]> {
  const clip = await openClip(file);
  try {
    const glimpses: Glimpse[] = [];
    for (const frame of stripFrames(clip.info.frameCount, count, clip.keyFrames)) {
      glimpses.push(await glimpse(clip, frame, maxWidth));
    }
    return glimpses;
  } finally {
    clip.close();
  }
}

/** The frames of a strip: the middle of each part, or a key frame of that part where there is one, since those are cheap. */
export function stripFrames(frameCount: number, count: number, keyFrames: readonly number[]): readonly number[] {
  const parts = Math.min(count, frameCount);
  return Array.from({ length: parts }, (_, part) => {
    const start = Math.floor((part * frameCount) / parts);
    const end = Math.floor(((part + 1) * frameCount) / parts);
    const middle = (start + end - 1) >> 1;
    const keys = keyFrames.filter((frame) => frame >= start && frame < end);
    return (
      keys.reduce<number | null>(
        (best, frame) => (best === null || Math.abs(frame - middle) < Math.abs(best - middle) ? frame : best),
        null,
      ) ?? middle
    );
  });
}

/** The frame on screen at a moment; the first one before the clip begins. */
export function frameIndexAt(clip: Pick<Clip, 'info'>, timestampUs: number): number {
  const times = clip.info.timestampsUs;
  const after = times.findIndex((time) => time > timestampUs);
  return Math.max(0, (after < 0 ? times.length : after) - 1);
}

async function glimpse(clip: Clip, frame: number, maxWidth: number): Promise<Glimpse> {
  for await (const decoded of clip.frames({ startFrame: frame, endFrame: frame + 1 })) {
    return { timestampUs: clip.info.timestampsUs[frame]!, picture: shrunk(decoded, maxWidth) };
  }
  throw new EnhancerError('NO_FRAMES', 'The clip has no frames.', 'Choose another clip.');
}
