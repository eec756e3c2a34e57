import { Icon } from '../pieces/Icon.tsx';
import { words } from '../words.ts';
import styles from './Compare.module.css';

interface WipeProps {
  readonly percent: number;
  readonly onMove: (percent: number) => void;
}

/** The line between two pictures, moved by pointer and arrow keys. */
export function Wipe({ percent, onMove }: WipeProps) {
  return (
    <>
      <input
        type="range"
        min={0}
        max={100}
        step={1}
        value={percent}
        aria-label={words.compare.wipe}
        aria-valuetext={words.compare.wipeAt(percent)}
        className={styles.wipe}
        onChange={(event) => onMove(Number(event.target.value))}
      />
      <div className={styles.divider} aria-hidden="true" data-wipe={percent}>
        <span className={styles.grip}>
          <Icon name="wipe" />
        </span>
      </div>
      <span className={styles.tagBefore} data-shown={percent > 12} aria-hidden="true">
        {words.compare.before}
      </span>
      <span className={styles.tagAfter} data-shown={percent < 88} aria-hidden="true">
        {words.compare.after}
      </span>
    </>
  );
}
