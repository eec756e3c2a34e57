import { type ReactNode, useState } from 'react';
import { words } from '../words.ts';
import styles from './Compare.module.css';

interface WipeFrameProps {
  readonly aspectRatio: number;
  readonly before: ReactNode | null;
  readonly after: ReactNode;
}

/** Two pictures in one frame, divided by a line that pointer and arrow keys move. */
export function WipeFrame({ aspectRatio, before, after }: WipeFrameProps) {
  const [percent, setPercent] = useState(50);
  return (
    <div
      className={styles.frame}
      style={{ '--ratio': aspectRatio, '--wipe': `${percent}%` } as React.CSSProperties}
      data-wipe={percent}
    >
      {after}
      {before === null ? null : (
        <>
          <div className={styles.before}>{before}</div>
          <input
            type="range"
            min={0}
            max={100}
            step={1}
            value={percent}
            aria-label={words.compare.wipe}
            aria-valuetext={words.compare.wipeAt(percent)}
            className={styles.wipe}
            onChange={(event) => setPercent(Number(event.target.value))}
          />
          <div className={styles.divider} aria-hidden="true">
            <span className={styles.grip}>
              <svg
                width="20"
                height="20"
                viewBox="0 0 24 24"
                fill="none"
                stroke="currentColor"
                strokeWidth="2"
                aria-hidden="true"
              >
                <path d="M9 7l-5 5 5 5M15 7l5 5-5 5" />
              </svg>
            </span>
          </div>
          <span className={styles.tagBefore} data-shown={percent > 12} aria-hidden="true">
            {words.compare.before}
          </span>
          <span className={styles.tagAfter} data-shown={percent < 88} aria-hidden="true">
            {words.compare.after}
          </span>
        </>
      )}
    </div>
  );
}
