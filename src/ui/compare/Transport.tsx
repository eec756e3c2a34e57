import { useId } from 'react';
import { formatCount, formatPosition } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { words } from '../words.ts';
import styles from './Compare.module.css';
import type { Playback } from './use-synced-videos.ts';

interface TransportProps {
  readonly playback: Playback;
  readonly frame: number;
  readonly frameCount: number;
  readonly loop: boolean;
  readonly muted: boolean;
  readonly hasSound: boolean;
  readonly onStep: (frames: number) => void;
  readonly onLoop: () => void;
  readonly onMuted: () => void;
  readonly onFullScreen: () => void;
  readonly onKeys: () => void;
  readonly keysShown: boolean;
}

/** Play, step, position, and what belongs to them. */
export function Transport(props: TransportProps) {
  const { playback, frame, frameCount, loop, muted, hasSound, onStep, onLoop, onMuted, onFullScreen } = props;
  const { playing, positionSeconds, durationSeconds } = playback;
  return (
    <div className={styles.controls}>
      <div className={styles.buttons}>
        <Button look="stage" aria-label={words.compare.stepBack} onClick={() => onStep(-1)}>
          <Icon name="stepBack" />
        </Button>
        <Button look="stage" aria-label={playing ? words.compare.pause : words.compare.play} onClick={playback.toggle}>
          <Icon name={playing ? 'pause' : 'play'} />
        </Button>
        <Button look="stage" aria-label={words.compare.step} onClick={() => onStep(1)}>
          <Icon name="step" />
        </Button>
      </div>
      <input
        type="range"
        min={0}
        max={durationSeconds}
        step={1 / 30}
        value={positionSeconds}
        aria-label={words.compare.position}
        aria-valuetext={formatPosition(positionSeconds)}
        className={styles.position}
        onChange={(event) => playback.seek(Number(event.target.value))}
      />
      <span className={styles.time} data-frame={frame}>
        {formatPosition(positionSeconds)}
        <span className={styles.frameCount}>
          {words.compare.frameOf(formatCount(frame + 1), formatCount(frameCount))}
        </span>
      </span>
      <div className={styles.buttons}>
        <Button look="stage" aria-label={words.compare.loop} aria-pressed={loop} onClick={onLoop}>
          <Icon name="loop" />
        </Button>
        {hasSound ? (
          <Button look="stage" aria-label={muted ? words.compare.unmute : words.compare.mute} onClick={onMuted}>
            <Icon name={muted ? 'silence' : 'sound'} />
          </Button>
        ) : null}
        <Button look="stage" aria-label={words.compare.fullScreen} onClick={onFullScreen}>
          <Icon name="fullScreen" />
        </Button>
        <Button
          look="stage"
          aria-label={words.compare.keys}
          aria-expanded={props.keysShown}
          className={styles.keysButton}
          onClick={props.onKeys}
        >
          ?
        </Button>
      </div>
    </div>
  );
}

/** What the keys do, over the picture. */
export function KeyList() {
  const id = useId();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: with large text the list scrolls, which keys must be able to do.
    <section tabIndex={0} className={styles.keys} aria-labelledby={id}>
      <p id={id} className={styles.keysHeading}>
        {words.compare.keysHeading}
      </p>
      <dl>
        {words.compare.keyList.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
