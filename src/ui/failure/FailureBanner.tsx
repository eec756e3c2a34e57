import { useSession, useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './Alert.module.css';
import { Alert } from './Alert.tsx';

/** What interrupted, above whatever screen the person is on. */
export function FailureBanner({ onChoose }: { readonly onChoose: () => void }) {
  const session = useSession();
  const failure = useSessionState((state) => state.failure);
  const device = useSessionState((state) => state.device);
  const remark = useSessionState((state) => state.remark);
  return (
    <div className={styles.banner}>
      {device.kind === 'failed' ? <Alert title={words.failure.device} error={device.error} occasion="device" /> : null}
      {failure === null ? null : (
        <Alert
          key={`${failure.error.code} ${failure.fileName}`}
          title={words.failure.during[failure.during](failure.fileName)}
          error={failure.error}
          occasion={failure.during}
          onDismiss={session.dismissFailure}
          takesFocus
        >
          {failure.during === 'open' ? <Button onClick={onChoose}>{words.clip.another}</Button> : null}
        </Alert>
      )}
      <div role="status">{remark === null ? null : <p className={styles.remark}>{words.run.settled[remark]}</p>}</div>
    </div>
  );
}
