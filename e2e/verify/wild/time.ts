/** Rates, edits, reordering. */

import { boxPath, patch32 } from './boxes.ts';
import { PLAIN, TEST, TONE, type Wild, X264 } from './recipe.ts';

export const TIME: readonly Wild[] = [
  // Time
  {
    name: 'edits-off.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -bf 3 -c:a aac -use_editlist 0`,
    expect: { ...PLAIN, firstMs: 83, audio: 'aac' },
  },
  { name: 'negative-ctts.mp4', ffmpeg: `${TEST} ${X264} -bf 3 -movflags negative_cts_offsets`, expect: PLAIN },
  { name: 'one-frame.mp4', ffmpeg: `${TEST} ${X264} -frames:v 1`, expect: { ...PLAIN, frames: 1 } },
  {
    name: 'two-frames.webm',
    ffmpeg: `${TEST} -c:v libvpx -frames:v 2`,
    expect: { ...PLAIN, frames: 2, rate: '500/21' },
  },
  {
    name: 'fast.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=240:duration=0.25 ${X264} -bf 2`,
    expect: { ...PLAIN, frames: 60, rate: '240/1' },
  },
  {
    name: 'thousand.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=64x64:rate=1000:duration=0.05 ${X264}`,
    expect: { size: '64x64', frames: 50, rate: '1000/1' },
  },
  {
    name: 'slow.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=1:duration=4 ${X264}`,
    expect: { ...PLAIN, frames: 4, rate: '1/1' },
  },
  {
    name: 'timelapse.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=1/10:duration=40 ${X264}`,
    expect: { ...PLAIN, frames: 4, rate: '1/10' },
  },
  {
    name: 'film.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=24000/1001:duration=0.5 ${X264}`,
    expect: { ...PLAIN, frames: 12, rate: '24000/1001' },
  },
  {
    name: 'ntsc.webm',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=30000/1001:duration=1 -c:v libvpx -b:v 400k`,
    expect: { ...PLAIN, frames: 30, rate: '30000/1001' },
  },
  {
    name: 'ntsc-coarse.mkv',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=60000/1001:duration=1 ${X264}`,
    expect: { ...PLAIN, frames: 60, rate: '60000/1001' },
  },
  {
    name: 'ntsc-ms.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=30000/1001:duration=1 ${X264} -video_track_timescale 1000`,
    expect: { ...PLAIN, frames: 30, rate: '30000/1001' },
  },
  {
    name: 'varying.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=24:duration=1 -vf select=not(mod(n\\,3))+not(mod(n\\,5)) -vsync vfr ${X264} -bf 2`,
    expect: { ...PLAIN, frames: 11, rate: 'varies', notices: 'VARIABLE_FRAME_RATE' },
  },
  {
    name: 'varying.webm',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=24:duration=1 -vf select=not(mod(n\\,3))+not(mod(n\\,5)) -vsync vfr -c:v libvpx -b:v 400k`,
    expect: { ...PLAIN, frames: 11, rate: 'varies', notices: 'VARIABLE_FRAME_RATE' },
  },
  {
    name: 'empty-edit.mp4',
    from: 'late-picture.mp4',
    bytes: (file) => file,
    expect: { ...PLAIN, audio: 'aac', firstMs: 500 },
  },
  {
    name: 'huge-edit.mp4',
    from: 'plain.mp4',
    bytes: (file) => edit(file, [0x7fffffff, 0]),
    expect: { ...PLAIN, firstMs: 83, audio: 'aac' },
  },
  { name: 'edit-past-end.mp4', from: 'plain.mp4', bytes: (file) => edit(file, [500, 0x7000000]), expect: 'NO_FRAMES' },
  {
    name: 'same-times.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => sttsDelta(file, 0),
    expect: { ...PLAIN, frames: 1, rate: '25/1' },
  },
  { name: 'no-b-frames.mp4', ffmpeg: `${TEST} ${X264}`, expect: PLAIN },
  {
    name: 'huge-delta.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => sttsDelta(file, 0xffffffff),
    expect: { ...PLAIN, rate: '12288/1' },
  },
];

/** The first track's edit list: one edit, duration in movie ticks and media time in track ticks. */
function edit(file: Buffer, [duration, mediaTime]: readonly [number, number]): Buffer {
  const { start } = boxPath(file, 'moov/trak/edts/elst');
  return patch32(patch32(file, start + 16, duration), start + 20, mediaTime);
}

function sttsDelta(file: Buffer, delta: number): Buffer {
  return patch32(file, boxPath(file, 'moov/trak/mdia/minf/stbl/stts').start + 20, delta);
}
