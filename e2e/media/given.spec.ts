/**
 * The twenty-seven clips that the product was specified with, as they are: each comes out whole with its properties, is planned, encoded
 * and written with its sound, or is refused with its code. Where the folder is not there (not all of it may be handed on), `table.spec.ts`
 * holds the same for their likes.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { surprisesOf, tried } from '../verify/wild/judge.ts';
import type { Opens } from '../verify/wild/recipe.ts';
import { withMedia } from './with-media.ts';

const FOLDER = process.env.CLIPS_FOLDER ?? '../shared/data/clips';
const NTSC = '30000/1001';
const VARIES = { rate: 'varies', notices: 'VARIABLE_FRAME_RATE' } as const;

const GIVEN: Readonly<Record<string, Opens | string>> = {
  'media__bbb_642x642_768kbps_30fps_vp9.webm': { size: '642x642', frames: 90, rate: '30/1', durationMs: 3000 },
  'media__bt601.mov': { size: '640x428', frames: 30, rate: NTSC, durationMs: 1020, audio: 'aac' },
  'media__h265_bframes.mp4': 'UNSUPPORTED_CODEC',
  'media__sample_audio_only.mp4': 'NO_VIDEO_TRACK',
  'media__sample_av1.mp4': { size: '1080x720', frames: 30, rate: NTSC, durationMs: 1001, audio: 'aac' },
  'media__sample_fragmented.mp4': {
    size: '1080x720',
    frames: 30,
    rate: NTSC,
    durationMs: 1001,
    firstMs: 67,
    audio: 'aac',
  },
  'mediabunny__cursed-vfr.mp4': { size: '3026x1386', frames: 63, ...VARIES },
  'mediabunny__edts.mp4': { size: '854x480', frames: 225, rate: '25/1', durationMs: 9000, audio: 'aac' },
  'mediabunny__frames.webm': { size: '1080x1080', frames: 100, rate: '30/1' },
  'mediabunny__rotate-buck-bunny.mp4': { size: '1080x1920', frames: 45, rate: '24/1', audio: 'aac' },
  'mediabunny__video.mp4': { size: '1920x1080', frames: 125, rate: '25/1', audio: 'aac' },
  // Its index names a chunk that isn't there; its samples are where the chunks say.
  'mp4parse-r__chunk_out_of_range.mp4': { size: '176x144', frames: 17, rate: '25/1' },
  'mp4parse-r__short-cenc.mp4': 'ENCRYPTED',
  'self__1frame.mp4': { size: '320x180', frames: 1, rate: '24/1', durationMs: 42 },
  'self__2x2.mp4': { size: '2x2', frames: 12, rate: '24/1', durationMs: 500 },
  'self__av1.mp4': { size: '256x144', frames: 24, rate: '24/1', durationMs: 1000 },
  'self__empty.mp4': 'EMPTY_FILE',
  'self__hevc10.mp4': 'UNSUPPORTED_CODEC',
  'self__moov_at_end_opus.mp4': { size: '256x144', frames: 50, rate: '25/1', durationMs: 2000, audio: 'opus' },
  'self__ntsc_bframes_frag.mp4': {
    size: '256x144',
    frames: 60,
    rate: NTSC,
    durationMs: 2002,
    firstMs: 67,
    audio: 'aac',
  },
  'self__odd_319x179_h264_444.mp4': { size: '319x179', frames: 36, rate: '24/1', durationMs: 1500 },
  'self__odd_321x181_vp9.webm': { size: '321x181', frames: 36, rate: '24/1', durationMs: 1500 },
  'self__text_as.mp4': 'NOT_A_VIDEO',
  'self__trunc_third.mp4': 'TRUNCATED',
  'self__vfr.mp4': { size: '256x144', frames: 47, ...VARIES, durationMs: 2933 },
  'self__zeros.mp4': 'NOT_A_VIDEO',
  'torchcodec__h264_10bits.mp4': { size: '200x200', frames: 30, rate: '30/1', durationMs: 1000 },
};

withMedia.skip(!existsSync(FOLDER), `${FOLDER} is not there`);

withMedia('the clips that the product was specified with', async ({ media, page }) => {
  withMedia.setTimeout(900_000);
  await page.route('**/given/*', (route) =>
    route.fulfill({
      body: readFileSync(join(FOLDER, decodeURIComponent(new URL(route.request().url()).pathname.split('/').at(-1)!))),
    }),
  );
  const surprises: string[] = [];
  for (const [name, expected] of Object.entries(GIVEN)) {
    const clip = { name, expect: expected };
    const result = await tried(media, 'given', clip);
    const found = result === 'stuck' ? ['stuck'] : surprisesOf(clip, result);
    surprises.push(...found.map((what) => `${name}: ${what}`));
  }
  expect(surprises).toEqual([]);
});
