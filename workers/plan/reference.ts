/** The reference's own planning rules (SPEC §2.4–2.6), to the digit: what parity with the official code is checked against. */

/** A half-open span. */
export type Span = readonly [start: number, end: number];

/** Frames inserted between two key frames: clamp(round(target/input) − 1, 0, 8), ties to even. */
export function referenceInsertedFrames(inputFrameRate: number, targetFrameRate: number): number {
  return Math.min(8, Math.max(0, roundHalfEven(targetFrameRate / inputFrameRate) - 1));
}

/** `mask_cond`: the key frame's index, or −1 for an inserted frame. */
export function referenceMask(keyFrames: number, insertedFrames: number): number[] {
  const stride = insertedFrames + 1;
  return Array.from({ length: (keyFrames - 1) * stride + 1 }, (_, f) => (f % stride === 0 ? f / stride : -1));
}

/** Chunks of a long video; null up to 32 frames. */
export function referenceChunks(frames: number, insertedFrames: number): Span[] | null {
  if (frames <= 32) return null;
  const stride = insertedFrames + 1;
  const length = Math.floor(31 / stride) * stride + 1;
  const overlap = Math.floor(15 / stride) * stride + 1;
  return referenceWindows(frames, length, overlap);
}

/** Windows with the reference's merge rule: one that would leave less than a third of a window behind takes all of it. */
export function referenceWindows(full: number, length: number, overlap: number): Span[] {
  const windows: Span[] = [];
  for (let start = 0; ; start += length - overlap) {
    if (start + roundHalfEven(1.33 * length) >= full || start + length >= full) {
      windows.push([start, full]);
      return windows;
    }
    windows.push([start, start + length]);
  }
}

/** Area clamped to 720·1280·1.5 … 1152·2048 by changing the scale; sides floored to even. */
export function referenceTargetSize(height: number, width: number, scale: number): { height: number; width: number } {
  const area = height * width * scale * scale;
  const clamped = Math.min(1152 * 2048, Math.max(720 * 1280 * 1.5, area));
  const factor = clamped === area ? scale : Math.sqrt(clamped / (height * width));
  const side = (length: number) => Math.floor(Math.floor(length * factor) / 2) * 2;
  return { height: side(height), width: side(width) };
}

/** Constant padding before and after each axis; at least 720×1280 in all. */
export function referencePadding(height: number, width: number) {
  const [top, bottom] = padAxis(height, 720, (h) => Math.floor((h + 48) / 64) * 64 + 16 - h);
  const [left, right] = padAxis(width, 1280, (w) => Math.floor(w / 64) * 64 + 64 - w);
  return { top, bottom, left, right };
}

function padAxis(length: number, least: number, after: (length: number) => number): Span {
  if (length === least) return [0, 0];
  if (length > least) return [0, after(length)];
  const before = Math.floor((least - length) / 2);
  return [before, least - length - before];
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const fraction = value - below;
  return fraction > 0.5 || (fraction === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
