/**
 * A clip for measurements in Node, where there is no WebCodecs: its first frames by ffmpeg and ffprobe, all in memory, at an even frame rate.
 */

import { execFileSync } from 'node:child_process';
import type { Clip } from '../workers/media/clip.ts';
import type { DecodedFrame } from '../workers/media/decode.ts';

interface Wanted {
  readonly frames: number;
  /** As which it is shown, whatever it has. */
  readonly frameRate: number;
  /** Its own when absent; else it is scaled by area. */
  readonly size?: { readonly width: number; readonly height: number };
}

export function ffmpegClip(path: string, { frames: most, frameRate, size: scaled }: Wanted): Clip {
  const { width, height } = scaled ?? ownSize(path);
  const scale = scaled ? ['-vf', `scale=${width}:${height}:flags=area`] : [];
  const input = ['-v', 'error', '-i', path, '-frames:v', String(most)];
  const raw = [...input, ...scale, '-f', 'rawvideo', '-pix_fmt', 'rgba', '-'];
  const bytes = execFileSync('ffmpeg', raw, { maxBuffer: 2 ** 31 });
  const size = width * height * 4;
  const count = Math.floor(bytes.length / size);
  const times = Array.from({ length: count }, (_, index) => Math.round((index * 1e6) / frameRate));
  const frames = times.map((timestampUs, index): DecodedFrame => {
    const rgba = new Uint8ClampedArray(size);
    rgba.set(bytes.subarray(index * size, (index + 1) * size));
    return { index, timestampUs, width, height, rgba, repeated: false };
  });
  return {
    info: {
      width,
      height,
      frameCount: count,
      frameRate: { numerator: frameRate, denominator: 1 },
      variableFrameRate: false,
      durationUs: Math.round((count * 1e6) / frameRate),
      lastFrameDurationUs: Math.round(1e6 / frameRate),
      timestampsUs: times,
      audioTracks: [],
      bytes: bytes.length,
    } as unknown as Clip['info'],
    audioTracks: [],
    keyFrames: [0],
    async *frames({ startFrame, endFrame }) {
      yield* frames.slice(startFrame, endFrame);
    },
    close() {},
  };
}

function ownSize(path: string): { width: number; height: number } {
  const probe = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=width,height', '-of', 'csv=p=0'];
  const [width, height] = execFileSync('ffprobe', [...probe, path])
    .toString()
    .trim()
    .split(',')
    .map(Number) as [number, number];
  return { width, height };
}
