/**
 * A decoded `VideoFrame`'s visible pixels as RGBA.
 *
 * Needs WebCodecs. Copies the planes and converts them with `yuv.ts`; a frame whose planes a browser won't show (opaque hardware
 * frames) or whose layout is unknown goes through the browser's own conversion, a canvas at worst, which does its own tone mapping.
 */

import type { WideGamut } from './gamut.ts';
import type { RgbaPicture } from './rgba.ts';
import type { HdrTransfer } from './tone-map.ts';
import { composeOnBlack } from './transparency.ts';
import { type Plane, type YuvColour, type YuvPicture, yuvToRgba } from './yuv.ts';

interface Layout {
  readonly bitDepth: number;
  readonly subsampledX: boolean;
  readonly subsampledY: boolean;
  readonly interleaved: boolean;
  readonly alpha: boolean;
}

const CHROMA = { I420: [true, true], I422: [true, false], I444: [false, false], NV12: [true, true] } as const;

/** Which planes a pixel format has; null for formats that hold no Y′CbCr. */
function layoutOf(format: string | null): Layout | null {
  const match = /^(I420|I422|I444|NV12)(A?)(P10|P12)?$/.exec(format ?? '');
  if (!match) return null;
  const [subsampledX, subsampledY] = CHROMA[match[1] as keyof typeof CHROMA];
  return {
    bitDepth: match[3] === 'P10' ? 10 : match[3] === 'P12' ? 12 : 8,
    subsampledX,
    subsampledY,
    interleaved: match[1] === 'NV12',
    alpha: match[2] === 'A',
  };
}

/** @param stated the colour space as stream, container or guess have it; what it leaves open is the frame's own to say. */
export async function visiblePixels(frame: VideoFrame, stated: VideoColorSpaceInit | undefined): Promise<RgbaPicture> {
  const layout = layoutOf(frame.format);
  const { width, height } = frame.visibleRect!;
  if (layout) {
    const planes = await copyPlanes(frame, layout).catch(() => null);
    if (planes) {
      const rgba = yuvToRgba(planes.picture, colourOf(frame, stated));
      if (planes.alpha) composeOnBlack(rgba, width, planes.alpha, 2 ** layout.bitDepth - 1);
      return { width, height, rgba };
    }
  }
  try {
    const rgba = new Uint8ClampedArray(width * height * 4);
    await frame.copyTo(rgba, { format: 'RGBA', colorSpace: 'srgb', layout: [{ offset: 0, stride: width * 4 }] });
    if (hasAlpha(frame.format)) composeOnBlack(rgba, width, null, 255);
    return { width, height, rgba };
  } catch {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true, alpha: false })!;
    context.drawImage(frame, 0, 0, width, height);
    return { width, height, rgba: context.getImageData(0, 0, width, height).data };
  }
}

/** Whether a pixel format carries transparency. */
export function hasAlpha(format: string | null): boolean {
  return /^(I4\d\dA|NV12A|RGBA|BGRA)/.test(format ?? '');
}

async function copyPlanes(frame: VideoFrame, layout: Layout): Promise<{ picture: YuvPicture; alpha: Plane | null }> {
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
  const picture = {
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
  return { picture, alpha: layout.alpha ? plane(interleaved ? 2 : 3) : null };
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
  return {
    matrix: impossible ? 'bt709' : matrix,
    fullRange: stated?.fullRange ?? space.fullRange ?? false,
    hdr: hdrTransfer(stated?.transfer ?? space.transfer),
    gamut: wideGamut(stated?.primaries ?? space.primaries, matrix),
  };
}

/** Where primaries are not stated, only BT.2020's matrix says something of them. BT.601's are near enough to BT.709's. */
function wideGamut(primaries: string | null | undefined, matrix: YuvColour['matrix']): WideGamut | undefined {
  if (primaries === 'smpte432') return 'p3';
  return primaries === 'bt2020' || (!primaries && matrix === 'bt2020') ? 'bt2020' : undefined;
}

/** The transfer curve, where it is an HDR one. */
export function hdrTransfer(transfer: string | null | undefined): HdrTransfer | undefined {
  return transfer === 'pq' || transfer === 'hlg' ? transfer : undefined;
}

/** For video that says nothing: BT.601 below 720 lines, BT.709 from there, as players and Chromium's `<video>` assume. */
export function guessColourSpace(height: number) {
  const name = height < 720 ? 'smpte170m' : 'bt709';
  return { primaries: name, transfer: name, matrix: name, fullRange: false } as const satisfies VideoColorSpaceInit;
}
