/**
 * A decoded `VideoFrame`'s visible pixels as RGBA.
 *
 * Needs WebCodecs. Copies the planes and converts them with `yuv.ts`; a frame whose planes a browser won't show (opaque hardware
 * frames) or whose layout is unknown goes through the browser's own conversion, a canvas at worst. HDR transfer curves are not
 * undone yet: such a clip comes out flat.
 */

import type { RgbaPicture } from './rgba.ts';
import { type YuvColour, type YuvPicture, yuvToRgba } from './yuv.ts';

interface Layout {
  readonly bitDepth: number;
  readonly subsampledX: boolean;
  readonly subsampledY: boolean;
  readonly interleaved: boolean;
}

const CHROMA = { I420: [true, true], I422: [true, false], I444: [false, false], NV12: [true, true] } as const;

/** Which planes a pixel format has; null for formats that hold no Y′CbCr. */
function layoutOf(format: string | null): Layout | null {
  const match = /^(I420|I422|I444|NV12)A?(P10|P12)?$/.exec(format ?? '');
  if (!match) return null;
  const [subsampledX, subsampledY] = CHROMA[match[1] as keyof typeof CHROMA];
  return {
    bitDepth: match[2] === 'P10' ? 10 : match[2] === 'P12' ? 12 : 8,
    subsampledX,
    subsampledY,
    interleaved: match[1] === 'NV12',
  };
}

/** @param stated the colour space as stream, container or guess have it; what it leaves open is the frame's own to say. */
export async function visiblePixels(frame: VideoFrame, stated: VideoColorSpaceInit | undefined): Promise<RgbaPicture> {
  const layout = layoutOf(frame.format);
  const { width, height } = frame.visibleRect!;
  if (layout) {
    const planes = await copyPlanes(frame, layout).catch(() => null);
    if (planes) return { width, height, rgba: yuvToRgba(planes, colourOf(frame, stated)) };
  }
  try {
    const rgba = new Uint8ClampedArray(width * height * 4);
    await frame.copyTo(rgba, { format: 'RGBA', colorSpace: 'srgb', layout: [{ offset: 0, stride: width * 4 }] });
    return { width, height, rgba };
  } catch {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(frame, 0, 0, width, height);
    return { width, height, rgba: context.getImageData(0, 0, width, height).data };
  }
}

async function copyPlanes(frame: VideoFrame, layout: Layout): Promise<YuvPicture> {
  const bytes = new Uint8Array(frame.allocationSize());
  const planes = await frame.copyTo(bytes);
  const { width, height } = frame.visibleRect!;
  const { bitDepth, subsampledX, subsampledY, interleaved } = layout;
  const wide = bitDepth > 8;
  const plane = (index: number, skip = 0) => {
    const { offset, stride } = planes[index]!;
    return wide
      ? { samples: new Uint16Array(bytes.buffer, offset), stride: stride / 2 }
      : { samples: bytes.subarray(offset + skip), stride };
  };
  return {
    width,
    height,
    bitDepth,
    subsampledX,
    subsampledY,
    y: plane(0),
    cb: plane(1),
    cr: interleaved ? plane(1, 1) : plane(2),
    chromaStep: interleaved ? 2 : 1,
  };
}

const MATRICES: Readonly<Record<string, YuvColour['matrix']>> = {
  bt709: 'bt709',
  smpte170m: 'bt601',
  bt470bg: 'bt601',
  'bt2020-ncl': 'bt2020',
  rgb: 'rgb',
};

function colourOf(frame: VideoFrame, stated: VideoColorSpaceInit | undefined): YuvColour {
  const space = frame.colorSpace;
  const matrix =
    MATRICES[stated?.matrix ?? space.matrix ?? ''] ?? MATRICES[guessColourSpace(frame.codedHeight).matrix]!;
  // Only 4:4:4 planes can hold red, green and blue.
  const impossible = matrix === 'rgb' && !frame.format?.startsWith('I444');
  return { matrix: impossible ? 'bt709' : matrix, fullRange: stated?.fullRange ?? space.fullRange ?? false };
}

/** For video that says nothing: BT.601 below 720 lines, BT.709 from there, as players and Chromium's `<video>` assume. */
export function guessColourSpace(height: number) {
  const name = height < 720 ? 'smpte170m' : 'bt709';
  return { primaries: name, transfer: name, matrix: name, fullRange: false } as const satisfies VideoColorSpaceInit;
}
