import { useId } from 'react';
import { VIEWS, ZOOMS } from '../../state/inspection.ts';
import { useInspection, useInspectionState } from '../../state/react.ts';
import { formatPercent } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './Compare.module.css';

/** Which view; in the loupe, how near. */
export function ViewBar({ canDiffer }: { readonly canDiffer: boolean }) {
  const name = useId();
  const inspection = useInspection();
  const view = useInspectionState((state) => state.view);
  const zoom = useInspectionState((state) => state.zoom);
  return (
    <div className={styles.viewBar}>
      <fieldset className={styles.views}>
        <legend className="visually-hidden">{words.compare.views}</legend>
        {VIEWS.filter((each) => canDiffer || each !== 'difference').map((each) => (
          <label key={each} className={styles.view} data-chosen={view === each}>
            <input
              type="radio"
              name={name}
              className="visually-hidden"
              checked={view === each}
              onChange={() => inspection.show(each)}
            />
            {words.compare.view[each]}
          </label>
        ))}
      </fieldset>
      {view === 'loupe' ? (
        <div className={styles.zoom}>
          <Button
            look="stage"
            aria-label={words.compare.further}
            disabled={zoom === ZOOMS[0]}
            onClick={() => inspection.zoomBy(-1)}
          >
            −
          </Button>
          <span className={styles.zoomValue} role="status">
            {formatPercent(zoom)}
          </span>
          <Button
            look="stage"
            aria-label={words.compare.nearer}
            disabled={zoom === ZOOMS.at(-1)}
            onClick={() => inspection.zoomBy(1)}
          >
            +
          </Button>
        </div>
      ) : null}
    </div>
  );
}
