import type { ReactNode } from 'react';
import styles from './Stage.module.css';

interface StageProps {
  /** Width over height of what is shown: on narrow screens the stage takes that shape. */
  readonly aspectRatio: number;
  readonly children: ReactNode;
}

/** The dark room that pictures are looked at in. */
export function Stage({ aspectRatio, children }: StageProps) {
  return (
    <div className={styles.stage} style={{ '--ratio': aspectRatio } as React.CSSProperties}>
      {children}
    </div>
  );
}
