/** Codecs, and how their pictures follow each other. */

import { replaced } from './boxes.ts';
import { PLAIN, TEST, TONE, type Wild, X264 } from './recipe.ts';

export const CODECS: readonly Wild[] = [
  // Codecs
  {
    name: 'hvc1.mp4',
    ffmpeg: `${TEST} -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1`,
    expect: 'UNSUPPORTED_CODEC',
  },
  {
    name: 'hev1.mp4',
    ffmpeg: `${TEST} -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -tag:v hev1`,
    expect: 'UNSUPPORTED_CODEC',
  },
  {
    name: 'hevc.mkv',
    ffmpeg: `${TEST} -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p`,
    expect: 'UNSUPPORTED_CODEC',
  },
  { name: 'avc3.mp4', ffmpeg: `${TEST} ${X264} -tag:v avc3`, expect: PLAIN },
  { name: 'av1.mp4', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8`, expect: PLAIN },
  { name: 'av1-10.mp4', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p10le`, expect: PLAIN },
  { name: 'av1-444.mkv', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv444p`, expect: PLAIN },
  {
    name: 'svt.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x128:rate=24:duration=0.5 -c:v libsvtav1 -preset 10`,
    expect: { ...PLAIN, size: '128x128' },
  },
  {
    name: 'vp9.mp4',
    ffmpeg: `${TEST} ${TONE} -c:v libvpx-vp9 -cpu-used 8 -c:a libopus`,
    expect: { ...PLAIN, audio: 'opus' },
  },
  { name: 'vp9-10.webm', ffmpeg: `${TEST} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv420p10le`, expect: PLAIN },
  { name: 'vp9-444.webm', ffmpeg: `${TEST} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv444p`, expect: PLAIN },
  { name: 'vp9-422.webm', ffmpeg: `${TEST} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv422p`, expect: PLAIN },
  { name: 'baseline.mp4', ffmpeg: `${TEST} ${X264} -profile:v baseline`, expect: PLAIN },
  { name: 'h264-422.mp4', ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt yuv422p`, expect: PLAIN },
  { name: 'h264-422-10.mov', ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt yuv422p10le`, expect: PLAIN },
  { name: 'h264-444.mp4', ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt yuv444p`, expect: PLAIN },
  { name: 'h264-rgb.mkv', ffmpeg: `${TEST} -c:v libx264rgb -preset ultrafast`, expect: PLAIN },
  { name: 'h264-lossless.mkv', ffmpeg: `${TEST} ${X264} -qp 0`, expect: PLAIN },
  { name: 'h264-grey.mp4', ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt gray`, expect: PLAIN },
  {
    name: 'interlaced.mp4',
    ffmpeg:
      '-f lavfi -i testsrc2=size=128x96:rate=25:duration=0.48 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -flags +ilme+ildct',
    expect: { size: '128x96', frames: 12, rate: '25/1' },
  },
  { name: 'prores.mov', ffmpeg: `${TEST} -c:v prores_ks`, expect: 'UNSUPPORTED_CODEC' },
  {
    name: 'dnxhr.mov',
    ffmpeg: '-f lavfi -i testsrc2=size=256x144:rate=24:duration=0.2 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p',
    expect: 'UNSUPPORTED_CODEC',
  },
  { name: 'mjpeg.mov', ffmpeg: `${TEST} -c:v mjpeg -pix_fmt yuvj420p`, expect: 'UNSUPPORTED_CODEC' },
  { name: 'divx.mp4', ffmpeg: `${TEST} -c:v mpeg4`, expect: 'UNSUPPORTED_CODEC' },
  { name: 'mpeg2.mp4', ffmpeg: `${TEST} -c:v mpeg2video`, expect: 'UNSUPPORTED_CODEC' },
  { name: 'animation.mov', ffmpeg: `${TEST} -c:v qtrle`, expect: 'UNSUPPORTED_CODEC' },
  { name: 'png.mov', ffmpeg: `${TEST} -c:v png`, expect: 'UNSUPPORTED_CODEC' },
  {
    name: 'cineform.mov',
    ffmpeg: '-f lavfi -i testsrc2=size=256x144:rate=24:duration=0.2 -c:v cfhd',
    expect: 'UNSUPPORTED_CODEC',
  },
  { name: 'raw.mov', ffmpeg: `${TEST} -c:v rawvideo -pix_fmt uyvy422`, expect: 'UNSUPPORTED_CODEC' },
  // Groups of pictures
  { name: 'intra.mp4', ffmpeg: `${TEST} ${X264} -g 1`, expect: PLAIN },
  {
    name: 'open-groups.mp4',
    ffmpeg: `${TEST} -c:v libx264 -preset fast -pix_fmt yuv420p -g 4 -bf 2 -x264-params open-gop=1:scenecut=0`,
    expect: PLAIN,
  },
  { name: 'refresh.mp4', ffmpeg: `${TEST} ${X264} -x264-params intra-refresh=1:keyint=6`, expect: PLAIN },
  {
    name: 'pyramid.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=24:duration=2 -c:v libx264 -preset slow -pix_fmt yuv420p -bf 8 -b_strategy 0 -x264-params b-pyramid=normal`,
    expect: { ...PLAIN, frames: 48 },
  },
  {
    name: 'no-stss.mp4',
    from: 'plain.mp4',
    bytes: (file) => replaced(file, 'stss', 'free'),
    expect: { ...PLAIN, audio: 'aac' },
  },
];
