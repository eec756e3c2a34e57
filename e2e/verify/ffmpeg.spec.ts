/** What ffmpeg makes of the download: an independent demuxer and decoder. Part of `npm run verify`, since it needs ffmpeg. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { EnhancerPage } from '../enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';
const TRUTH = 'e2e/fixtures/clips/real_320x180_truth.mp4';

test('ffprobe and ffmpeg agree with the plan', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await enhancer.set({ Scale: 2, 'Frame rate': 2, Strength: 0, Seed: 7, Steps: 1 });
  const path = join(mkdtempSync(join(tmpdir(), 'venhancer-')), 'enhanced.mp4');
  writeFileSync(path, await enhancer.run(220_000));

  const { streams, format } = JSON.parse(
    execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-show_format', '-of', 'json', path], {
      encoding: 'utf8',
    }),
  );
  const video = streams.find((stream: { codec_type: string }) => stream.codec_type === 'video');
  expect(video).toMatchObject({
    codec_name: 'h264',
    width: 320,
    height: 180,
    pix_fmt: 'yuv420p',
    color_range: 'tv',
    color_space: 'bt709',
    r_frame_rate: '30/1',
    nb_read_frames: '31',
  });
  expect(streams.filter((stream: { codec_type: string }) => stream.codec_type === 'audio')).toHaveLength(1);

  expect(format.tags.description).toContain('generated in part');
  expect(format.tags.comment).toMatch(/^recipe=1&.*scale=2&frame-rate=2&.*seed=7/);

  expect(packetHashes(path)).toEqual(packetHashes(CLIP));

  const psnr = Number(
    /average:([\d.]+)/.exec(
      execFileSync(
        'sh',
        ['-c', `ffmpeg -hide_banner -i '${path}' -i '${TRUTH}' -lavfi '[0:v][1:v]psnr' -f null - 2>&1`],
        {
          encoding: 'utf8',
        },
      ),
    )?.[1],
  );
  console.log(`ffmpeg: ${psnr.toFixed(2)} dB against the truth`);
  expect(psnr).toBeGreaterThan(30);
});

/** Hash of every audio packet. */
function packetHashes(path: string): string[] {
  const probe = ['-v', 'error', '-select_streams', 'a', '-show_packets', '-show_data_hash', 'md5', '-of', 'json', path];
  return JSON.parse(execFileSync('ffprobe', probe, { encoding: 'utf8' })).packets.map(
    (packet: { data_hash: string }) => packet.data_hash,
  );
}
