/**
 * Windows into groups of pictures: what is encoded as one, from a key frame on. Pure.
 *
 * A key frame repaints the picture, which is seen where little moves (docs/media.md, "Seams of encoding"): a group therefore holds as many
 * windows as can be kept waiting, and ends at a cut where it can, where nothing shows.
 */

import type { Group, Window } from './job-plan.ts';

/** What players can seek across, and encoders commonly do; of a slow clip so few frames that they are decoded at once. */
const MOST_SECONDS = 5;
const MOST_FRAMES = 250;
const FEW_FRAMES = 60;
/** On disk, of one group's pictures. */
export const MOST_GROUP_BYTES = 2 ** 30;
/** I420. */
const BYTES_PER_PIXEL = 1.5;

export interface GroupLimits {
  /** Of the output, even. */
  readonly pixels: number;
  /** Frames per second. */
  readonly frameRate: number;
  /** On disk, for one group's pictures. */
  readonly bytes: number;
}

/**
 * @param frameCount of the output.
 * @returns groups that cover the output in order. Each holds whole windows' shares of the output, one at least, and crosses no cut.
 */
export function planGroups(windows: readonly Window[], frameCount: number, limits: GroupLimits): Group[] {
  const most = Math.min(
    MOST_FRAMES,
    Math.max(FEW_FRAMES, Math.floor(MOST_SECONDS * limits.frameRate)),
    Math.floor(limits.bytes / (limits.pixels * BYTES_PER_PIXEL)),
  );
  const groups: Group[] = [];
  windows.forEach(({ startFrame, shot }, i) => {
    const endFrame = windows[i + 1]?.startFrame ?? frameCount;
    const last = groups.at(-1);
    if (last && windows[i - 1]!.shot === shot && endFrame - last.startFrame <= most) {
      groups[groups.length - 1] = { startFrame: last.startFrame, endFrame, windows: last.windows + 1 };
    } else {
      groups.push({ startFrame, endFrame, windows: 1 });
    }
  });
  return groups;
}

/** Bytes on disk of the longest group's pictures; those of one window alone are never kept. */
export function groupBytes(groups: readonly Group[], pixels: number): number {
  const frames = groups.map(({ startFrame, endFrame, windows }) => (windows > 1 ? endFrame - startFrame : 0));
  return Math.ceil(Math.max(0, ...frames) * pixels * BYTES_PER_PIXEL);
}
