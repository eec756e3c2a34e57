/** Sound, and whatever else lies beside the picture. */

import { PLAIN, STEREO, TEST, TONE, type Wild, X264 } from './recipe.ts';

export const TRACKS: readonly Wild[] = [
  // Sound
  {
    name: 'pcm.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_s16le`,
    expect: { ...PLAIN, audio: 'pcm-s16', notices: 'AUDIO_PCM' },
  },
  {
    name: 'pcm-be.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_s16be`,
    expect: { ...PLAIN, audio: 'pcm-s16be', notices: 'AUDIO_PCM' },
  },
  {
    name: 'pcm-24.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_s24le`,
    expect: { ...PLAIN, audio: 'pcm-s24', notices: 'AUDIO_PCM' },
  },
  {
    name: 'pcm-float.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_f32le`,
    expect: { ...PLAIN, audio: 'pcm-f32', notices: 'AUDIO_PCM' },
  },
  {
    name: 'pcm-8.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_u8`,
    expect: { ...PLAIN, audio: '(raw)', notices: 'AUDIO_DROPPED' },
  },
  {
    name: 'pcm.mkv',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a pcm_s16le`,
    expect: { ...PLAIN, audio: 'pcm-s16', notices: 'AUDIO_PCM' },
  },
  {
    name: 'mu-law.mov',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a pcm_mulaw`,
    expect: { ...PLAIN, audio: '(ulaw)', notices: 'AUDIO_DROPPED' },
  },
  {
    name: 'alac.mov',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a alac`,
    expect: { ...PLAIN, audio: 'alac', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'alac-24.m4v',
    ffmpeg: `${TEST} ${TONE} ${X264} -ar 96000 -ac 6 -c:a alac -sample_fmt s32p`,
    expect: { ...PLAIN, audio: 'alac', notices: 'AUDIO_UNCOMMON' },
  },
  { name: 'voice.amr', bytes: amr, expect: 'NO_VIDEO_TRACK' },
  {
    name: 'amr.3gp',
    ffmpeg: `${TEST} -i %voice.amr ${X264} -c:a copy`,
    expect: { ...PLAIN, audio: 'amr', notices: 'AUDIO_UNCOMMON' },
  },
  { name: 'mp3.mp4', ffmpeg: `${TEST} ${STEREO} ${X264} -c:a libmp3lame`, expect: { ...PLAIN, audio: 'mp3' } },
  {
    name: 'mp2.mp4',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a mp2`,
    expect: { ...PLAIN, audio: 'mp3' },
  },
  { name: 'opus.mp4', ffmpeg: `${TEST} ${STEREO} ${X264} -c:a libopus`, expect: { ...PLAIN, audio: 'opus' } },
  { name: 'flac.mp4', ffmpeg: `${TEST} ${STEREO} ${X264} -c:a flac -strict -2`, expect: { ...PLAIN, audio: 'flac' } },
  { name: 'flac.mkv', ffmpeg: `${TEST} ${STEREO} ${X264} -c:a flac -strict -2`, expect: { ...PLAIN, audio: 'flac' } },
  {
    name: 'ac3.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -ac 6 -c:a ac3`,
    expect: { ...PLAIN, audio: 'ac3', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'eac3.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -ac 6 -c:a eac3`,
    expect: { ...PLAIN, audio: 'eac3', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'dts.mkv',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a dca -strict -2`,
    expect: { ...PLAIN, audio: 'dts', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'adpcm.mov',
    ffmpeg: `${TEST} ${TONE} ${X264} -c:a adpcm_ima_qt`,
    expect: { ...PLAIN, audio: '(ima4)', notices: 'AUDIO_DROPPED' },
  },
  {
    name: 'vorbis.mkv',
    ffmpeg: `${TEST} ${STEREO} ${X264} -c:a libvorbis`,
    expect: { ...PLAIN, firstMs: 3, audio: 'vorbis', notices: 'AUDIO_UNCOMMON' },
  },
  // Each moment of uncompressed sound is a sample: more than twenty million of them.
  {
    name: 'long-pcm.mov',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=1/10:duration=430 -f lavfi -i anullsrc=channel_layout=mono:sample_rate=48000 -shortest ${X264} -c:a pcm_s16le`,
    expect: { ...PLAIN, frames: 43, rate: '1/10', audio: 'pcm-s16', notices: 'AUDIO_PCM' },
  },
  {
    name: 'three-tracks.mp4',
    ffmpeg: `${TEST} ${TONE} ${X264} -map 0:v -map 1:a -map 1:a -map 1:a -c:a:0 aac -c:a:1 ac3 -c:a:2 libmp3lame -metadata:s:a:1 language=fra`,
    expect: { ...PLAIN, audio: 'aac ac3 mp3', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'long-sound.mp4',
    ffmpeg: `${TEST} -f lavfi -i sine=duration=2 ${X264} -c:a aac`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'late-sound.mp4',
    ffmpeg: `${TEST} -itsoffset 0.25 ${TONE} ${X264} -c:a aac`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'late-picture.mp4',
    ffmpeg: `-itsoffset 0.5 ${TEST} ${TONE} ${X264} -c:a aac -vsync passthrough`,
    expect: { ...PLAIN, audio: 'aac', firstMs: 500 },
  },
  // Other tracks
  { name: 'subtitles.mp4', ffmpeg: `${TEST} -i %lines.srt ${X264} -c:s mov_text`, expect: PLAIN },
  { name: 'subtitles.mkv', ffmpeg: `${TEST} -i %lines.srt ${X264} -c:s srt`, expect: PLAIN },
  { name: 'timecode.mov', ffmpeg: `${TEST} ${X264} -timecode 01:02:03:04`, expect: PLAIN },
  { name: 'chapters.mp4', ffmpeg: `${TEST} -i %chapters.txt ${X264} -map_metadata 1`, expect: PLAIN },
  {
    name: 'cover.mp4',
    ffmpeg: `${TEST} -i %picture.jpg ${X264} -map 0 -map 1 -c:v:1 mjpeg -disposition:v:1 attached_pic`,
    expect: PLAIN,
  },
  {
    name: 'cover-first.mov',
    ffmpeg: `-i %picture.jpg ${TEST} -map 0 -map 1 -c:v:0 mjpeg -c:v:1 libx264 -pix_fmt:v:1 yuv420p`,
    expect: PLAIN,
  },
  {
    name: 'two-films.mp4',
    ffmpeg: `${TEST} -f lavfi -i testsrc2=size=64x64:rate=12:duration=0.5 ${X264} -map 0 -map 1`,
    expect: PLAIN,
  },
  {
    name: 'cover.mkv',
    ffmpeg: `${TEST} ${X264} -attach %picture.jpg -metadata:s:t mimetype=image/jpeg`,
    expect: PLAIN,
  },
];

/** Half a second of noise at 12.2 kbit/s, since ffmpeg has no encoder for it. */
function amr(): Uint8Array {
  const frames = Array.from({ length: 25 * 32 }, (_, i) => (i % 32 === 0 ? 0x3c : (i * 167) & 255));
  return Uint8Array.from([...Buffer.from('#!AMR\n', 'latin1'), ...frames]);
}
