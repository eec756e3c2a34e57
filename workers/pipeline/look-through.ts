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

/** @throws EnhancerError what decoding throws, `CANCELLED` among them. */
export async function lookThrough(
  clip: Clip,
  plan: JobPlan,
  signal: AbortSignal,
  onProgress: (progress: JobProgress) => void,
): Promise<Looked> {
  const start = performance.now();
  const range = { startFrame: plan.sourceStart, endFrame: plan.sourceEnd, signal };
  const { cuts, activeArea } = await analyseClip(clip, range, (framesSeen) => {
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
