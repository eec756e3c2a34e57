import { expect, test } from 'vitest';
import { EnhancerError } from '../errors.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { FrameStore } from './frame-store.ts';

test('what ended the frames is told to everyone who asks for more, not only to the first', async () => {
  const changed = new EnhancerError('SOURCE_CHANGED', 'The file is another by now.', 'Choose it again.');
  async function* frames(): AsyncGenerator<DecodedFrame> {
    yield { index: 0 } as DecodedFrame;
    throw changed;
  }
  const store = new FrameStore(frames(), 0);
  await store.reach(0);
  await expect(store.reach(1)).rejects.toBe(changed);
  await expect(store.reach(2)).rejects.toBe(changed);
  expect(store.get(0).index).toBe(0);
});

test('a clip that ends early says so', async () => {
  async function* none(): AsyncGenerator<DecodedFrame> {}
  await expect(new FrameStore(none(), 0).reach(0)).rejects.toMatchObject({ code: 'TRUNCATED' });
});
