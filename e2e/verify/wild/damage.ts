/** What is cut, overwritten, encrypted, or no film at all. */

import { boxAt, boxPath, patch32 } from './boxes.ts';
import { PLAIN, TEST, type Wild, X264 } from './recipe.ts';

export const DAMAGE: readonly Wild[] = [
  // Damage
  { name: 'empty.mp4', bytes: () => new Uint8Array(), expect: 'EMPTY_FILE' },
  { name: 'text.mp4', bytes: () => Buffer.from('This is not a film.\n'.repeat(40)), expect: 'NOT_A_VIDEO' },
  {
    name: 'page.mp4',
    bytes: () => Buffer.from('<!doctype html><title>404</title><h1>Not found</h1>'),
    expect: 'NOT_A_VIDEO',
  },
  {
    name: 'archive.mp4',
    bytes: () => Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), Buffer.alloc(300)]),
    expect: 'NOT_A_VIDEO',
  },
  { name: 'one-byte.mp4', bytes: () => Uint8Array.of(0), expect: 'NOT_A_VIDEO' },
  { name: 'cut-10.mp4', from: 'plain.mp4', bytes: cut(0.1), expect: 'TRUNCATED' },
  { name: 'cut-50.mp4', from: 'plain.mp4', bytes: cut(0.5), expect: 'TRUNCATED' },
  { name: 'cut-99.mp4', from: 'plain.mp4', bytes: cut(0.99), expect: 'TRUNCATED' },
  { name: 'cut-10-faststart.mp4', from: 'faststart.mp4', bytes: cut(0.1), expect: 'TRUNCATED' },
  { name: 'cut-50-faststart.mp4', from: 'faststart.mp4', bytes: cut(0.5), expect: 'TRUNCATED' },
  { name: 'cut-99-faststart.mp4', from: 'faststart.mp4', bytes: cut(0.99), expect: 'TRUNCATED' },
  { name: 'cut-50-fragments.mp4', from: 'fragmented.mp4', bytes: cut(0.5), expect: 'TRUNCATED' },
  { name: 'cut-99-fragments.mp4', from: 'fragmented.mp4', bytes: cut(0.99), expect: 'TRUNCATED' },
  { name: 'cut-50.webm', from: 'vp9.webm', bytes: cut(0.5), expect: 'TRUNCATED' },
  { name: 'cut-99.webm', from: 'vp9.webm', bytes: cut(0.99), expect: 'TRUNCATED' },
  {
    name: 'cut-50-recorder.webm',
    from: 'recorder.webm',
    bytes: cut(0.5),
    expect: 'TRUNCATED',
  },
  {
    name: 'encrypted.mp4',
    ffmpeg: `${TEST} ${X264} -encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff -encryption_kid 00112233445566778899aabbccddeeff`,
    expect: 'ENCRYPTED',
  },
  {
    name: 'zero-sample.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => patch32(file, boxPath(file, 'moov/trak/mdia/minf/stbl/stsz').start + 20 + 5 * 4, 0),
    expect: 'DECODE_FAILED',
  },
  { name: 'noise.mp4', from: 'no-b-frames.mp4', bytes: noise, expect: 'DECODE_FAILED' },
  {
    name: 'starts-late.mkv',
    ffmpeg: `-ss 0.2 -i %plain.mp4 -c copy -copyinkf`,
    expect: { ...PLAIN, firstMs: 21, audio: 'aac' },
  },
  // Names are never markup: the file is as good as any.
  {
    name: '<img src=x onerror=alert(1)>.mp4',
    from: 'plain.mp4',
    bytes: (file) => file,
    expect: { ...PLAIN, audio: 'aac' },
  },
];

function cut(part: number): (from: Buffer) => Buffer {
  return (from) => from.subarray(0, Math.floor(from.byteLength * part));
}

/** The media overwritten, the index whole. */
function noise(file: Buffer): Buffer {
  const { start, size } = boxAt(file, 'mdat');
  const copy = Buffer.from(file);
  for (let at = start + 8, state = 1; at < start + size; at++) {
    state = (state * 48271) % 2147483647;
    copy[at] = state & 255;
  }
  return copy;
}
