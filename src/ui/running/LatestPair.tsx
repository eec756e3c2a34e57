import type { ReactNode } from 'react';
import type { RunningPhase } from '../../state/phase.ts';
import { useSessionState } from '../../state/react.ts';
import { formatPosition } from '../format.ts';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './LatestPair.module.css';

/** The newest finished frame beside its source; until there is one, the poster and a word on what is coming. */
export function LatestPair({ phase }: { readonly phase: RunningPhase }) {
  const poster = useSessionState((state) => state.poster);
  const { latest } = phase.run;
  const { width, height } = phase.clip.info;
  const moment = latest === null ? null : words.run.frameAt(latest.frame + 1, formatPosition(latest.timestampUs / 1e6));
  const source = latest?.source ?? poster;
  return (
    <div className={styles.pair} data-portrait={height > width} data-frame={latest?.frame}>
      <Side caption={words.run.source} moment={moment}>
        {source === null ? null : (
          <PictureCanvas picture={source} label={words.run.source} className={styles.picture} />
        )}
      </Side>
      <Side caption={words.run.enhanced} moment={moment}>
        {latest === null ? (
          <p className={styles.waiting}>{words.run.firstFrames}</p>
        ) : (
          <PictureCanvas picture={latest.enhanced} label={words.run.enhanced} className={styles.picture} />
        )}
      </Side>
    </div>
  );
}

interface SideProps {
  readonly caption: string;
  readonly moment: string | null;
  readonly children: ReactNode;
}

function Side({ caption, moment, children }: SideProps) {
  return (
    <figure className={styles.side}>
      <div className={styles.frame}>{children}</div>
      <figcaption className={styles.caption}>
        {caption}
        {moment === null ? null : <span className={styles.moment}>{moment}</span>}
      </figcaption>
    </figure>
  );
}
