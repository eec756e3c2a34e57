import type { ReactNode } from 'react';
import styles from './Stage.module.css';

/** The dark room that pictures are looked at in. What is inside can ask for its size (it is a size container). */
export function Stage({ children }: { readonly children: ReactNode }) {
  return <div className={styles.stage}>{children}</div>;
}
