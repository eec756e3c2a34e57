/** The source's sound for an output: all of it, or what belongs to a chosen range or to what is finished. */

import { cutAudio } from '../media/audio-range.ts';
import type { Clip } from '../media/clip.ts';
import type { AudioTrack } from '../media/demuxed.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';

/** Time that the output counts from: the clip's own zero, or the start of a chosen range. */
export function originUs(clip: Clip, plan: JobPlan, settings: Settings): number {
  return settings.range === null ? 0 : clip.info.timestampsUs[plan.sourceStart]!;
}

/** @param finishedUs end of the output where it stops early; null for the whole. */
export function soundFor(
  clip: Clip,
  plan: JobPlan,
  settings: Settings,
  finishedUs: number | null = null,
): readonly AudioTrack[] {
  if (settings.range === null && finishedUs === null) return clip.audioTracks;
  const startUs = originUs(clip, plan, settings);
  return clip.audioTracks.map((track) => cutAudio(track, startUs, startUs + (finishedUs ?? plan.output.durationUs)));
}
