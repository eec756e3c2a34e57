/**
 * Files as the wild brings them (`wild/`), through everything that a job does but the model: each comes out as it should, or is
 * refused as it should. `npm run clips:try`; part of `npm run verify`, since ffmpeg makes them.
 */

import { expect } from '@playwright/test';
import { withMedia } from '../media/with-media.ts';
import { WILD } from './wild/all.ts';
import { surprisesOf, tried } from './wild/judge.ts';
import { made, wildFolder } from './wild/make.ts';

/** `CLIPS=pcm npm run clips:try`: those whose names it matches. */
const ONLY = new RegExp(process.env.CLIPS ?? '');

withMedia('every kind of clip comes out as it should, or is refused in words', async ({ media, page }) => {
  withMedia.setTimeout(1_200_000);
  const folder = wildFolder();
  await page.route('**/wild/*', (route) => {
    const name = decodeURIComponent(new URL(route.request().url()).pathname.split('/').at(-1)!);
    return route.fulfill({ body: made(name, folder), contentType: 'application/octet-stream' });
  });
  const surprises: string[] = [];
  const outcomes: Record<string, number> = {};
  for (const clip of WILD.filter(({ name }) => ONLY.test(name))) {
    const result = await tried(media, 'wild', clip);
    if (result === 'stuck') {
      surprises.push(`${clip.name}: stuck`);
      await page.reload();
      await page.waitForFunction('window.media');
      continue;
    }
    const outcome = result.kind === 'error' ? result.code : 'opens';
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    surprises.push(...surprisesOf(clip, result).map((what) => `${clip.name}: ${what}`));
  }
  console.info(`${WILD.length} clips`, outcomes);
  expect(surprises).toEqual([]);
});
