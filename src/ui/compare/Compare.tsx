import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { frameAt, middleOf } from '../../state/inspection.ts';
import type { FinishedResult } from '../../state/phase.ts';
import { useInspectionState } from '../../state/react.ts';
import { formatPosition } from '../format.ts';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { useObjectUrl } from '../pieces/use-object-url.ts';
import { words } from '../words.ts';
import styles from './Compare.module.css';
import { PairView } from './PairView.tsx';
import { KeyList, Transport } from './Transport.tsx';
import { type CompareActions, useCompareKeys } from './use-compare-keys.ts';
import { type Playback, useSyncedVideos } from './use-synced-videos.ts';
import { ViewBar } from './ViewBar.tsx';

/** Before and after: both videos where the browser plays both, else the pairs of frames kept from the run. */
export function Compare({ result }: { readonly result: FinishedResult }) {
  const [unplayable, setUnplayable] = useState<'none' | 'source' | 'output'>('none');
  const hasMoments = result.moments.length > 0;
  if (unplayable === 'output' || (unplayable === 'source' && hasMoments)) {
    return <CompareMoments result={result} />;
  }
  return (
    <CompareVideos
      result={result}
      withSource={unplayable === 'none'}
      onUnplayable={(which) => setUnplayable((now) => (now === 'output' ? now : which))}
    />
  );
}

interface CompareVideosProps {
  readonly result: FinishedResult;
  readonly withSource: boolean;
  readonly onUnplayable: (which: 'source' | 'output') => void;
}

function CompareVideos({ result, withSource, onUnplayable }: CompareVideosProps) {
  const { report, clip, output } = result;
  const leader = useRef<HTMLVideoElement>(null);
  const follower = useRef<HTMLVideoElement>(null);
  const sourceUrl = useObjectUrl(clip.file);
  const outputUrl = useObjectUrl(output);
  const [muted, setMuted] = useState(false);
  const [loop, setLoop] = useState(true);
  const playback = useSyncedVideos({ leader, follower, key: outputUrl, offsetSeconds: offsetOf(result) });
  const { frame, goTo } = useFrames(playback, result);
  useWishes(goTo);
  // Some browsers open a file whose picture they can't decode as sound alone: no error, but no picture either.
  const checkPicture = (video: RefObject<HTMLVideoElement | null>, which: 'source' | 'output'): void => {
    if (video.current?.videoWidth === 0) onUnplayable(which);
  };
  const step = (frames: number): void => goTo(frame + frames);
  const toggleLoop = (): void => setLoop(!loop);
  const toggleMuted = (): void => setMuted(!muted);
  return (
    <Frame
      actions={{
        toggle: playback.toggle,
        step,
        toEnd: (last) => goTo(last ? report.frameCount - 1 : 0),
        toggleLoop,
        toggleMuted,
      }}
      canDiffer
      note={withSource ? null : words.compare.afterOnly}
      transport={(room) => (
        <Transport
          {...room}
          playback={playback}
          frame={frame}
          frameCount={report.frameCount}
          loop={loop}
          muted={muted}
          hasSound={report.audioTracksCopied > 0}
          onStep={step}
          onLoop={toggleLoop}
          onMuted={toggleMuted}
        />
      )}
    >
      {outputUrl === null || sourceUrl === null ? null : (
        <PairView
          width={report.width}
          height={report.height}
          frame={frame}
          after={
            <video
              ref={leader}
              src={outputUrl}
              className={styles.video}
              aria-label={words.compare.after}
              playsInline
              // A paused player on its last frame has ended for Chromium, and one that loops would begin anew.
              loop={loop && playback.playing}
              muted={muted}
              preload="auto"
              onError={() => onUnplayable('output')}
              onLoadedMetadata={() => checkPicture(leader, 'output')}
            />
          }
          before={
            withSource ? (
              <video
                ref={follower}
                src={sourceUrl}
                className={styles.video}
                aria-label={words.compare.before}
                playsInline
                muted
                preload="auto"
                onError={() => onUnplayable('source')}
                onLoadedMetadata={() => checkPicture(follower, 'source')}
              />
            ) : null
          }
        />
      )}
    </Frame>
  );
}

/** The source's time at which the result begins. */
function offsetOf({ settings, plan, clip }: FinishedResult): number {
  if (settings.range === null || plan === null) return 0;
  return (clip.info.timestampsUs[plan.sourceStart] ?? 0) / 1e6;
}

/** The frame on screen and a way to another: by the file's own times, or by its rate until these are known. */
function useFrames(playback: Playback, { report }: FinishedResult): { frame: number; goTo: (frame: number) => void } {
  const times = useInspectionState((state) => state.times?.outputUs ?? null);
  const { frameCount, durationUs } = report;
  const timesUs = times ?? Array.from({ length: frameCount }, (_, n) => (n * durationUs) / frameCount);
  const goTo = (wanted: number): void => {
    const frame = Math.max(0, Math.min(timesUs.length - 1, wanted));
    playback.pause();
    playback.seek(middleOf(timesUs, frame, playback.durationSeconds));
  };
  return { frame: frameAt(timesUs, playback.positionSeconds), goTo };
}

/** Goes where the rest of the page asks the player to go. */
function useWishes(goTo: (frame: number) => void): void {
  const wish = useInspectionState((state) => state.wish);
  const latest = useRef(goTo);
  latest.current = goTo;
  useEffect(() => {
    if (wish !== null) latest.current(wish.frame);
  }, [wish]);
}

function CompareMoments({ result }: { readonly result: FinishedResult }) {
  const { moments, report } = result;
  const [index, setIndex] = useState(0);
  const moment = moments[index];
  const goTo = (wanted: number): void => setIndex(Math.max(0, Math.min(moments.length - 1, wanted)));
  if (moment === undefined) return <p className={styles.note}>{words.compare.neither}</p>;
  return (
    <Frame
      actions={{
        toggle: () => undefined,
        step: (frames) => goTo(index + frames),
        toEnd: (last) => goTo(last ? moments.length - 1 : 0),
        toggleLoop: () => undefined,
        toggleMuted: () => undefined,
      }}
      canDiffer
      note={words.compare.momentsOnly}
      transport={() => (
        <div className={styles.controls}>
          <input
            type="range"
            min={0}
            max={moments.length - 1}
            step={1}
            value={index}
            aria-label={words.compare.moment}
            aria-valuetext={formatPosition(moment.timestampUs / 1e6)}
            className={styles.position}
            onChange={(event) => setIndex(Number(event.target.value))}
          />
          <span className={styles.time}>{formatPosition(moment.timestampUs / 1e6)}</span>
        </div>
      )}
    >
      <PairView
        width={report.width}
        height={report.height}
        frame={moment.frame}
        after={<PictureCanvas picture={moment.enhanced} label={words.compare.after} className={styles.video} />}
        before={<PictureCanvas picture={moment.source} label={words.compare.before} className={styles.video} />}
      />
    </Frame>
  );
}

interface RoomProps {
  readonly onFullScreen: () => void;
  readonly onKeys: () => void;
  readonly keysShown: boolean;
}

interface FrameProps {
  readonly actions: Omit<CompareActions, 'toggleFullScreen' | 'toggleKeys'>;
  readonly canDiffer: boolean;
  readonly note: string | null;
  readonly transport: (room: RoomProps) => ReactNode;
  readonly children: ReactNode;
}

/** The pictures with their views, controls and keys; fills the screen when asked to. */
function Frame({ actions, canDiffer, note, transport, children }: FrameProps) {
  const box = useRef<HTMLElement>(null);
  const [keysShown, showKeys] = useState(false);
  const toggleFullScreen = (): void => {
    const change = document.fullscreenElement === null ? box.current?.requestFullscreen() : document.exitFullscreen();
    change?.catch(() => undefined);
  };
  const toggleKeys = (): void => showKeys(!keysShown);
  const onKeyDown = useCompareKeys({ ...actions, toggleFullScreen, toggleKeys });
  return (
    <section
      ref={box}
      className={styles.compare}
      aria-label={words.compare.label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys need a place to have the focus
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <ViewBar canDiffer={canDiffer} />
      {children}
      {keysShown ? <KeyList /> : null}
      {note === null ? null : <p className={styles.note}>{note}</p>}
      {transport({ onFullScreen: toggleFullScreen, onKeys: toggleKeys, keysShown })}
    </section>
  );
}
