/** Sizes, shapes, turns, colours. */

import { boxPath, insertBox, patch32 } from './boxes.ts';
import { PLAIN, TEST, type Wild, X264 } from './recipe.ts';

export const PICTURE: readonly Wild[] = [
  // Sizes and shapes
  {
    name: 'tiny.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=8x8:rate=24:duration=0.5 ${X264}`,
    expect: { ...PLAIN, size: '8x8' },
  },
  {
    name: 'pixel.webm',
    ffmpeg:
      '-f lavfi -i color=red:size=2x2:rate=24:duration=0.5 -vf format=yuv444p,crop=1:1 -c:v libvpx-vp9 -cpu-used 8',
    expect: { ...PLAIN, size: '1x1' },
  },
  {
    name: '8k.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=7680x4320:rate=24:duration=0.08 ${X264}`,
    expect: { ...PLAIN, size: '7680x4320', frames: 2 },
  },
  {
    name: 'ribbon.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=4096x16:rate=24:duration=0.5 ${X264}`,
    expect: { ...PLAIN, size: '4096x16' },
  },
  {
    name: 'odd.mp4',
    ffmpeg: '-f lavfi -i testsrc=size=127x71:rate=24:duration=0.5 -c:v libx264 -preset ultrafast -pix_fmt yuv444p',
    expect: { ...PLAIN, size: '127x71' },
  },
  {
    name: 'odd.webm',
    ffmpeg: '-f lavfi -i testsrc=size=127x71:rate=24:duration=0.5 -c:v libvpx -pix_fmt yuv420p',
    expect: { ...PLAIN, size: '127x71' },
  },
  {
    name: 'portrait.mp4',
    ffmpeg: `-f lavfi -i testsrc2=size=72x128:rate=24:duration=0.5 ${X264}`,
    expect: { ...PLAIN, size: '72x128' },
  },
  { name: 'anamorphic.mp4', ffmpeg: `${TEST} -vf setsar=4/3 ${X264}`, expect: { ...PLAIN, size: '171x72' } },
  { name: 'anamorphic.mkv', ffmpeg: `${TEST} -vf setsar=4/3 ${X264}`, expect: { ...PLAIN, size: '171x72' } },
  { name: 'absurd-pixels.mp4', ffmpeg: `${TEST} -vf setsar=1000/1 ${X264}`, expect: PLAIN },
  {
    name: 'aperture.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => aperture(file, 96, 60),
    expect: { ...PLAIN, size: '96x60' },
  },
  { name: 'absurd-aperture.mp4', from: 'no-b-frames.mp4', bytes: (file) => aperture(file, 960, 600), expect: PLAIN },
  {
    name: 'turned-90.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => matrix(file, [0, 1, -1, 0]),
    expect: { ...PLAIN, size: '72x128' },
  },
  {
    name: 'turned-180.mp4',
    from: 'quarters.mp4',
    bytes: (file) => matrix(file, [-1, 0, 0, -1]),
    expect: { ...PLAIN, pixel: [100, 50, 254, 0, 0] },
  },
  {
    name: 'turned-270.mp4',
    from: 'no-b-frames.mp4',
    bytes: (file) => matrix(file, [0, -1, 1, 0]),
    expect: { ...PLAIN, size: '72x128' },
  },
  {
    name: 'quarters.mp4',
    ffmpeg: `-f lavfi -i color=red:size=128x72:rate=24:duration=0.5 -vf drawbox=x=64:y=0:w=64:h=36:c=lime:t=fill,drawbox=x=0:y=36:w=64:h=36:c=blue:t=fill ${X264} -crf 5`,
    expect: { ...PLAIN, pixel: [20, 10, 254, 0, 0] },
  },
  {
    name: 'mirrored.mp4',
    from: 'quarters.mp4',
    bytes: (file) => matrix(file, [-1, 0, 0, 1]),
    expect: { ...PLAIN, pixel: [20, 10, 0, 255, 1] },
  },
  {
    name: 'flipped.mp4',
    from: 'quarters.mp4',
    bytes: (file) => matrix(file, [1, 0, 0, -1]),
    expect: { ...PLAIN, pixel: [20, 10, 0, 0, 254] },
  },
  {
    name: 'slanted.mp4',
    from: 'quarters.mp4',
    bytes: (file) => matrix(file, [0.7, 0.7, -0.7, 0.7]),
    expect: { ...PLAIN, size: '72x128' },
  },
  {
    name: 'no-size.mp4',
    from: 'plain.mp4',
    bytes: (file) => {
      const at = boxPath(file, 'moov/trak/mdia/minf/stbl/stsd').start + 16;
      return patch32(file, at + 32, 0);
    },
    expect: 'NOT_A_VIDEO',
  },
  {
    name: 'growing.mkv',
    ffmpeg:
      '-f lavfi -i testsrc2=size=128x72:rate=24:duration=0.25 -f lavfi -i testsrc2=size=64x36:rate=24:duration=0.25 -filter_complex [1:v]scale=128:72,setsar=1[s];[0:v][s]concat=n=2:v=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p',
    expect: PLAIN,
  },
  // Colour
  { name: 'bt601.mp4', ffmpeg: colour('smpte170m', 'tv'), expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] } },
  { name: 'bt709.mp4', ffmpeg: colour('bt709', 'tv'), expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] } },
  { name: 'bt709-full.mp4', ffmpeg: colour('bt709', 'pc'), expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] } },
  { name: 'bt2020-sdr.mp4', ffmpeg: colour('bt2020nc', 'tv', 'libx264', 'yuv420p10le'), expect: { ...PLAIN } },
  {
    name: 'bt709-vp9.webm',
    ffmpeg: colour('bt709', 'tv', 'libvpx-vp9'),
    expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] },
  },
  {
    name: 'bt601-vp9.webm',
    ffmpeg: colour('smpte170m', 'tv', 'libvpx-vp9'),
    expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] },
  },
  {
    name: 'bt709-full-vp9.webm',
    ffmpeg: colour('bt709', 'pc', 'libvpx-vp9'),
    expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] },
  },
  {
    name: 'bt709-av1.mp4',
    ffmpeg: colour('bt709', 'tv', 'libaom-av1'),
    expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] },
  },
  {
    name: 'bt709-vp8.webm',
    ffmpeg: colour('bt709', 'tv', 'libvpx'),
    expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] },
  },
  { name: 'bt601.mkv', ffmpeg: colour('smpte170m', 'tv'), expect: { ...PLAIN, pixel: [64, 36, 200, 80, 40] } },
  {
    name: 'pq.mp4',
    ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc`,
    expect: { ...PLAIN, notices: 'HDR_TONE_MAPPED' },
  },
  {
    name: 'hlg.mkv',
    ffmpeg: `${TEST} -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc`,
    expect: { ...PLAIN, notices: 'HDR_TONE_MAPPED' },
  },
  {
    name: 'pq-av1.webm',
    ffmpeg: `${TEST} -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc`,
    expect: { ...PLAIN, notices: 'HDR_TONE_MAPPED' },
  },
  {
    name: 'alpha.webm',
    ffmpeg: `${TEST} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuva420p`,
    expect: { ...PLAIN, notices: 'ALPHA_COMPOSITED' },
  },
  {
    name: 'alpha-vp8.webm',
    ffmpeg: `${TEST} -c:v libvpx -auto-alt-ref 0 -pix_fmt yuva420p`,
    expect: { ...PLAIN, notices: 'ALPHA_COMPOSITED' },
  },
];

function colour(matrix: string, range: string, codec = 'libx264', format = 'yuv420p'): string {
  const source = '-f lavfi -i color=0xC85028:size=128x72:rate=24:duration=0.5';
  const stated = matrix === 'smpte170m' ? 'smpte170m' : matrix === 'bt709' ? 'bt709' : 'bt2020';
  const trc = stated === 'bt2020' ? 'bt2020-10' : stated;
  const scale = `-vf scale=out_color_matrix=${matrix.replace('nc', '')}:out_range=${range},format=${format}`;
  const speed =
    codec === 'libx264' ? '-preset ultrafast -crf 5' : codec === 'libvpx' ? '-b:v 2M' : '-cpu-used 8 -crf 10 -b:v 0';
  return `${source} ${scale} -c:v ${codec} ${speed} -color_primaries ${stated} -color_trc ${trc} -colorspace ${matrix} -color_range ${range}`;
}

function matrix(file: Buffer, [a, b, c, d]: readonly [number, number, number, number]): Buffer {
  const { start } = boxPath(file, 'moov/trak/tkhd');
  const copy = Buffer.from(file);
  for (const [i, value] of [a, b, 0, c, d].entries()) copy.writeInt32BE(Math.round(value * 65536), start + 48 + 4 * i);
  return copy;
}

function aperture(file: Buffer, width: number, height: number): Buffer {
  const box = Buffer.alloc(40);
  box.writeUInt32BE(40, 0);
  box.write('clap', 4);
  for (const [i, value] of [width, 1, height, 1, 0, 1, 0, 1].entries()) box.writeUInt32BE(value, 8 + 4 * i);
  return insertBox(file, 'moov/trak/mdia/minf/stbl/stsd/avc1', box);
}
