import { useLayoutEffect, useRef } from 'react';
import type { Picture } from '../../../workers/protocol.ts';

interface PictureCanvasProps {
  readonly picture: Picture;
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  readonly className?: string | undefined;
}

/** Draws a picture as it came from the engine; scaling to the screen is the style sheet's. */
export function PictureCanvas({ picture, label, className }: PictureCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    context?.putImageData(new ImageData(picture.rgba, picture.width, picture.height), 0, 0);
  }, [picture]);
  return (
    <canvas
      ref={canvas}
      width={picture.width}
      height={picture.height}
      role="img"
      aria-label={label}
      className={className}
    />
  );
}
