import { type CSSProperties, type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import type { Picture } from '../../../workers/protocol.ts';
import type { Rung } from '../../state/ladder.ts';
import { useLadder, useLadderState } from '../../state/ladder-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './Ladder.module.css';

const MAX_ZOOM = 8;
const PAN_STEP = 0.1;

interface Sight {
  readonly zoom: number;
  /** The place that zooming holds on to, 0–1 along each side. */
  readonly x: number;
  readonly y: number;
}

/** One crop at four strengths and as it is, all under one loupe; a click takes a strength over. */
export function Ladder() {
  const ladder = useLadder();
  const session = useSession();
  const rungs = useLadderState((state) => state.rungs);
  const strength = useSessionState((state) => state.settings.strength);
  const [sight, setSight] = useState<Sight>({ zoom: 1, x: 0.5, y: 0.5 });
  const source = rungs.find((rung) => rung.kind === 'made')?.preview.source ?? null;
  const made = rungs.filter(({ kind }) => kind === 'made').length;
  return (
    <section className={styles.ladder} aria-label={words.ladder.label} data-made={made}>
      <ul className={styles.rungs}>
        <li className={styles.rung}>
          <Sighted picture={source} label={words.ladder.source} sight={sight} onSight={setSight} />
          <p className={styles.caption}>{words.ladder.source}</p>
        </li>
        {rungs.map((rung) => (
          <li key={rung.strength} className={styles.rung} data-kind={rung.kind}>
            {rung.kind === 'failed' ? (
              <p className={styles.waiting}>{rung.error.message}</p>
            ) : (
              <Sighted
                picture={rung.kind === 'made' ? rung.preview.enhanced : null}
                label={words.ladder.at(rung.strength)}
                pending={rung.kind === 'making'}
                sight={sight}
                onSight={setSight}
              />
            )}
            <Button
              look="stage"
              className={styles.adopt}
              aria-pressed={rung.strength === strength}
              onClick={() => session.changeSettings({ strength: rung.strength })}
            >
              <span>{words.ladder.at(rung.strength)}</span>{' '}
              <span className={styles.verb}>
                {rung.strength === strength ? words.ladder.adopted : words.ladder.use}
              </span>
            </Button>
          </li>
        ))}
        <li className={styles.tools}>
          <label className={styles.zoom}>
            {words.ladder.zoom}
            <input
              type="range"
              min={1}
              max={MAX_ZOOM}
              step={1}
              value={sight.zoom}
              aria-valuetext={`${sight.zoom}${words.settings.times}`}
              className={styles.slider}
              onChange={(event) => setSight({ ...sight, zoom: Number(event.target.value) })}
            />
            <span className={styles.figure} aria-hidden="true">
              {sight.zoom}
              {words.settings.times}
            </span>
          </label>
          <p className={styles.note}>{words.ladder.nearness}</p>
          <div className={styles.actions}>
            {rungs.some((rung: Rung) => rung.kind === 'failed') ? (
              <Button look="stage" onClick={ladder.retry}>
                {words.ladder.retry}
              </Button>
            ) : null}
            <Button look="stage" onClick={ladder.close}>
              {words.ladder.close}
            </Button>
          </div>
        </li>
      </ul>
      <p role="status" className="visually-hidden">
        {words.ladder.progress(made, rungs.length)}
      </p>
    </section>
  );
}

interface SightedProps {
  readonly picture: Picture | null;
  readonly label: string;
  readonly pending?: boolean;
  readonly sight: Sight;
  readonly onSight: (sight: Sight) => void;
}

/** A picture under the shared loupe: dragged with a pointer, moved with the arrow keys, entered and left with a double click. */
function Sighted({ picture, label, pending = false, sight, onSight }: SightedProps) {
  const drag = useRef<{ readonly x: number; readonly y: number; readonly from: Sight } | null>(null);
  const move = (event: PointerEvent<HTMLDivElement>): void => {
    if (!drag.current || sight.zoom === 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const { x, y, from } = drag.current;
    // What lies under the pointer stays under it.
    const reach = sight.zoom - 1;
    onSight({
      ...sight,
      x: within(from.x - (event.clientX - x) / (box.width * reach)),
      y: within(from.y - (event.clientY - y) / (box.height * reach)),
    });
  };
  const keys = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const zoom = { '+': 1, '=': 1, '-': -1 }[event.key];
    if (!step && !zoom) return;
    event.preventDefault();
    if (step) onSight({ ...sight, x: within(sight.x + step[0]! * PAN_STEP), y: within(sight.y + step[1]! * PAN_STEP) });
    else onSight({ ...sight, zoom: Math.min(MAX_ZOOM, Math.max(1, sight.zoom + zoom!)) });
  };
  if (picture === null) {
    return <p className={styles.waiting}>{pending ? words.ladder.making : words.ladder.waiting}</p>;
  }
  const style = { '--zoom': sight.zoom, '--at-x': `${sight.x * 100}%`, '--at-y': `${sight.y * 100}%` } as CSSProperties;
  return (
    // biome-ignore lint/a11y/useSemanticElements: one picture that can be moved is no set of fields
    <div
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the arrow keys
      tabIndex={0}
      role="group"
      aria-label={words.ladder.movable(label)}
      className={styles.sight}
      data-zoomed={sight.zoom > 1}
      style={style}
      onKeyDown={keys}
      onDoubleClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const x = within((event.clientX - box.left) / box.width);
        const y = within((event.clientY - box.top) / box.height);
        onSight(sight.zoom > 1 ? { ...sight, zoom: 1 } : { zoom: 4, x, y });
      }}
      onPointerDown={(event) => {
        if (event.button !== 0 || sight.zoom === 1) return;
        drag.current = { x: event.clientX, y: event.clientY, from: sight };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={move}
      onPointerUp={() => {
        drag.current = null;
      }}
      onPointerCancel={() => {
        drag.current = null;
      }}
    >
      <PictureCanvas picture={picture} label={label} className={styles.picture} />
    </div>
  );
}

const within = (place: number): number => Math.min(1, Math.max(0, place));
