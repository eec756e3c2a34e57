import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Button } from './Button.tsx';
import styles from './Dialog.module.css';

interface DialogProps {
  readonly heading: string;
  readonly closeLabel: string;
  readonly wide?: boolean;
  /** Called when it has been closed, by its button or by Escape: whoever shows it takes it away then. */
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Over the page for as long as it is there. Its button and Escape close it, and give the focus back. */
export function Dialog({ heading, closeLabel, wide = false, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const headingId = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className={styles.dialog} data-wide={wide} aria-labelledby={headingId} onClose={onClose}>
      <div className={styles.contents}>
        <div className={styles.head}>
          <h2 id={headingId} className={styles.heading}>
            {heading}
          </h2>
          <Button onClick={() => dialog.current?.close()}>{closeLabel}</Button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
