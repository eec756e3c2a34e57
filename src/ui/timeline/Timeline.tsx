import type { CSSProperties } from 'react';
import type { ClipInfo } from '../../../workers/media/clip-info.ts';
import { useLook, useLookState } from '../../state/look-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { formatPosition } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { NumberField } from '../settings/NumberField.tsx';
import { words } from '../words.ts';
import styles from './Timeline.module.css';

/** The clip along its length: the moment that is looked at, and the part that a job will take. */
export function Timeline({ info }: { readonly info: ClipInfo }) {
  const session = useSession();
  const look = useLook();
  const range = useSessionState((state) => state.settings.range);
  const momentUs = useLookState((state) => state.momentUs);
  const glimpses = useLookState((state) => state.glimpses);
  const { durationUs } = info;
  const frameUs = Math.min(durationUs, Math.max(1, Math.round(durationUs / Math.max(1, info.frameCount))));
  const startUs = Math.min(range?.startUs ?? 0, durationUs - frameUs);
  const endUs = Math.min(range?.endUs ?? durationUs, durationUs);
  const choose = (start: number, end: number): void => {
    const whole = start <= 0 && end >= durationUs;
    session.changeSettings({ range: whole ? null : { startUs: start, endUs: end } });
  };
  const chooseStart = (us: number): void => choose(Math.max(0, Math.min(us, endUs - frameUs)), endUs);
  const chooseEnd = (us: number): void => choose(startUs, Math.min(durationUs, Math.max(us, startUs + frameUs)));
  const part = (us: number): number => us / durationUs;
  const seconds = { min: 0, max: Math.round(durationUs / 1e4) / 100, step: 0.01, whole: false };
  return (
    <section
      className={styles.timeline}
      aria-label={words.timeline.label}
      data-range={range === null ? 'whole' : `${startUs}-${endUs}`}
      style={{ '--start': part(startUs), '--end': part(endUs), '--moment': part(momentUs) } as CSSProperties}
    >
      <div className={styles.track}>
        <div className={styles.strip} aria-hidden="true">
          {glimpses.map(({ timestampUs, picture }) => (
            <PictureCanvas key={timestampUs} picture={picture} label="" className={styles.glimpse} />
          ))}
        </div>
        <span className={styles.before} />
        <span className={styles.after} />
        <span className={styles.kept} />
        <Handle
          kind="moment"
          label={words.timeline.moment}
          value={momentUs}
          max={durationUs - 1}
          step={frameUs}
          onChange={(us) => look.lookAt(us)}
        />
        <Handle
          kind="start"
          label={words.timeline.start}
          value={startUs}
          max={durationUs}
          step={frameUs}
          onChange={chooseStart}
        />
        <Handle
          kind="end"
          label={words.timeline.end}
          value={endUs}
          max={durationUs}
          step={frameUs}
          onChange={chooseEnd}
        />
      </div>
      <div className={styles.fields}>
        <NumberField
          label={words.timeline.from}
          value={Math.round(startUs / 1e4) / 100}
          range={seconds}
          unit={words.time.seconds}
          onChange={(value) => chooseStart(Math.round(value * 1e6))}
        />
        <NumberField
          label={words.timeline.to}
          value={Math.round(endUs / 1e4) / 100}
          range={seconds}
          unit={words.time.seconds}
          onChange={(value) => chooseEnd(value >= seconds.max ? durationUs : Math.round(value * 1e6))}
        />
        {range === null ? null : (
          <Button look="quiet" onClick={() => choose(0, durationUs)}>
            {words.timeline.whole}
          </Button>
        )}
        <span className={styles.momentTime}>{words.timeline.at(formatPosition(momentUs / 1e6))}</span>
      </div>
    </section>
  );
}

interface HandleProps {
  readonly kind: 'moment' | 'start' | 'end';
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (us: number) => void;
}

/** A range input of which only the thumb takes the pointer, but for the moment's, which lies beneath and takes the whole track. */
function Handle({ kind, label, value, max, step, onChange }: HandleProps) {
  return (
    <input
      type="range"
      min={0}
      max={max}
      step="any"
      value={value}
      aria-label={label}
      aria-valuetext={formatPosition(value / 1e6)}
      className={styles[kind]}
      onChange={(event) => onChange(Math.round(Number(event.target.value)))}
      onKeyDown={(event) => {
        const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        onChange(Math.min(max, Math.max(0, Math.round(value + steps * step))));
      }}
    />
  );
}
