import { useId, useState } from 'react';
import { BYTES_PER_MEGABYTE } from '../../state/engine-options.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Field.module.css';

/** Unfolds what the field lies in, and goes there. */
export function goToMemoryField(): void {
  const field = document.querySelector<HTMLInputElement>('[data-memory-budget]');
  const folded = field?.closest('details');
  if (folded) folded.open = true;
  field?.focus();
}

/** The budget takes effect when the field is left: the engine starts anew with it. */
export function MemoryField() {
  const id = useId();
  const session = useSession();
  const bytes = useSessionState((state) => state.engine.memoryBudgetBytes);
  const [draft, setDraft] = useState<string | null>(null);
  const leave = (): void => {
    if (draft === null) return;
    const megabytes = Number(draft);
    session.changeMemoryBudget(
      draft.trim() === '' || !(megabytes > 0) ? null : Math.round(megabytes * BYTES_PER_MEGABYTE),
    );
    setDraft(null);
  };
  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {words.settings.memoryBudget}
        </label>
        <span className={styles.box}>
          <input
            id={id}
            type="number"
            inputMode="numeric"
            min={1}
            placeholder={words.settings.automatic}
            value={draft ?? (bytes === null ? '' : String(bytes / BYTES_PER_MEGABYTE))}
            aria-describedby={`${id}-note`}
            className={styles.number}
            data-long="true"
            data-memory-budget=""
            onChange={(event) => setDraft(event.target.value)}
            onBlur={leave}
            onKeyDown={(event) => {
              if (event.key === 'Enter') leave();
            }}
          />
          <span className={styles.unit} aria-hidden="true">
            {words.settings.megabytes}
          </span>
        </span>
      </div>
      <p id={`${id}-note`} className={styles.note}>
        {words.settings.memoryBudgetHint}
      </p>
    </div>
  );
}
