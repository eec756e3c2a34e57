import { useState } from 'react';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import { askToNotify, notifyState } from './notify.ts';
import styles from './ProgressPanel.module.css';

/** Offers a notification for when the job is done; says so once it is promised. */
export function NotifyField() {
  const [state, setState] = useState(notifyState);
  if (state === 'unavailable') return null;
  if (state === 'default') {
    return (
      <Button look="quiet" className={styles.notify} onClick={() => void askToNotify().then(setState)}>
        {words.notify.ask}
      </Button>
    );
  }
  return <p className={styles.note}>{state === 'granted' ? words.notify.granted : words.notify.denied}</p>;
}
