import { expect, test } from 'vitest';
import { identify, sameSource } from './source-identity.ts';

const MIB = 2 ** 20;

function fileOf(bytes: number, change?: { at: number; by: number }, name = 'clip.mp4'): File {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i += 1) data[i] = i * 31 + (i >> 8);
  if (change) data[change.at] = data[change.at]! ^ change.by;
  return new File([data], name, { lastModified: 1 });
}

test('the same bytes are the same clip under any name', async () => {
  const moved = await identify(fileOf(3000, undefined, 'renamed.mp4'));
  expect(moved).toMatchObject({ name: 'renamed.mp4', bytes: 3000, lastModified: 1 });
  expect(sameSource(await identify(fileOf(3000)), moved)).toBe(true);
});

test('in a small file any changed byte is another clip; in a large one, a changed head, tail or length', async () => {
  const small = await identify(fileOf(3000));
  for (const at of [0, 1, 1234, 2999]) {
    expect(sameSource(small, await identify(fileOf(3000, { at, by: 1 })))).toBe(false);
  }
  const bytes = 6 * MIB;
  const large = await identify(fileOf(bytes));
  for (const at of [0, 65535, bytes - 65536, bytes - 1]) {
    expect(sameSource(large, await identify(fileOf(bytes, { at, by: 128 })))).toBe(false);
  }
  expect(sameSource(large, await identify(fileOf(bytes + 1)))).toBe(false);
  expect(sameSource(large, await identify(fileOf(bytes)))).toBe(true);
});
