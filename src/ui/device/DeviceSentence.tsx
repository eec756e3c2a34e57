import { useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Device.module.css';

/** Said only where the clip will run slowly: why, and what that means. */
export function DeviceSentence() {
  const device = useSessionState((state) => state.device);
  if (device.kind !== 'found' || device.info.provider === 'webgpu') return null;
  const { fallbackReason, wasmThreads } = device.info;
  return (
    <p className={styles.sentence}>
      {fallbackReason === null ? null : `${fallbackReason} `}
      {words.device.slow}
      {wasmThreads === 1 ? ` ${words.device.oneThread}` : null}
    </p>
  );
}
