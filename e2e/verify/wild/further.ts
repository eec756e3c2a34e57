/** What phones, generators, recorders and editors do that is not in the other lists: thought up after them, so that they could fail. */

import { replaced } from './boxes.ts';
import { PLAIN, STEREO, TEST, TONE, type Wild, X264 } from './recipe.ts';

/** One colour that no matrix leaves alone. */
const ORANGE = '-f lavfi -i color=0xC85028:size=128x72:rate=24:duration=0.5';
const ORANGE_AT = [60, 30, 200, 80, 40] as const;

export const FURTHER: readonly Wild[] = [
  // Codecs
  {
    name: 'film-grain.mp4',
    ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -aom-params film-grain-test=1`,
    expect: PLAIN,
  },
  { name: 'av1-grey.mp4', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -pix_fmt gray`, expect: PLAIN },
  { name: 'av1-12.mp4', ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p12le`, expect: 'DECODE_FAILED' },
  { name: 'vp9-12.webm', ffmpeg: `${TEST} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv420p12le`, expect: PLAIN },
  {
    name: 'vp9-rgb.webm',
    ffmpeg: `${ORANGE} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt gbrp`,
    expect: { ...PLAIN, pixel: ORANGE_AT },
  },
  {
    name: 'vp9-alpha-even.webm',
    ffmpeg:
      '-f lavfi -i color=red@0.5:size=126x70:rate=24:duration=0.5,format=yuva420p -c:v libvpx-vp9 -cpu-used 8 -auto-alt-ref 0',
    expect: { ...PLAIN, size: '126x70', notices: 'ALPHA_COMPOSITED' },
  },
  {
    name: 'dolby-vision.mp4',
    from: 'hvc1.mp4',
    bytes: (file) => replaced(file, 'hvc1', 'dvh1'),
    expect: 'UNSUPPORTED_CODEC',
  },
  {
    name: 'xvid.mkv',
    ffmpeg: `${TEST} ${TONE} -c:v mpeg4 -vtag XVID -c:a libmp3lame`,
    expect: 'UNSUPPORTED_CODEC',
  },
  {
    name: 'full-444.mov',
    ffmpeg: `${ORANGE} -vf scale=out_color_matrix=bt709:out_range=full,format=yuv444p -c:v libx264 -preset ultrafast -color_range pc -colorspace bt709 -color_primaries bt709 -color_trc bt709`,
    expect: { ...PLAIN, pixel: ORANGE_AT },
  },
  {
    name: 'smpte240.mp4',
    ffmpeg: `${ORANGE} -vf scale=out_color_matrix=smpte240m ${X264} -colorspace smpte240m -color_primaries smpte240m -color_trc smpte240m`,
    expect: { ...PLAIN, pixel: ORANGE_AT },
  },
  {
    name: 'fcc.mp4',
    ffmpeg: `${ORANGE} -vf scale=out_color_matrix=fcc ${X264} -colorspace fcc`,
    expect: { ...PLAIN, pixel: ORANGE_AT },
  },
  {
    name: 'bt470bg.mp4',
    ffmpeg: `${ORANGE} -vf scale=out_color_matrix=bt470bg ${X264} -colorspace bt470bg -color_primaries bt470bg -color_trc gamma28`,
    expect: { ...PLAIN, pixel: ORANGE_AT },
  },
  // Shapes
  {
    name: 'cropped-stream.mp4',
    ffmpeg: `-i %no-b-frames.mp4 -c copy -bsf:v h264_metadata=crop_right=32:crop_bottom=16`,
    expect: { ...PLAIN, size: '96x64' },
  },
  {
    // The container says square, and has the last word.
    name: 'stream-aspect.mp4',
    ffmpeg: '-i %no-b-frames.mp4 -c copy -bsf:v h264_metadata=sample_aspect_ratio=4/3',
    expect: PLAIN,
  },
  {
    name: 'turned-anamorphic-interlaced.mp4',
    ffmpeg: '-i %anamorphic-interlaced.mp4 -c copy -metadata:s:v rotate=90',
    expect: { ...PLAIN, size: '96x171' },
  },
  {
    name: 'anamorphic-interlaced.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x96:rate=24:duration=0.5 -vf setsar=4/3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -flags +ilme+ildct`,
    expect: { ...PLAIN, size: '171x96' },
  },
  {
    name: 'turned-10-bits.mp4',
    ffmpeg: '-i %av1-10.mp4 -c copy -metadata:s:v rotate=270',
    expect: { ...PLAIN, size: '72x128' },
  },
  // Time
  {
    name: 'slow-motion.mov',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=240:duration=0.5 -vf select='lt(n\\,40)*not(mod(n\\,8))+gte(n\\,40)' -vsync passthrough ${X264} -video_track_timescale 600`,
    expect: { ...PLAIN, frames: 85, rate: 'varies', notices: 'VARIABLE_FRAME_RATE' },
  },
  {
    name: 'trimmed.mp4',
    ffmpeg: '-ss 0.25 -i %plain.mp4 -c copy',
    expect: { ...PLAIN, frames: 6, audio: 'aac' },
  },
  {
    name: 'fragments-with-edits.mp4',
    ffmpeg: `${TEST} ${TONE} -c:v libx264 -preset fast -pix_fmt yuv420p -bf 2 -g 6 -c:a aac -movflags frag_keyframe+delay_moov`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'coarse-movie.mp4',
    ffmpeg: `${TEST} ${TONE} -c:v libx264 -preset fast -pix_fmt yuv420p -bf 2 -c:a aac -movie_timescale 1`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'still-with-sound.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=128x72:rate=24:duration=0.04 ${TONE} ${X264} -c:a aac`,
    expect: { ...PLAIN, frames: 1, audio: 'aac' },
  },
  // Tracks
  {
    name: 'sound-of-nothing.mp4',
    ffmpeg: `${TEST} ${TONE} -af atrim=end_sample=0 ${X264} -c:a aac -movflags frag_keyframe+empty_moov`,
    expect: PLAIN,
  },
  {
    name: 'telemetry.mp4',
    from: 'subtitles.mp4',
    bytes: (file) => replaced(replaced(file, 'sbtl', 'meta'), 'tx3g', 'gpmd'),
    expect: PLAIN,
  },
  {
    name: 'chapters-and-sound.mkv',
    ffmpeg: `${TEST} ${STEREO} -i %chapters.txt ${X264} -c:a libvorbis -map_metadata 2 -map 0:v -map 1:a`,
    expect: { ...PLAIN, firstMs: 3, audio: 'vorbis', notices: 'AUDIO_UNCOMMON' },
  },
  {
    name: 'sound-first.mp4',
    ffmpeg: `${TONE} ${TEST} ${X264} -c:a aac -map 0 -map 1`,
    expect: { ...PLAIN, audio: 'aac' },
  },
  {
    name: 'second-film-longer.mp4',
    ffmpeg: `${TEST} -f lavfi -i testsrc2=size=64x64:rate=24:duration=1 ${X264} -map 0 -map 1 -disposition:v:0 default`,
    expect: PLAIN,
  },
];
