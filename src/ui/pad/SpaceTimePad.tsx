import { type KeyboardEvent, type PointerEvent, useMemo, useRef } from 'react';
import type { ClipInfo } from '../../../workers/media/clip-info.ts';
import {
  factorToPlace,
  placeToFactor,
  placeToScale,
  rateRows,
  scaleTargets,
  scaleToPlace,
} from '../../state/pad-targets.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { nearestInRange, SETTING_RANGES } from '../../state/setting-ranges.ts';
import { formatFactor, formatFrameRate } from '../format.ts';
import { NumberField } from '../settings/NumberField.tsx';
import { words } from '../words.ts';
import styles from './SpaceTimePad.module.css';

/** How near, of the pad's width, a target draws the pointer to it. */
const REACH = 0.018;
const COARSE_STEPS = 5;
/** Written under the plane. */
const DOUBLINGS = [1, 2, 4, 8];

/**
 * Scale across, frame rate up, one point for both.
 *
 * The point holds two range inputs, so that a screen reader meets two sliders; on either of them the arrow keys go both ways. A touch
 * drags the point itself, so that a finger elsewhere on the pad still scrolls the page; a tap moves the point there.
 */
export function SpaceTimePad({ info }: { readonly info: ClipInfo }) {
  const session = useSession();
  const { scale, frameRateFactor } = useSessionState((state) => state.settings);
  const surface = useRef<HTMLDivElement>(null);
  const dragging = useRef(false);
  const targets = useMemo(() => scaleTargets(info), [info]);
  const rows = useMemo(() => rateRows(info.frameRate), [info]);
  const setScale = (value: number): void => session.changeSettings({ scale: value });
  const setFactor = (value: number): void => session.changeSettings({ frameRateFactor: value });

  const moveTo = (clientX: number, clientY: number): void => {
    const box = surface.current?.getBoundingClientRect();
    if (!box) return;
    session.changeSettings({
      scale: placeToScale((clientX - box.left) / box.width, targets, REACH),
      frameRateFactor: placeToFactor((box.bottom - clientY) / box.height),
    });
  };
  const press = (event: PointerEvent<HTMLElement>, onPoint: boolean): void => {
    if (event.button !== 0 || (event.pointerType === 'touch' && !onPoint)) return;
    dragging.current = true;
    surface.current?.setPointerCapture(event.pointerId);
    if (!onPoint) moveTo(event.clientX, event.clientY);
    event.stopPropagation();
  };
  const keys = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const [across, up] = move;
    const many = event.shiftKey ? COARSE_STEPS : 1;
    const { scale: across1, frameRateFactor: up1 } = SETTING_RANGES;
    // Steps of a tenth from wherever it is: 3.375 and then 3.4.
    const stepped = across > 0 ? Math.floor(scale * 10 + 1e-6) + many : Math.ceil(scale * 10 - 1e-6) - many;
    if (across !== 0) setScale(nearestInRange(String(stepped / 10), across1) ?? scale);
    else setFactor(nearestInRange(String(frameRateFactor + up * many), up1) ?? frameRateFactor);
  };
  const place = { x: scaleToPlace(scale), y: factorToPlace(frameRateFactor) };
  const target = targets.find((each) => each.scale === scale);
  const rate = words.pad.rate(
    formatFrameRate({ ...info.frameRate, numerator: info.frameRate.numerator * frameRateFactor }),
  );
  return (
    <div
      className={styles.pad}
      style={{ '--x': place.x, '--y': place.y, '--rows': rows.length } as React.CSSProperties}
      data-scale={scale}
      data-factor={frameRateFactor}
    >
      <div className={styles.fields}>
        <NumberField
          label={words.settings.scale}
          value={scale}
          range={SETTING_RANGES.scale}
          unit={words.settings.times}
          onChange={setScale}
        />
        <NumberField
          label={words.settings.frameRate}
          value={frameRateFactor}
          range={SETTING_RANGES.frameRateFactor}
          unit={words.settings.times}
          onChange={setFactor}
        />
      </div>
      <div className={styles.plane}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: what is on it does the same for keyboards and screen readers */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
        <div
          ref={surface}
          className={styles.surface}
          onPointerDown={(event) => press(event, false)}
          onPointerMove={(event) => {
            if (dragging.current) moveTo(event.clientX, event.clientY);
          }}
          onPointerUp={() => {
            dragging.current = false;
          }}
          onPointerCancel={() => {
            dragging.current = false;
          }}
          onClick={(event) => moveTo(event.clientX, event.clientY)}
        >
          {rows.map(({ factor, common }) => (
            <span
              key={factor}
              className={styles.row}
              data-common={common}
              style={{ '--at': factorToPlace(factor) } as React.CSSProperties}
            />
          ))}
          {targets.map((each) => (
            <span
              key={each.name}
              className={styles.column}
              style={{ '--at': scaleToPlace(each.scale) } as React.CSSProperties}
            />
          ))}
          <span className={styles.reach} />
          <span className={styles.point} onPointerDown={(event) => press(event, true)}>
            <input
              type="range"
              {...rangeOf('scale')}
              value={scale}
              aria-label={words.settings.sliderOf(words.settings.scale)}
              aria-valuetext={target ? `${formatFactor(scale)}, ${target.name}` : formatFactor(scale)}
              className={styles.axis}
              onChange={(event) => setScale(Number(event.target.value))}
              onKeyDown={keys}
            />
            <input
              type="range"
              {...rangeOf('frameRateFactor')}
              value={frameRateFactor}
              aria-label={words.settings.sliderOf(words.settings.frameRate)}
              aria-valuetext={`${formatFactor(frameRateFactor)}, ${rate}`}
              aria-orientation="vertical"
              className={styles.axis}
              onChange={(event) => setFactor(Number(event.target.value))}
              onKeyDown={keys}
            />
          </span>
        </div>
        <div className={styles.sizes}>
          {targets.map((each) => (
            <button
              key={each.name}
              type="button"
              className={styles.size}
              aria-pressed={each.scale === scale}
              style={{ '--at': scaleToPlace(each.scale) } as React.CSSProperties}
              onClick={() => setScale(each.scale)}
            >
              {each.name}
            </button>
          ))}
        </div>
        <div className={styles.rates}>
          {rows.map(({ factor, framesPerSecond, common }) =>
            common ? (
              <button
                key={factor}
                type="button"
                className={styles.rate}
                aria-pressed={factor === frameRateFactor}
                aria-label={words.pad.rate(String(Math.round(framesPerSecond)))}
                style={{ '--at': factorToPlace(factor) } as React.CSSProperties}
                onClick={() => setFactor(factor)}
              >
                {Math.round(framesPerSecond)}
              </button>
            ) : (
              <span
                key={factor}
                className={styles.rate}
                data-chosen={factor === frameRateFactor}
                style={{ '--at': factorToPlace(factor) } as React.CSSProperties}
                aria-hidden="true"
              >
                {Math.round(framesPerSecond)}
              </span>
            ),
          )}
        </div>
        <span className={styles.unit} aria-hidden="true">
          {words.framesPerSecond}
        </span>
        <div className={styles.factors} aria-hidden="true">
          {DOUBLINGS.map((factor) => (
            <span key={factor} style={{ '--at': scaleToPlace(factor) } as React.CSSProperties}>
              {formatFactor(factor)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function rangeOf(name: 'scale' | 'frameRateFactor') {
  const { min, max } = SETTING_RANGES[name];
  // Any value between: a target's scale is no whole number of steps.
  return { min, max, step: name === 'scale' ? 'any' : 1 } as const;
}
