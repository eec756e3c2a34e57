/**
 * Plays two videos as one. The result leads and carries the sound; the source follows: while playing by a small change
 * of its speed (a seek would stutter), when paused or far off by a seek.
 */

import { type RefObject, useCallback, useEffect, useState } from 'react';

/** Further apart than this, the follower jumps. */
const JUMP_SECONDS = 0.25;
/** How much of the lag is made up for in a second, and how far the speed may bend for it. */
const SPEED_GAIN = 2;
const MAX_SPEED_BEND = 0.15;

export interface Playback {
  readonly playing: boolean;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  toggle(): void;
  pause(): void;
  seek(seconds: number): void;
}

export interface SyncedVideos {
  readonly leader: RefObject<HTMLVideoElement | null>;
  readonly follower: RefObject<HTMLVideoElement | null>;
  /** Changes when the sources do. */
  readonly key: string | null;
  /** Where in the follower the leader's beginning is. */
  readonly offsetSeconds: number;
}

export function useSyncedVideos({ leader, follower, key, offsetSeconds }: SyncedVideos): Playback {
  const [playing, setPlaying] = useState(false);
  const [positionSeconds, setPosition] = useState(0);
  const [durationSeconds, setDuration] = useState(0);

  useEffect(() => {
    const lead = leader.current;
    if (lead === null || key === null) return;
    let animation = 0;

    const jump = (): void => {
      const follow = follower.current;
      if (follow !== null && follow.readyState > 0) follow.currentTime = lead.currentTime + offsetSeconds;
    };
    const keepUp = (): void => {
      const follow = follower.current;
      setPosition(lead.currentTime);
      if (follow !== null && follow.readyState > 0) {
        const lag = lead.currentTime + offsetSeconds - follow.currentTime;
        if (Math.abs(lag) > JUMP_SECONDS && !follow.seeking) follow.currentTime = lead.currentTime + offsetSeconds;
        const bend = Math.max(-MAX_SPEED_BEND, Math.min(MAX_SPEED_BEND, lag * SPEED_GAIN));
        follow.playbackRate = lead.playbackRate * (1 + bend);
        if (follow.paused && !follow.ended) follow.play().catch(() => undefined);
      }
      animation = requestAnimationFrame(keepUp);
    };
    const onPlay = (): void => {
      setPlaying(true);
      cancelAnimationFrame(animation);
      keepUp();
    };
    const onPause = (): void => {
      setPlaying(false);
      cancelAnimationFrame(animation);
      follower.current?.pause();
      jump();
    };
    const onSeeking = (): void => {
      setPosition(lead.currentTime);
      jump();
    };
    const onMetadata = (): void => setDuration(Number.isFinite(lead.duration) ? lead.duration : 0);

    onMetadata();
    // A source that begins before the result stands at its own beginning until then.
    const follow = follower.current;
    follow?.addEventListener('loadedmetadata', jump);
    lead.addEventListener('loadedmetadata', onMetadata);
    lead.addEventListener('play', onPlay);
    lead.addEventListener('pause', onPause);
    lead.addEventListener('seeking', onSeeking);
    return () => {
      cancelAnimationFrame(animation);
      follow?.removeEventListener('loadedmetadata', jump);
      lead.removeEventListener('loadedmetadata', onMetadata);
      lead.removeEventListener('play', onPlay);
      lead.removeEventListener('pause', onPause);
      lead.removeEventListener('seeking', onSeeking);
    };
  }, [leader, follower, key, offsetSeconds]);

  const toggle = useCallback((): void => {
    const lead = leader.current;
    if (lead === null) return;
    if (lead.paused) lead.play().catch(() => undefined);
    else lead.pause();
  }, [leader]);

  const pause = useCallback((): void => leader.current?.pause(), [leader]);

  const seek = useCallback(
    (seconds: number): void => {
      if (leader.current !== null) leader.current.currentTime = seconds;
    },
    [leader],
  );

  return { playing, positionSeconds, durationSeconds, toggle, pause, seek };
}
