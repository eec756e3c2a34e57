import { type ReactNode, useRef, useState } from 'react';
import { useInspection, useInspectionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Compare.module.css';
import { DifferenceView } from './DifferenceView.tsx';
import { Loupe } from './Loupe.tsx';
import { Wipe } from './Wipe.tsx';

interface PairViewProps {
  readonly width: number;
  readonly height: number;
  /** Each a video or a canvas; null where the browser can't show it. */
  readonly before: ReactNode | null;
  readonly after: ReactNode;
  /** The result's frame on screen. */
  readonly frame: number;
}

/** Before and after, in the view that was chosen. The pictures stay mounted in all of them, so that playback goes on. */
export function PairView({ width, height, before, after, frame }: PairViewProps) {
  const inspection = useInspection();
  const view = useInspectionState((state) => state.view);
  const [percent, setPercent] = useState(50);
  const afterPane = useRef<HTMLDivElement>(null);
  const beforePane = useRef<HTMLDivElement>(null);
  const shown = before === null && view !== 'loupe' ? 'after' : view;

  /** A double click enters the loupe where it was made. */
  const enterLoupe = (event: React.MouseEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    inspection.moveTo({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
    inspection.show('loupe');
  };

  return (
    <div
      className={styles.room}
      data-view={shown}
      style={{ '--ratio': width / height, '--wipe': `${percent}%` } as React.CSSProperties}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the loupe has its own choice, this is a short way there */}
      <div className={styles.frames} onDoubleClick={shown === 'wipe' || shown === 'side' ? enterLoupe : undefined}>
        <div ref={afterPane} className={styles.after}>
          {after}
          {shown === 'side' ? <Tag>{words.compare.after}</Tag> : null}
        </div>
        {before === null ? null : (
          <div ref={beforePane} className={styles.before}>
            {before}
            {shown === 'side' ? <Tag>{words.compare.before}</Tag> : null}
          </div>
        )}
        {shown === 'wipe' ? <Wipe percent={percent} onMove={setPercent} /> : null}
        {shown === 'difference' ? <DifferenceView frame={frame} /> : null}
      </div>
      {shown === 'loupe' ? (
        <Loupe
          width={width}
          height={height}
          before={before === null ? null : () => pictureIn(beforePane.current)}
          after={() => pictureIn(afterPane.current)}
        />
      ) : null}
    </div>
  );
}

function Tag({ children }: { readonly children: ReactNode }) {
  return (
    <span className={styles.tagBefore} aria-hidden="true">
      {children}
    </span>
  );
}

function pictureIn(pane: HTMLElement | null): HTMLVideoElement | HTMLCanvasElement | null {
  return pane?.querySelector('video, canvas') ?? null;
}
