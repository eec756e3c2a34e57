import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled, type EnhancerError } from '../errors.ts';
import { MemoryFile } from '../jobs/byte-file.ts';
import { Journal } from '../jobs/journal.ts';
import type { EncoderChoice } from '../media/encoder-choice.ts';
import type { TimedPicture } from '../media/group-encoder.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import { encodeDue, givenUpPictures, windowWriter } from './encoder.ts';
import { EncodingAhead } from './encoding-ahead.ts';
import type { JobJournal } from './journal-keeper.ts';

const [WIDTH, HEIGHT] = [2, 2];
const CHOICE = { config: { width: WIDTH, height: HEIGHT } } as unknown as EncoderChoice;
const PICTURE_BYTES = 6;
const picture = (at: number): TimedPicture => ({
  data: new Uint8Array(PICTURE_BYTES).fill(at),
  timestampUs: at * 1000,
  durationUs: 1000,
});

/**
 * Node has no encoder. This one keeps to WebCodecs' rules of queue, dequeue, flush and close, answers in turns of the event loop, and fails, is taken back or
 * falls silent at a picture of the test's choice.
 */
class HandEncoder extends EventTarget {
  static made: HandEncoder[] = [];
  /** What becomes of the picture that enters as this one of an encoder, counted with the rehearsal's; by encoder. */
  static fault: ((encoder: number, picture: number) => 'error' | 'taken back' | 'silence' | null) | null = null;
  state = 'unconfigured';
  encodeQueueSize = 0;
  readonly timestampsUs: number[] = [];
  readonly #init: VideoEncoderInit;
  #silent = false;
  #idle: (() => void)[] = [];

  constructor(init: VideoEncoderInit) {
    super();
    this.#init = init;
    HandEncoder.made.push(this);
  }

  configure(): void {
    this.state = 'configured';
  }

  encode({ timestamp }: VideoFrame, { keyFrame }: VideoEncoderEncodeOptions = {}): void {
    if (this.state === 'closed') throw new DOMException('closed', 'InvalidStateError');
    this.timestampsUs.push(timestamp);
    this.encodeQueueSize += 1;
    const fault = HandEncoder.fault?.(HandEncoder.made.indexOf(this), this.timestampsUs.length);
    if (fault === 'silence') this.#silent = true;
    setTimeout(() => this.#take(timestamp, keyFrame === true, fault ?? null), 1);
  }

  async flush(): Promise<void> {
    if (this.state === 'closed') throw new DOMException('closed', 'InvalidStateError');
    if (this.encodeQueueSize > 0 || this.#silent) await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (this.state === 'closed') throw new DOMException('Aborted due to close()', 'AbortError');
  }

  close(): void {
    this.state = 'closed';
    this.encodeQueueSize = 0;
    this.dispatchEvent(new Event('dequeue'));
    this.#wake();
  }

  #take(timestamp: number, keyFrame: boolean, fault: string | null): void {
    if (this.state === 'closed' || this.#silent) return;
    if (fault) {
      this.close();
      const name = fault === 'error' ? 'EncodingError' : 'QuotaExceededError';
      this.#init.error(new DOMException('Codec reclaimed.', name));
      return;
    }
    this.encodeQueueSize -= 1;
    this.dispatchEvent(new Event('dequeue'));
    const data = Uint8Array.of(timestamp / 1000);
    const chunk = {
      timestamp,
      type: keyFrame ? 'key' : 'delta',
      byteLength: 1,
      copyTo: (to: Uint8Array) => to.set(data),
    };
    const colorSpace = {} as VideoColorSpaceInit;
    const decoderConfig = { codec: 'vp09.00.10.08', codedWidth: WIDTH, codedHeight: HEIGHT, colorSpace };
    this.#init.output(chunk as unknown as EncodedVideoChunk, { decoderConfig });
    if (this.encodeQueueSize === 0) this.#wake();
  }

  #wake(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}

/** A disk that is full from `limit` bytes on, if there is a limit. */
class SmallFile extends MemoryFile {
  limit = Number.POSITIVE_INFINITY;

  override write(buffer: AllowSharedBufferSource, { at = 0 }: { at?: number } = {}): number {
    const end = at + buffer.byteLength;
    if (end > Math.max(this.limit, this.getSize())) throw new DOMException('No space.', 'QuotaExceededError');
    return super.write(buffer, { at });
  }
}

beforeEach(() => {
  HandEncoder.made = [];
  HandEncoder.fault = null;
  vi.stubGlobal('VideoEncoder', HandEncoder);
  vi.stubGlobal(
    'VideoFrame',
    class {
      readonly timestamp: number;
      constructor(_: unknown, { timestamp }: VideoFrameBufferInit) {
        this.timestamp = timestamp;
      }
      close(): void {}
    },
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function given(ahead: EncodingAhead, kept: number, ...at: readonly number[]): Promise<void> {
  ahead.begin(CHOICE, kept);
  for (const each of at) await ahead.add(picture(each));
}

const timesOf = (group: { packets: readonly { timestampUs: number }[] } | null) =>
  group?.packets.map(({ timestampUs }) => timestampUs / 1000);

describe('encoding ahead', () => {
  it('gives one encoder all of a group, and the group once it is whole', async () => {
    const ahead = new EncodingAhead(new AbortController().signal);
    await given(ahead, 0, 1, 2);
    await given(ahead, 2, 3);
    expect(timesOf(await ahead.finish(CHOICE, 3))).toEqual([1, 2, 3]);
    expect(HandEncoder.made).toHaveLength(1);
    expect(HandEncoder.made[0]!.state).toBe('closed');
  });

  it('has nothing for a group that began elsewhere, lost a window or is of another encoder', async () => {
    const ahead = new EncodingAhead(new AbortController().signal);
    await given(ahead, 5, 6, 7);
    expect(await ahead.finish(CHOICE, 7)).toBeNull();
    await given(ahead, 0, 1, 2);
    expect(await ahead.finish(CHOICE, 1)).toBeNull();
    await given(ahead, 0, 1);
    expect(await ahead.finish({ ...CHOICE }, 1)).toBeNull();
    expect(HandEncoder.made.map(({ state }) => state)).toEqual(['closed', 'closed']);
  });

  it.each(['between windows', 'in the middle of one', 'before the end'])(
    'does not trust an encoder that stood idle %s',
    async (when) => {
      vi.useFakeTimers({ toFake: ['performance'] });
      const ahead = new EncodingAhead(new AbortController().signal);
      await given(ahead, 0, 1);
      // Until it has been through.
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (when === 'between windows') {
        vi.advanceTimersByTime(31_000);
        await given(ahead, 1, 2);
      } else if (when === 'in the middle of one') {
        vi.advanceTimersByTime(31_000);
        await ahead.add(picture(2));
      } else {
        await ahead.add(picture(2));
        await new Promise((resolve) => setTimeout(resolve, 20));
        vi.advanceTimersByTime(31_000);
      }
      expect(await ahead.finish(CHOICE, 2)).toBeNull();
    },
  );

  it.each(['error', 'taken back'] as const)('keeps a failure to itself, and begins anew: %s', async (fault) => {
    HandEncoder.fault = (encoder, at) => (encoder === 0 && at === 9 ? fault : null);
    const ahead = new EncodingAhead(new AbortController().signal);
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    await given(ahead, 0, ...all);
    expect(await ahead.finish(CHOICE, 40)).toBeNull();
    await given(ahead, 0, ...all);
    expect(timesOf(await ahead.finish(CHOICE, 40))).toEqual(all);
  });

  it('gives up an encoder that falls silent, however many pictures wait for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval', 'clearTimeout', 'performance'] });
    HandEncoder.fault = (_, at) => (at === 3 ? 'silence' : null);
    const ahead = new EncodingAhead(new AbortController().signal);
    const handed = given(ahead, 0, ...Array.from({ length: 40 }, (_, i) => i + 1));
    await vi.advanceTimersByTimeAsync(61_000);
    await handed;
    expect(await ahead.finish(CHOICE, 40)).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('holds nobody up who drops it in the middle, nor who cancels', async () => {
    HandEncoder.fault = (_, at) => (at === 3 ? 'silence' : null);
    for (const how of ['drop', 'cancel']) {
      const abort = new AbortController();
      const ahead = new EncodingAhead(abort.signal);
      const handed = given(ahead, 0, ...Array.from({ length: 40 }, (_, i) => i + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (how === 'drop') ahead.drop();
      else abort.abort(cancelled());
      await handed;
    }
  });

  it('passes a cancel on', async () => {
    const abort = new AbortController();
    const ahead = new EncodingAhead(abort.signal);
    await given(ahead, 0, 1, 2);
    abort.abort(cancelled());
    await expect(ahead.finish(CHOICE, 2)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

const PLAN = {
  output: { width: WIDTH, height: HEIGHT, frameCount: 8 },
  groups: [{ startFrame: 0, endFrame: 8, windows: 2 }],
} as unknown as JobPlan;

/** Two windows of four pictures, one group, over files that can fill up. */
function job(plan = PLAN) {
  const files = { journal: new SmallFile(), pictures: new SmallFile() };
  const states = [new MemoryFile(), new MemoryFile()] as const;
  const record = { version: 1, id: 'job', startedAtMs: 0, plan, encoder: CHOICE, source: {} };
  const journal: JobJournal = Journal.create(files.journal, states, record as never, files.pictures);
  const abort = new AbortController();
  const ahead = new EncodingAhead(abort.signal);
  const window = async (first: number) => {
    const segment = windowWriter(CHOICE, plan, journal, abort.signal, ahead);
    try {
      for (let at = first; at < first + 4; at += 1) {
        const { data, timestampUs, durationUs } = picture(at);
        const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
        await segment.write({ rgba, i420: data } as never, timestampUs, durationUs);
      }
      await segment.finish();
    } finally {
      segment.close();
    }
  };
  const packets = async () => {
    const found: number[] = [];
    for await (const { timestampUs } of journal.packets()) found.push(timestampUs / 1000);
    return found;
  };
  return { files, journal, ahead, abort, window, packets };
}

const EIGHT = [1, 2, 3, 4, 5, 6, 7, 8];
const FULL = { code: 'QUOTA_EXCEEDED' };

describe('windows into the journal, encoded ahead', () => {
  it('come out as one group', async () => {
    const { journal, window, packets } = job();
    await window(1);
    await window(5);
    expect(await packets()).toEqual(EIGHT);
    expect(journal.picturesKept).toBe(0);
    expect(HandEncoder.made).toHaveLength(1);
  });

  it.each(['error', 'taken back'] as const)('come out the same where the encoder ahead fails: %s', async (fault) => {
    HandEncoder.fault = (encoder, at) => (encoder === 0 && at === 8 ? fault : null);
    const { window, packets } = job();
    await window(1);
    await window(5);
    expect(await packets()).toEqual(EIGHT);
    expect(HandEncoder.made).toHaveLength(2);
  });

  it('tell of an encoder that fails with the kept pictures too, which stay', async () => {
    HandEncoder.fault = (_, at) => (at === 8 ? 'error' : null);
    const { journal, window, ahead, abort, packets } = job();
    await window(1);
    await expect(window(5)).rejects.toMatchObject({ code: 'ENCODE_FAILED' });
    expect(journal.framesDone).toBe(8);
    HandEncoder.fault = null;
    await encodeDue(CHOICE, PLAN, journal, abort.signal, ahead);
    expect(await packets()).toEqual(EIGHT);
  });

  it('stop at the last window where no more pictures can be kept, and go on by themselves where packets can', async () => {
    const { files, journal, window, abort, packets } = job();
    await window(1);
    files.pictures.limit = 0;
    await expect(window(5)).rejects.toMatchObject(FULL);
    expect(journal.framesDone).toBe(4);
    expect(await givenUpPictures(CHOICE, journal, abort.signal)).toBe(true);
    expect(await packets()).toEqual([1, 2, 3, 4]);
    await window(5);
    expect(await packets()).toEqual(EIGHT);
    expect(HandEncoder.made.every(({ state }) => state === 'closed')).toBe(true);
  });

  it('stop at the last window where nothing can be written, and lose none when there is room', async () => {
    const { files, journal, window, abort, packets } = job();
    await window(1);
    files.pictures.limit = 0;
    files.journal.limit = 0;
    await expect(window(5)).rejects.toMatchObject(FULL);
    expect(await givenUpPictures(CHOICE, journal, abort.signal)).toBe(false);
    await expect(window(5)).rejects.toMatchObject(FULL);
    expect(journal.framesDone).toBe(4);
    files.pictures.limit = Number.POSITIVE_INFINITY;
    files.journal.limit = Number.POSITIVE_INFINITY;
    await window(5);
    expect(await packets()).toEqual(EIGHT);
  });

  it('keep the pictures where the group itself has no room', async () => {
    const { files, journal, window, ahead, abort, packets } = job();
    await window(1);
    files.journal.limit = 0;
    await expect(window(5)).rejects.toMatchObject(FULL);
    expect(journal.framesDone).toBe(8);
    expect(await givenUpPictures(CHOICE, journal, abort.signal)).toBe(false);
    files.journal.limit = Number.POSITIVE_INFINITY;
    await encodeDue(CHOICE, PLAN, journal, abort.signal, ahead);
    expect(await packets()).toEqual(EIGHT);
  });

  it('of a group of one window come out as it is, and tell of its encoder', async () => {
    const plan = {
      ...PLAN,
      groups: [
        { startFrame: 0, endFrame: 4, windows: 1 },
        { startFrame: 4, endFrame: 8, windows: 1 },
      ],
    };
    HandEncoder.fault = (encoder, at) => (encoder === 1 && at === 2 ? 'taken back' : null);
    const { journal, window, packets } = job(plan as unknown as JobPlan);
    await window(1);
    await expect(window(5)).rejects.toSatisfy((error: EnhancerError) => error.code === 'ENCODE_FAILED');
    expect(journal.framesDone).toBe(4);
    await window(5);
    expect(await packets()).toEqual(EIGHT);
  });
});
