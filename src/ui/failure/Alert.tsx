import { type ReactNode, useEffect, useRef } from 'react';
import type { ErrorData } from '../../../workers/errors.ts';
import { useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import { CopyButton } from '../pieces/CopyButton.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { words } from '../words.ts';
import styles from './Alert.module.css';
import { ErrorActions } from './ErrorActions.tsx';
import { useReport } from './use-report.ts';
import { type Occasion, whatIsSafe } from './what-is-safe.ts';

interface AlertProps {
  readonly title: string;
  readonly error: ErrorData;
  /** When it happened, which says what is safe. */
  readonly occasion?: Occasion;
  readonly onDismiss?: () => void;
  /** Whether it takes the focus when it appears: for what interrupts, not for what comments on a field. */
  readonly takesFocus?: boolean;
  /** Further things to do about it, among its own. */
  readonly children?: ReactNode;
}

/** A coded error: what happened, what is safe, what to do, and the details to copy. Tests and scripts find it by `data-code`. */
export function Alert({ title, error, occasion = 'model', onDismiss, takesFocus = false, children }: AlertProps) {
  const box = useRef<HTMLDivElement>(null);
  const hasResults = useSessionState((state) => state.results.length > 0);
  const hasUnfinished = useSessionState((state) => state.unfinished.length > 0);
  useEffect(() => {
    if (takesFocus) box.current?.focus();
  }, [takesFocus]);
  return (
    <div ref={box} role="alert" tabIndex={-1} data-code={error.code} className={styles.alert}>
      <div className={styles.text}>
        <p className={styles.title}>{title}</p>
        <p className={styles.row}>
          <span className={styles.label}>{words.failure.happened}</span> <span>{error.message}</span>
        </p>
        <p className={styles.row}>
          <span className={styles.label}>{words.failure.isSafe}</span>{' '}
          <span>{whatIsSafe(error.code, occasion, { hasResults, hasUnfinished })}</span>
        </p>
        <p className={styles.row}>
          <span className={styles.label}>{words.failure.toDo}</span> <span>{error.hint}</span>
        </p>
        <div className={styles.actions}>
          {children}
          <ErrorActions code={error.code} />
        </div>
        <Detail error={error} />
      </div>
      {onDismiss === undefined ? null : (
        <Button look="quiet" className={styles.dismiss} aria-label={words.failure.dismiss} onClick={onDismiss}>
          <Icon name="close" />
        </Button>
      )}
    </div>
  );
}

function Detail({ error }: { readonly error: ErrorData }) {
  const report = useReport(error);
  return (
    <details className={styles.detail}>
      <summary>{words.failure.detail}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{report}</pre>
      <CopyButton look="secondary" text={() => report} label={words.failure.copy} />
    </details>
  );
}
