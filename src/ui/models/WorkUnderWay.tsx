import type { UnderWay } from '../../state/models.ts';
import { useModels } from '../../state/models-context.ts';
import { formatBytes } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './ModelManager.module.css';

/** What the library's worker is doing, and the way out of it. */
export function WorkUnderWay({ underWay }: { readonly underWay: UnderWay }) {
  const models = useModels();
  const { work, id, doneBytes, totalBytes } = underWay;
  const known = totalBytes > 0;
  return (
    <div className={styles.work}>
      <progress
        aria-label={words.models.works[work]}
        className={styles.bar}
        max={1}
        {...(known ? { value: doneBytes / totalBytes } : {})}
      />
      <p role="status">
        {words.models.works[work]} {id}{' '}
        {known
          ? `${formatBytes(doneBytes)} / ${formatBytes(totalBytes)}`
          : work === 'install'
            ? words.models.preparing
            : null}
      </p>
      {work === 'install' || work === 'verify' || work === 'export' ? (
        <Button onClick={models.cancel}>{words.models.cancel}</Button>
      ) : null}
    </div>
  );
}
