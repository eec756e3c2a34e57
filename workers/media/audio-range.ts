/** Cuts a track's sound to a part of the clip, whole packets at a time. Pure; copies nothing. */

import type { AudioTrack } from './demuxed.ts';
import { AUDIO_PREROLL_US } from './mp4/edit-list.ts';

/**
 * The packets heard between `startUs` and `endUs` on the clip's timeline, their times counted from `startUs`. The few before
 * it stay at negative times, where they warm the decoder unheard.
 */
export function cutAudio(track: AudioTrack, startUs: number, endUs: number): AudioTrack {
  return {
    ...track,
    async *packets(signal) {
      for await (const packet of track.packets(signal)) {
        if (packet.timestampUs + packet.durationUs <= startUs - AUDIO_PREROLL_US) continue;
        if (packet.timestampUs >= endUs) return;
        const durationUs = Math.min(packet.durationUs, endUs - packet.timestampUs);
        yield { ...packet, timestampUs: packet.timestampUs - startUs, durationUs };
      }
    },
  };
}
