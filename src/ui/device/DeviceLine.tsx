import { useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Device.module.css';

/** The device in a line; where it is not the fast one, why, and what that means. */
export function DeviceLine() {
  const device = useSessionState((state) => state.device);
  if (device.kind === 'checking') return <p className={styles.line}>{words.device.checking}</p>;
  if (device.kind === 'failed') return <p className={styles.line}>{words.device.failed}</p>;
  const { provider, name, isFallbackAdapter } = device.info;
  return (
    <p className={styles.line} data-provider={provider}>
      <span className={provider === 'webgpu' ? styles.fast : styles.slow} aria-hidden="true" />
      <span className={styles.provider}>{words.device.found[provider]}</span>
      <span className={styles.name}>
        {name}
        {isFallbackAdapter ? `, ${words.device.softwareAdapter}` : null}
      </span>
    </p>
  );
}
