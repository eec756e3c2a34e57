/** A small picture of a clip, as a file: the frame in its middle. Costs its decoding from the key frame before. Runs in a worker. */

import { openClip } from '../media/clip.ts';
import { shrunk } from './picture.ts';

const MAX_WIDTH = 240;
const QUALITY = 0.8;

/** @throws EnhancerError what `openClip` throws. */
export async function thumbnailOf(file: File): Promise<Blob | null> {
  const clip = await openClip(file);
  try {
    const middle = Math.floor(clip.info.frameCount / 2);
    for await (const frame of clip.frames({ startFrame: middle, endFrame: middle + 1 })) {
      const { width, height, rgba } = shrunk(frame, MAX_WIDTH);
      const canvas = new OffscreenCanvas(width, height);
      canvas.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0);
      return await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
    }
    return null;
  } finally {
    clip.close();
  }
}
