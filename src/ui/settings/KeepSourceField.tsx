import { useId } from 'react';
import { useSession, useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Field.module.css';

export function KeepSourceField() {
  const id = useId();
  const session = useSession();
  const keepSource = useSessionState((state) => state.keepSource);
  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {words.settings.keepSource}
        </label>
        <input
          id={id}
          type="checkbox"
          checked={keepSource}
          aria-describedby={`${id}-note`}
          onChange={(event) => session.changeKeepSource(event.target.checked)}
        />
      </div>
      <p id={`${id}-note`} className={styles.note}>
        {words.settings.keepSourceHint}
      </p>
    </div>
  );
}
