import { useShellState } from '../../state/app-shell-context.ts';
import { words } from '../words.ts';
import styles from './OfflineSentence.module.css';

/** Whether the page works without a network from now on; nothing is said until it is known. */
export function OfflineSentence() {
  const offline = useShellState((state) => state.offline);
  return (
    <p className={styles.sentence} data-offline={offline}>
      {words.offline.states[offline]}
    </p>
  );
}
