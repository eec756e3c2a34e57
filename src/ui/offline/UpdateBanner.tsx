import { useAppShell, useShellState } from '../../state/app-shell-context.ts';
import { useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './UpdateBanner.module.css';

/** A new version waits. Not while a job runs: it would end it. */
export function UpdateBanner() {
  const shell = useAppShell();
  const update = useShellState((state) => state.update);
  const running = useSessionState((state) => state.phase.kind === 'running');
  return (
    <div role="status">
      {update && !running ? (
        <p className={styles.banner}>
          {words.offline.update}
          <Button onClick={() => shell.update()}>{words.offline.reload}</Button>
        </p>
      ) : null}
    </div>
  );
}
