import type { ReactNode } from 'react';
import styles from './Facts.module.css';

export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
}

/** Names and values: in rows, or as a line that wraps. */
export function Facts({ facts, flow = 'rows' }: { readonly facts: readonly Fact[]; readonly flow?: 'rows' | 'line' }) {
  return (
    <dl className={styles[flow]}>
      {facts.map(({ name, value }) => (
        <div key={name} className={styles.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
