import { useHistoryState } from '../../state/history-context.ts';
import { formatBytes } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Facts } from '../pieces/Facts.tsx';
import { words } from '../words.ts';
import styles from './Device.module.css';
import type { Storage } from './use-storage.ts';

/** How much is stored here, of how much, and by what. */
export function StorageFacts({ storage }: { readonly storage: Storage }) {
  const { estimate, persisted, persist } = storage;
  const results = useHistoryState(({ entries }) => entries.reduce((sum, { bytes }) => sum + bytes, 0));
  const quota = estimate?.quota ?? 0;
  const used = estimate?.usage ?? 0;
  return (
    <section aria-labelledby="storage" className={styles.part}>
      <h3 id="storage" className={styles.subheading}>
        {words.device.storage}
      </h3>
      {estimate === null || quota === 0 ? (
        <p className={styles.note}>{words.device.storageUnknown}</p>
      ) : (
        <>
          <meter className={styles.meter} min={0} max={quota} value={used} aria-label={words.device.storageUsed} />
          <Facts
            facts={[
              { name: words.device.storageUsed, value: words.device.usedOf(formatBytes(used), formatBytes(quota)) },
              { name: words.device.storageResults, value: formatBytes(results) },
              { name: words.device.storageKept, value: persisted ? words.device.kept : words.device.notKept },
            ]}
          />
          {persisted === false ? (
            <Button look="quiet" className={styles.persist} onClick={persist}>
              {words.device.persist}
            </Button>
          ) : null}
        </>
      )}
    </section>
  );
}
