import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EncoderChoice } from '../media/encoder-choice.ts';
import { type EncodedGroup, GroupEncoder, type TimedPicture } from '../media/group-encoder.ts';
import { EncodingAhead } from './encoding-ahead.ts';

const CHOICE = { config: { width: 2, height: 2 } } as unknown as EncoderChoice;
const picture = (at: number): TimedPicture => ({ data: new Uint8Array(6), timestampUs: at, durationUs: 1 });

/** Node has no encoder: what reaches one, and what it would answer. */
let encoded: number[][];
let closed: number;
let failing: boolean;

beforeEach(() => {
  encoded = [];
  closed = 0;
  failing = false;
  const ofEncoder = new Map<object, number[]>();
  vi.stubGlobal(
    'VideoEncoder',
    class {
      state = 'configured';
      configure(): void {
        encoded.push([]);
      }
      close(): void {
        this.state = 'closed';
        closed += 1;
      }
    },
  );
  vi.spyOn(GroupEncoder.prototype, 'encode').mockImplementation(async function (this: GroupEncoder, { timestampUs }) {
    if (failing) throw new Error('taken back');
    if (!ofEncoder.has(this)) ofEncoder.set(this, encoded.at(-1)!);
    ofEncoder.get(this)!.push(timestampUs);
  });
  vi.spyOn(GroupEncoder.prototype, 'finish').mockImplementation(
    async () => ({ packets: [] }) as unknown as EncodedGroup,
  );
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function window(ahead: EncodingAhead, kept: number, ...at: readonly number[]): Promise<void> {
  ahead.begin(CHOICE, kept);
  for (const each of at) await ahead.add(picture(each));
}

describe('encoding ahead', () => {
  it('gives one encoder all of a group, and the group once it is whole', async () => {
    const ahead = new EncodingAhead(new AbortController().signal);
    await window(ahead, 0, 1, 2);
    await window(ahead, 2, 3);
    expect(await ahead.finish(CHOICE, 3)).not.toBeNull();
    expect(encoded).toEqual([[1, 2, 3]]);
  });

  it('has nothing for a group that began elsewhere, lost a window or is of another encoder', async () => {
    const ahead = new EncodingAhead(new AbortController().signal);
    await window(ahead, 5, 6, 7);
    expect(await ahead.finish(CHOICE, 7)).toBeNull();
    await window(ahead, 0, 1, 2);
    expect(await ahead.finish(CHOICE, 1)).toBeNull();
    await window(ahead, 0, 1);
    expect(await ahead.finish({ ...CHOICE }, 1)).toBeNull();
    expect(closed).toBe(2);
  });

  it('does not trust an encoder that stood idle', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const ahead = new EncodingAhead(new AbortController().signal);
    await window(ahead, 0, 1);
    vi.advanceTimersByTime(31_000);
    await window(ahead, 1, 2);
    expect(await ahead.finish(CHOICE, 2)).toBeNull();
  });

  it('tells of a failure at the group’s end, and then begins anew', async () => {
    const ahead = new EncodingAhead(new AbortController().signal);
    failing = true;
    await window(ahead, 0, 1, 2);
    await expect(ahead.finish(CHOICE, 2)).rejects.toThrow('taken back');
    expect(await ahead.finish(CHOICE, 2)).toBeNull();
    failing = false;
    await window(ahead, 0, 1);
    expect(await ahead.finish(CHOICE, 1)).not.toBeNull();
  });
});
