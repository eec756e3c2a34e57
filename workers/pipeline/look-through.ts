/**
 * One pass over a job's frames before its plan is fixed: shots, so that no window crosses a cut, and the picture between black borders.
 *
 * Costs the decoding of every frame once more; see `media/analyse-clip.ts`.
 */

import { analyseClip } from '../media/analyse-clip.ts';
import type { Area } from '../media/borders.ts';
import type { Clip } from '../media/clip.ts';
import type { JobPlan, Shot } from '../plan/job-plan.ts';
import { shotsFromCuts } from '../plan/shots.ts';
import type { JobProgress } from '../protocol.ts';

const FRAMES_BETWEEN_NEWS = 30;

/** What the final plan is made with. */
export interface Looked {
  readonly shots: readonly Shot[];
  readonly activeArea: Area | null;
}

/**
 * @param between awaited before every frame: lets a pause through. @returns milliseconds that it took.
 * @throws EnhancerError what decoding throws, `CANCELLED` among them.
 */
export async function lookThrough(
  clip: Pick<Clip, 'frames'>,
  plan: JobPlan,
  signal: AbortSignal,
  between: () => Promise<number>,
  onProgress: (progress: JobProgress) => void,
): Promise<Looked> {
  let start = performance.now();
  const range = { startFrame: plan.sourceStart, endFrame: plan.sourceEnd, signal };
  const paced: Pick<Clip, 'frames'> = {
    async *frames(asked) {
      for await (const frame of clip.frames(asked)) {
        start += await between();
        yield frame;
      }
    },
  };
  const { cuts, activeArea } = await analyseClip(paced, range, (framesSeen) => {
    if (framesSeen % FRAMES_BETWEEN_NEWS !== 1) return;
    onProgress({
      stage: 'decode',
      fraction: 0,
      secondsElapsed: (performance.now() - start) / 1000,
      secondsLeft: null,
      framesDone: 0,
      frameCount: plan.output.frameCount,
      gpuLedgerBytes: 0,
    });
  });
  return { shots: shotsFromCuts(cuts, plan), activeArea };
}
