import { type CSSProperties, type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { useLadder, useLadderState } from '../../state/ladder-context.ts';
import { useLookState } from '../../state/look-context.ts';
import type { LoadedClip } from '../../state/phase.ts';
import { useSessionState } from '../../state/react.ts';
import { formatPercent, formatPosition } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './Stage.module.css';

/** Side of the ladder's crop in the output; the engine's own, for the mark alone. */
const CROP_PIXELS = 256;
const STEP = 0.02;

/** The moment that is looked at, with a mark where strengths would be compared. */
export function Poster({ clip }: { readonly clip: LoadedClip }) {
  const poster = useSessionState((state) => state.poster);
  const frame = useLookState((state) => state.frame);
  const momentUs = useLookState((state) => state.momentUs);
  const picture = frame ?? poster;
  if (picture === null) return <p className={styles.absent}>{words.clip.noPoster}</p>;
  const { name } = clip.file;
  const label = frame === null ? words.clip.posterOf(name) : words.clip.frameOf(name, formatPosition(momentUs / 1e6));
  return (
    <div className={styles.room}>
      <div className={styles.frame} style={{ '--ratio': clip.info.width / clip.info.height } as CSSProperties}>
        <PictureCanvas picture={picture} label={label} className={styles.picture} />
        <CropMark clip={clip} />
      </div>
    </div>
  );
}

/** Where the crop lies: dragged, tapped elsewhere, or moved with the arrow keys on either of its two sliders. */
function CropMark({ clip }: { readonly clip: LoadedClip }) {
  const ladder = useLadder();
  const centre = useLadderState((state) => state.centre);
  const scale = useSessionState((state) => state.settings.scale);
  const surface = useRef<HTMLDivElement>(null);
  const dragging = useRef(false);
  const { width, height } = clip.info;
  const side = { x: Math.min(1, CROP_PIXELS / (width * scale)), y: Math.min(1, CROP_PIXELS / (height * scale)) };
  const held = { x: hold(centre.x, side.x), y: hold(centre.y, side.y) };
  const moveTo = (event: { readonly clientX: number; readonly clientY: number }): void => {
    const box = surface.current?.getBoundingClientRect();
    if (box) ladder.moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  const press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    dragging.current = true;
    surface.current?.setPointerCapture(event.pointerId);
  };
  const keys = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    ladder.moveTo(held.x + step[0]! * STEP, held.y + step[1]! * STEP);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its two sliders do the same for keyboards and screen readers */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
      <div
        ref={surface}
        className={styles.surface}
        onClick={moveTo}
        onPointerMove={(event) => {
          if (dragging.current) moveTo(event);
        }}
        onPointerUp={() => {
          dragging.current = false;
        }}
        onPointerCancel={() => {
          dragging.current = false;
        }}
      >
        <div
          className={styles.mark}
          style={
            {
              '--x': held.x - side.x / 2,
              '--y': held.y - side.y / 2,
              '--width': side.x,
              '--height': side.y,
            } as CSSProperties
          }
          onPointerDown={press}
        >
          <input
            type="range"
            min={0}
            max={1}
            step="any"
            value={held.x}
            aria-label={words.ladder.across}
            aria-valuetext={formatPercent(held.x)}
            className={styles.axis}
            onChange={(event) => ladder.moveTo(Number(event.target.value), held.y)}
            onKeyDown={keys}
          />
          <input
            type="range"
            min={0}
            max={1}
            step="any"
            value={held.y}
            aria-label={words.ladder.down}
            aria-valuetext={formatPercent(held.y)}
            aria-orientation="vertical"
            className={styles.axis}
            onChange={(event) => ladder.moveTo(held.x, Number(event.target.value))}
            onKeyDown={keys}
          />
        </div>
      </div>
      <Button look="stage" className={styles.compare} onClick={ladder.open}>
        {words.ladder.open}
      </Button>
    </>
  );
}

/** The nearest middle at which the crop stays inside. */
const hold = (centre: number, side: number): number => Math.min(1 - side / 2, Math.max(side / 2, centre));
