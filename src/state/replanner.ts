/** Asks for a plan a moment after the last change, and drops every answer but the newest. */

import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { JobPlan } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';

export interface Replanner {
  /** @param delayMs 0 for a first plan; a typing pause for changes. */
  request(clip: ClipInfo, settings: Settings, delayMs: number): void;
  /** Forgets whatever is on its way. */
  drop(): void;
}

export function createReplanner(
  plan: (clip: ClipInfo, settings: Settings) => Promise<JobPlan>,
  onPlan: (plan: JobPlan) => void,
  onError: (error: unknown) => void,
): Replanner {
  let newest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(ticket: number, clip: ClipInfo, settings: Settings): Promise<void> {
    try {
      const made = await plan(clip, settings);
      if (ticket === newest) onPlan(made);
    } catch (error) {
      if (ticket === newest) onError(error);
    }
  }

  return {
    request(clip, settings, delayMs) {
      clearTimeout(timer);
      newest += 1;
      const ticket = newest;
      if (delayMs === 0) void ask(ticket, clip, settings);
      else timer = setTimeout(() => void ask(ticket, clip, settings), delayMs);
    },
    drop() {
      clearTimeout(timer);
      newest += 1;
    },
  };
}
