/** Containers, and how files are laid out. */

import { boxAt, patch32, replaced } from './boxes.ts';
import { PLAIN, TEST, TONE, type Wild, X264 } from './recipe.ts';

export const CONTAINERS: readonly Wild[] = [
  // Containers
  { name: 'plain.mp4', ffmpeg: `${TEST} ${TONE} ${X264} -bf 2 -c:a aac`, expect: { ...PLAIN, audio: 'aac' } },
  {
    name: 'faststart.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -movflags +faststart`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  { name: 'itunes.m4v', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f ipod`, expect: { ...PLAIN, audio: 'aac' } },
  { name: 'phone.3gp', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f 3gp`, expect: { ...PLAIN, audio: 'aac' } },
  {
    name: 'old-phone.3gp',
    ffmpeg: '-f lavfi -i testsrc2=size=176x144:rate=15:duration=0.5 -c:v h263 -f 3gp',
    expect: 'UNSUPPORTED_CODEC',
  },
  {
    name: 'flash.f4v',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f f4v`,
    expect: { ...PLAIN, firstMs: 21, audio: 'aac' },
  },
  { name: 'psp.mp4', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f psp`, expect: { ...PLAIN, audio: 'aac' } },
  { name: 'smooth.ismv', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f ismv`, expect: { ...PLAIN, audio: 'aac' } },
  {
    name: 'vp8.webm',
    ffmpeg: `${TEST} ${TONE} -c:v libvpx -b:v 400k -c:a libvorbis`,
    expect: { ...PLAIN, firstMs: 3, audio: 'vorbis', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'vp9.webm',
    ffmpeg: `${TEST} ${TONE} -c:v libvpx-vp9 -cpu-used 8 -c:a libopus`,
    expect: { ...PLAIN, firstMs: 7, audio: 'opus' },
  },
  { name: 'av1.webm', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8`, expect: PLAIN },
  {
    name: 'recorder.webm',
    ffmpeg: `${TEST} ${TONE} -c:v libvpx -b:v 400k -c:a libopus -f webm -live 1`,
    expect: { ...PLAIN, firstMs: 7, audio: 'opus' },
  },
  {
    name: 'h264.mkv',
    ffmpeg: `${TEST} ${TONE} ${X264} -bf 2 -c:a aac`,
    expect: { ...PLAIN, firstMs: 21, audio: 'aac' },
  },
  {
    name: 'no-cues.mkv',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a libmp3lame -f matroska -live 1`,
    expect: { ...PLAIN, firstMs: 23, audio: 'mp3' },
  },
  { name: 'ffv1.mkv', ffmpeg: `${TEST} ${TONE} -c:v ffv1 -c:a flac`, expect: 'UNSUPPORTED_CODEC' },
  { name: 'movie.avi', ffmpeg: `${TEST} ${TONE} -c:v mpeg4 -c:a libmp3lame`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'broadcast.ts', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -f mpegts`, expect: 'UNSUPPORTED_CONTAINER' },
  {
    name: 'camcorder.mts',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a ac3 -f mpegts -mpegts_m2ts_mode 1`,
    expect: 'UNSUPPORTED_CONTAINER',
  },
  {
    name: 'dvd.mpg',
    ffmpeg: '-f lavfi -i testsrc2=size=128x96:rate=25:duration=0.5 -c:v mpeg2video -f vob',
    expect: 'UNSUPPORTED_CONTAINER',
  },
  {
    name: 'stream.m2v',
    ffmpeg: '-f lavfi -i testsrc2=size=128x96:rate=25:duration=0.5 -c:v mpeg2video -f mpeg2video',
    expect: 'UNSUPPORTED_CONTAINER',
  },
  { name: 'flash.flv', ffmpeg: `${TEST} ${X264} -f flv`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'windows.wmv', ffmpeg: `${TEST} -c:v wmv2 -f asf`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'theora.ogv', ffmpeg: `${TEST} -c:v libtheora`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'studio.mxf', ffmpeg: `${TEST} -c:v mpeg2video -r 25`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'real.rm', ffmpeg: `${TEST} -c:v rv20 -s 176x144`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'raw.h264', ffmpeg: `${TEST} ${X264} -f h264`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'raw.ivf', ffmpeg: `${TEST} -c:v libvpx -b:v 400k -f ivf`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'raw.y4m', ffmpeg: TEST, expect: 'UNSUPPORTED_CONTAINER' },
  {
    name: 'tape.dv',
    ffmpeg: '-f lavfi -i testsrc2=size=720x576:rate=25:duration=0.2 -pix_fmt yuv420p -f dv',
    expect: 'UNSUPPORTED_CONTAINER',
  },
  { name: 'loop.gif', ffmpeg: TEST, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'loop.webp', ffmpeg: `${TEST} -c:v libwebp_anim -loop 0`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'loop.apng', ffmpeg: `${TEST} -f apng`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'picture.png', ffmpeg: `${TEST} -frames:v 1`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'picture.jpg', ffmpeg: `${TEST} -frames:v 1`, expect: 'UNSUPPORTED_CONTAINER' },
  { name: 'sound.mp3', ffmpeg: TONE, expect: 'NO_VIDEO_TRACK' },
  { name: 'sound.wav', ffmpeg: TONE, expect: 'NO_VIDEO_TRACK' },
  { name: 'sound.flac', ffmpeg: TONE, expect: 'NO_VIDEO_TRACK' },
  { name: 'sound.m4a', ffmpeg: `${TONE} -c:a aac`, expect: 'NO_VIDEO_TRACK' },
  { name: 'sound.weba', ffmpeg: `${TONE} -c:a libopus -f webm`, expect: 'NO_VIDEO_TRACK' },
  // Fragments and layout
  {
    name: 'fragmented.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -g 4 -bf 2 -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof`,
    expect: { ...PLAIN, audio: 'aac', firstMs: 83 },
  },
  {
    name: 'old-fragments.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -g 4 -c:a aac -movflags frag_keyframe+separate_moof`,
    expect: { ...PLAIN, rate: 'varies', audio: 'aac', notices: 'VARIABLE_FRAME_RATE' },
  },
  { name: 'cmaf.mp4', ffmpeg: `${TEST} ${X264} -g 4 -bf 2 -movflags +cmaf+frag_keyframe -f mp4`, expect: PLAIN },
  { name: 'dash.mp4', ffmpeg: `${TEST} ${X264} -g 4 -movflags +dash+frag_keyframe+global_sidx`, expect: PLAIN },
  {
    name: 'frame-fragments.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac -movflags frag_every_frame+empty_moov`,
    expect: { ...PLAIN, rate: 'varies', audio: 'aac', notices: 'VARIABLE_FRAME_RATE' },
  },
  { name: 'large-mdat.mp4', from: 'plain.mp4', bytes: largeMdat, expect: { ...PLAIN, audio: 'aac' } },
  {
    name: 'open-mdat.mp4',
    from: 'faststart.mp4',
    bytes: (file) => patch32(file, boxAt(file, 'mdat').start, 0),
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'padded.mp4',
    from: 'plain.mp4',
    bytes: (file) => Buffer.concat([file, Buffer.alloc(3)]),
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'rubbish-behind.mp4',
    from: 'plain.mp4',
    bytes: (file) => Buffer.concat([file, Buffer.from('this is not a box, whatever it is')]),
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'no-ftyp.mov',
    from: 'quicktime.mov',
    bytes: (file) => replaced(file, 'ftyp', 'free'),
    expect: { ...PLAIN, audio: 'aac' },
  },
  { name: 'quicktime.mov', ffmpeg: `${TEST} ${TONE} ${X264} -c:a aac`, expect: { ...PLAIN, audio: 'aac' } },
];

/** The same file with a 64-bit size on its media, as cameras write that know no size beforehand. */
function largeMdat(file: Buffer): Buffer {
  // ffmpeg leaves eight bytes in front for it.
  const free = boxAt(file, 'free');
  const mdat = boxAt(file, 'mdat');
  const copy = Buffer.from(file);
  copy.writeUInt32BE(1, free.start);
  copy.write('mdat', free.start + 4);
  copy.writeBigUInt64BE(BigInt(mdat.size + 8), free.start + 8);
  return copy;
}
