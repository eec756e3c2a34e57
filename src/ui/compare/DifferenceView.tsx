import { useEffect } from 'react';
import { useInspection, useInspectionState } from '../../state/react.ts';
import { formatDifference } from '../format.ts';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './Compare.module.css';

/** What differs in the frame on screen, as the inspector computes it; while playing, as many frames as it can keep up with. */
export function DifferenceView({ frame }: { readonly frame: number }) {
  const inspection = useInspection();
  const difference = useInspectionState((state) => state.difference);
  useEffect(() => inspection.wantDifference(frame), [inspection, frame]);
  return (
    <div className={styles.difference} data-frame={difference?.frame}>
      {difference === null ? null : (
        <PictureCanvas picture={difference.picture} label={words.compare.difference} className={styles.video} />
      )}
      <p className={styles.caption}>
        {difference === null
          ? words.compare.differencePending
          : words.compare.differenceIs(formatDifference(difference.mean), difference.gain, difference.exact)}
      </p>
    </div>
  );
}
