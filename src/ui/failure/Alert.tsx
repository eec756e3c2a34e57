import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { ErrorData } from '../../../workers/errors.ts';
import { Button } from '../pieces/Button.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { words } from '../words.ts';
import styles from './Alert.module.css';
import { useReport } from './use-report.ts';

interface AlertProps {
  readonly title: string;
  readonly error: ErrorData;
  readonly onDismiss?: () => void;
  /** Whether it takes the focus when it appears: for what interrupts, not for what comments on a field. */
  readonly takesFocus?: boolean;
  readonly children?: ReactNode;
}

/** A coded error: what happened, what to do, and the details to copy. Tests and scripts find it by `data-code`. */
export function Alert({ title, error, onDismiss, takesFocus = false, children }: AlertProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (takesFocus) box.current?.focus();
  }, [takesFocus]);
  return (
    <div ref={box} role="alert" tabIndex={-1} data-code={error.code} className={styles.alert}>
      <div className={styles.text}>
        <p className={styles.title}>{title}</p>
        <p>
          {error.message} {error.hint}
        </p>
        {children}
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
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(report);
      setCopied('yes');
    } catch {
      setCopied('failed');
    }
  };
  const label = { no: words.failure.copy, yes: words.failure.copied, failed: words.failure.copyFailed }[copied];
  return (
    <details className={styles.detail}>
      <summary>{words.failure.detail}</summary>
      <pre>{report}</pre>
      <Button onClick={() => void copy()}>{label}</Button>
    </details>
  );
}
