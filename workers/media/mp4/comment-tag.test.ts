import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openContainer } from '../container.ts';
import { OUTPUT_COLOUR_SPACE } from '../group-encoder.ts';
import { muxMp4ToBlob } from '../mux.ts';
import { fileComment } from './comment-tag.ts';

const CLIP = new File([readFileSync('e2e/fixtures/clips/real_160x90.mp4')], 'clip.mp4');

async function tagged(comment: string | null): Promise<Blob> {
  const { video, info } = await openContainer(CLIP);
  const first = await video.packets(0)[Symbol.asyncIterator]().next();
  const packet = { data: first.value!, timestampUs: 0, durationUs: 66_667, type: 'key' as const };
  return muxMp4ToBlob({
    video: {
      decoderConfig: {
        codec: info.videoCodec,
        codedWidth: info.codedWidth,
        codedHeight: info.codedHeight,
        description: video.decoderConfig.description as Uint8Array<ArrayBuffer>,
        colorSpace: OUTPUT_COLOUR_SPACE,
      },
      packetCount: 1,
      async *packets() {
        yield packet;
      },
    },
    frameRate: { numerator: 15, denominator: 1 },
    audioTracks: [],
    ...(comment === null ? {} : { tags: { description: 'Generated in part.', comment } }),
  });
}

test('the comment that was written is read, whatever its letters', async () => {
  const comment = 'recipe=1&scale=2 — Größe, 日本';
  expect(await fileComment(await tagged(comment))).toBe(comment);
});

test('files without one have none: ours, ffmpeg’s, and what is no file of the kind', async () => {
  expect(await fileComment(await tagged(null))).toBeNull();
  expect(await fileComment(CLIP)).toBeNull();
  expect(await fileComment(new Blob([readFileSync('e2e/fixtures/clips/self__zeros.mp4')]))).toBeNull();
  expect(await fileComment(new Blob([]))).toBeNull();
});

test('a file cut anywhere has no comment or the whole one, and never throws', async () => {
  const whole = await tagged('recipe=1&scale=3');
  for (let bytes = 0; bytes < Math.min(whole.size, 3000); bytes += 7) {
    expect([null, 'recipe=1&scale=3']).toContain(await fileComment(whole.slice(0, bytes)));
  }
});
