import { type PointerEvent, useCallback, useEffect, useRef } from 'react';
import { useInspection, useInspectionState } from '../../state/react.ts';
import { formatPercent } from '../format.ts';
import { words } from '../words.ts';
import styles from './Compare.module.css';

type Drawable = HTMLVideoElement | HTMLCanvasElement;

interface LoupeProps {
  /** The result's size. */
  readonly width: number;
  readonly height: number;
  readonly before: (() => Drawable | null) | null;
  readonly after: () => Drawable | null;
}

/** From here on the borders of pixels are drawn. */
const GRID_FROM = 4;
const GRID_COLOUR = 'rgb(255 255 255 / 22%)';

/** The same place of both, pixel by pixel: drag or arrow keys move, the wheel or plus and minus zoom. */
export function Loupe({ width, height, before, after }: LoupeProps) {
  const inspection = useInspection();
  const zoom = useInspectionState((state) => state.zoom);
  const spot = useInspectionState((state) => state.spot);
  const room = useRef<HTMLDivElement>(null);
  const drag = useRef<{ readonly x: number; readonly y: number } | null>(null);

  useEffect(() => {
    const box = room.current;
    if (box === null) return;
    // Listened to by hand: React's wheel listener can't keep the page from scrolling.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      inspection.zoomBy(event.deltaY < 0 ? 1 : -1);
    };
    box.addEventListener('wheel', onWheel, { passive: false });
    return () => box.removeEventListener('wheel', onWheel);
  }, [inspection]);

  const move = (event: PointerEvent): void => {
    if (drag.current === null) return;
    const perPixel = zoom / window.devicePixelRatio;
    const { spot: now } = inspection.store.getState();
    inspection.moveTo({
      x: now.x - (event.clientX - drag.current.x) / (perPixel * width),
      y: now.y - (event.clientY - drag.current.y) / (perPixel * height),
    });
    drag.current = { x: event.clientX, y: event.clientY };
  };

  const at = words.compare.loupeAt(formatPercent(zoom), Math.round(spot.x * width), Math.round(spot.y * height));
  return (
    <div
      ref={room}
      className={styles.loupe}
      data-zoom={zoom}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerMove={move}
      onPointerUp={() => {
        drag.current = null;
      }}
      onPointerCancel={() => {
        drag.current = null;
      }}
    >
      {before === null ? null : (
        <LoupePane label={words.compare.before} at={at} find={before} width={width} height={height} />
      )}
      <LoupePane label={words.compare.after} at={at} find={after} width={width} height={height} />
    </div>
  );
}

interface LoupePaneProps {
  readonly label: string;
  readonly at: string;
  readonly find: () => Drawable | null;
  readonly width: number;
  readonly height: number;
}

function LoupePane({ label, at, find, width, height }: LoupePaneProps) {
  const zoom = useInspectionState((state) => state.zoom);
  const spot = useInspectionState((state) => state.spot);
  const canvas = useRef<HTMLCanvasElement>(null);
  const found = useRef(find);
  found.current = find;

  const draw = useCallback((): void => {
    const drawable = found.current();
    if (canvas.current !== null && drawable !== null) drawSpot(canvas.current, drawable, { zoom, spot, width, height });
  }, [zoom, spot, width, height]);

  useEffect(() => {
    draw();
    const box = canvas.current;
    const drawable = found.current();
    if (box === null) return;
    const resized = new ResizeObserver(draw);
    resized.observe(box);
    let animation = 0;
    if (drawable instanceof HTMLVideoElement) {
      // Drawn while it plays, and whenever a seek has brought another picture.
      const again = (): void => {
        if (!drawable.paused) draw();
        animation = requestAnimationFrame(again);
      };
      animation = requestAnimationFrame(again);
      drawable.addEventListener('seeked', draw);
      drawable.addEventListener('loadeddata', draw);
    }
    return () => {
      resized.disconnect();
      cancelAnimationFrame(animation);
      drawable?.removeEventListener('seeked', draw);
      drawable?.removeEventListener('loadeddata', draw);
    };
  }, [draw]);

  return (
    <div className={styles.loupePane}>
      <canvas ref={canvas} role="img" aria-label={`${label}, ${at}`} className={styles.loupeCanvas} />
      <span className={styles.tagBefore} aria-hidden="true">
        {label}
      </span>
    </div>
  );
}

interface Region {
  readonly zoom: number;
  readonly spot: { readonly x: number; readonly y: number };
  readonly width: number;
  readonly height: number;
}

/** Draws the drawable's part around the spot, `zoom` of the screen's pixels to one of the result's; no smoothing, but borders. */
function drawSpot(canvas: HTMLCanvasElement, drawable: Drawable, { zoom, spot, width, height }: Region): void {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  const context = canvas.getContext('2d')!;
  const own = drawable instanceof HTMLVideoElement ? drawable.videoWidth : drawable.width;
  if (own === 0) return;
  // The source's pixels are larger on the screen by as much as it was enlarged.
  const pixel = (zoom * width) / own;
  const ownHeight = drawable instanceof HTMLVideoElement ? drawable.videoHeight : drawable.height;
  const pixelHigh = (zoom * height) / ownHeight;
  const left = Math.round(canvas.width / 2 - spot.x * width * zoom);
  const top = Math.round(canvas.height / 2 - spot.y * height * zoom);
  context.imageSmoothingEnabled = false;
  context.drawImage(drawable, left, top, own * pixel, ownHeight * pixelHigh);
  if (zoom < GRID_FROM) return;
  context.fillStyle = GRID_COLOUR;
  const right = Math.min(canvas.width, left + own * pixel);
  const bottom = Math.min(canvas.height, top + ownHeight * pixelHigh);
  for (let x = firstLine(left, pixel); x < right; x += pixel) {
    context.fillRect(Math.round(x), Math.max(0, top), 1, bottom - Math.max(0, top));
  }
  for (let y = firstLine(top, pixelHigh); y < bottom; y += pixelHigh) {
    context.fillRect(Math.max(0, left), Math.round(y), right - Math.max(0, left), 1);
  }
}

/** Where the first border that is in sight lies. */
function firstLine(start: number, pixel: number): number {
  return start >= 0 ? start : start + Math.ceil(-start / pixel) * pixel;
}
