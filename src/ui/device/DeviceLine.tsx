import { lazy, Suspense } from 'react';
import { useStore } from 'zustand';
import { useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Device.module.css';
import { closeDevicePanel, devicePanel, openDevicePanel } from './device-panel-state.ts';

const DevicePanel = lazy(async () => ({ default: (await import('./DevicePanel.tsx')).DevicePanel }));

/** The device in a line; opens all that is known of it. */
export function DeviceLine() {
  const device = useSessionState((state) => state.device);
  const open = useStore(devicePanel, (state) => state.open);
  const provider = device.kind === 'found' ? device.info.provider : undefined;
  return (
    <>
      <button
        type="button"
        className={styles.line}
        data-provider={provider}
        aria-haspopup="dialog"
        title={words.device.open}
        onClick={openDevicePanel}
      >
        {device.kind === 'found' ? (
          <>
            <span className={provider === 'webgpu' ? styles.fast : styles.slow} aria-hidden="true" />
            <span className={styles.provider}>{words.device.found[device.info.provider]}</span>
            <span className={styles.name}>
              {device.info.name}
              {device.info.isFallbackAdapter ? `, ${words.device.softwareAdapter}` : null}
            </span>
          </>
        ) : (
          words.device[device.kind]
        )}
        <span className="visually-hidden">. {words.device.open}</span>
      </button>
      {open ? (
        <Suspense>
          <DevicePanel onClose={closeDevicePanel} />
        </Suspense>
      ) : null}
    </>
  );
}
