import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Sha256 } from './sha256.ts';

it('agrees with Node for every length around the block size, in any pieces', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 73) & 255);
  for (let length = 0; length <= 200; length += 1) {
    const whole = bytes.subarray(0, length);
    const hash = new Sha256();
    for (let at = 0; at < length; at += 1 + (length % 37)) hash.update(whole.subarray(at, at + 1 + (length % 37)));
    expect(hash.hex()).toBe(createHash('sha256').update(whole).digest('hex'));
  }
});
