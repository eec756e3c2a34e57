import { type RefObject, useRef, useState } from 'react';
import type { FinishedResult } from '../../state/phase.ts';
import { formatPosition } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { useObjectUrl } from '../pieces/use-object-url.ts';
import { words } from '../words.ts';
import styles from './Compare.module.css';
import { useSyncedVideos } from './use-synced-videos.ts';
import { WipeFrame } from './WipeFrame.tsx';

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
  const playback = useSyncedVideos(leader, follower, outputUrl);
  // Some browsers open a file whose picture they can't decode as sound alone: no error, but no picture either.
  const checkPicture = (video: RefObject<HTMLVideoElement | null>, which: 'source' | 'output'): void => {
    if (video.current?.videoWidth === 0) onUnplayable(which);
  };
  return (
    <section className={styles.compare} aria-label={words.compare.label}>
      <div className={styles.room}>
        {outputUrl === null || sourceUrl === null ? null : (
          <WipeFrame
            aspectRatio={report.width / report.height}
            after={
              <video
                ref={leader}
                src={outputUrl}
                className={styles.video}
                aria-label={words.compare.after}
                playsInline
                loop
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
      </div>
      {withSource ? null : <p className={styles.note}>{words.compare.afterOnly}</p>}
      <div className={styles.controls}>
        <Button
          look="stage"
          aria-label={playback.playing ? words.compare.pause : words.compare.play}
          onClick={playback.toggle}
        >
          <Icon name={playback.playing ? 'pause' : 'play'} />
        </Button>
        <input
          type="range"
          min={0}
          max={playback.durationSeconds}
          step={1 / 30}
          value={playback.positionSeconds}
          aria-label={words.compare.position}
          aria-valuetext={formatPosition(playback.positionSeconds)}
          className={styles.position}
          onChange={(event) => playback.seek(Number(event.target.value))}
        />
        <span className={styles.time}>
          {formatPosition(playback.positionSeconds)} / {formatPosition(playback.durationSeconds)}
        </span>
        {report.audioTracksCopied === 0 ? null : (
          <Button
            look="stage"
            aria-label={muted ? words.compare.unmute : words.compare.mute}
            onClick={() => setMuted(!muted)}
          >
            <Icon name={muted ? 'silence' : 'sound'} />
          </Button>
        )}
      </div>
    </section>
  );
}

function CompareMoments({ result }: { readonly result: FinishedResult }) {
  const { moments, report } = result;
  const [index, setIndex] = useState(0);
  const moment = moments[index];
  if (moment === undefined) return <p className={styles.note}>{words.compare.neither}</p>;
  return (
    <section className={styles.compare} aria-label={words.compare.label}>
      <div className={styles.room}>
        <WipeFrame
          aspectRatio={report.width / report.height}
          after={<PictureCanvas picture={moment.enhanced} label={words.compare.after} className={styles.video} />}
          before={<PictureCanvas picture={moment.source} label={words.compare.before} className={styles.video} />}
        />
      </div>
      <p className={styles.note}>{words.compare.momentsOnly}</p>
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
    </section>
  );
}
