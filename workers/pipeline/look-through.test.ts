import { expect, test, vi } from 'vitest';
import type { Clip } from '../media/clip.ts';
import { clipOf, deviceOf, NANO, settingsOf } from '../plan/fixtures/plan-inputs.ts';
import { planJob } from '../plan/plan-job.ts';
import { lookThrough } from './look-through.ts';

test('a pause holds the look through the clip between two frames', async () => {
  const source = clipOf(8, 8, 6);
  const plan = planJob(source, settingsOf({ scale: 1 }), deviceOf(), NANO);
  let read = 0;
  const clip = {
    async *frames() {
      for (let frame = 0; frame < 6; frame += 1) {
        read += 1;
        yield { width: 8, height: 8, rgba: new Uint8ClampedArray(8 * 8 * 4) };
      }
    },
  } as unknown as Pick<Clip, 'frames'>;
  let release = (): void => {};
  const held = new Promise<number>((resolve) => {
    release = () => resolve(5);
  });
  const looked = lookThrough(
    clip,
    plan,
    new AbortController().signal,
    async () => (read < 3 ? 0 : held),
    () => {},
  );
  await vi.waitFor(() => expect(read).toBe(3));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(read).toBe(3);
  release();
  expect((await looked).shots).toHaveLength(1);
  expect(read).toBe(6);
});
