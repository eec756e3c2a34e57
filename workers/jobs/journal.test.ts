import { describe, expect, test } from 'vitest';
import type { WavefrontState } from '../denoise/wavefront.ts';
import type { EncodedGroup } from '../media/group-encoder.ts';
import { bytesOf, MemoryFile } from './byte-file.ts';
import { crc32 } from './crc32.ts';
import { type JobRecord, Journal } from './journal.ts';
import { RecordLog } from './record-log.ts';
import { StateSlots } from './state-slots.ts';

/** Repeatable whole numbers below `limit`. */
function generator(seed: number) {
  let state = seed >>> 0;
  return (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function fileOf(bytes: Uint8Array): MemoryFile {
  const file = new MemoryFile();
  file.write(bytes as Uint8Array<ArrayBuffer>, { at: 0 });
  return file;
}

const JOB = { version: 1, id: 'job', startedAtMs: 1, source: { name: 'clip.mp4' } } as JobRecord;
const DESCRIPTION = new Uint8Array([1, 66, 0, 30, 255, 225, 0, 0, 1, 0, 0]);

function windowOf(index: number, random: (limit: number) => number): EncodedGroup {
  return {
    decoderConfig: { codec: 'avc1.42001e', codedWidth: 16, codedHeight: 16, description: DESCRIPTION, colorSpace: {} },
    packets: Array.from({ length: 3 }, (_, i) => ({
      data: Uint8Array.from({ length: 1 + random(40) }, () => random(256)),
      timestampUs: (index * 3 + i) * 1000,
      durationUs: 1000,
      type: i === 0 ? 'key' : 'delta',
    })),
  };
}

const picture = (frame: number) => ({
  data: Uint8Array.from({ length: 24 }, (_, i) => frame * 7 + i),
  timestampUs: frame * 1000,
  durationUs: 1000,
});

/** Keeps pictures [from, to) as windows of three. */
function keep(journal: Journal<unknown>, from: number, to: number): void {
  for (let start = from; start < to; start += 3) {
    const window = journal.windowKeeper();
    for (let frame = start; frame < Math.min(to, start + 3); frame += 1) window.add(picture(frame));
    window.finish();
  }
}

const memory = (): [MemoryFile, MemoryFile] => [new MemoryFile(), new MemoryFile()];

async function packetsOf(journal: Journal<unknown>) {
  const packets = [];
  for await (const packet of journal.packets()) packets.push(packet);
  return packets;
}

test('crc32 is the one of zip', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

describe('the journal', () => {
  test('gives back what was put in, after any number of openings', async () => {
    const random = generator(1);
    const file = new MemoryFile();
    const windows = [0, 1, 2, 3].map((index) => windowOf(index, random));
    let journal: Journal<unknown> = Journal.create(file, memory(), JOB);
    for (const window of windows) {
      await journal.append(window);
      journal.mark({ paused: true });
      journal = Journal.open(file, memory())!;
    }
    expect(journal.job).toEqual(JOB);
    expect(journal.paused).toBe(true);
    expect(journal.framesDone).toBe(12);
    expect(journal.decoderConfig).toEqual(windows[0]!.decoderConfig);
    expect(await packetsOf(journal)).toEqual(windows.flatMap(({ packets }) => packets));
  });

  test('killed at any byte it holds every window but the one being written, and takes that one again', async () => {
    const random = generator(2);
    const file = new MemoryFile();
    const journal = Journal.create(file, memory(), JOB);
    const windows = [0, 1, 2].map((index) => windowOf(index, random));
    const ends = [file.getSize()];
    for (const window of windows) {
      await journal.append(window);
      ends.push(file.getSize());
    }
    const whole = file.contents;
    for (let bytes = 0; bytes <= whole.length; bytes += 1) {
      const torn = fileOf(whole.subarray(0, bytes));
      const found = Journal.open<unknown>(torn, memory());
      const kept = ends.filter((end) => end <= bytes).length - 1;
      if (kept < 0) {
        expect(found).toBeNull();
        continue;
      }
      expect(found!.framesDone).toBe(3 * kept);
      for (const window of windows.slice(kept)) await found!.append(window);
      expect(await packetsOf(Journal.open(torn, memory())!)).toEqual(windows.flatMap(({ packets }) => packets));
    }
  });

  test('a write whose bytes came out of order or as zeros is cut, 500 times', async () => {
    const random = generator(3);
    for (let round = 0; round < 500; round += 1) {
      const file = new MemoryFile();
      const journal = Journal.create(file, memory(), JOB);
      const first = windowOf(0, random);
      await journal.append(first);
      const before = file.getSize();
      await journal.append(windowOf(1, random));
      const bytes = file.contents;
      const start = before + random(bytes.length - before);
      const length = 1 + random(bytes.length - start);
      const damage = random(2) === 0 ? 0 : 1 + random(255);
      const damaged = bytes.map((byte, i) =>
        i >= start && i < start + length ? (damage === 0 ? 0 : byte ^ damage) : byte,
      );
      if (damaged.every((byte, i) => byte === bytes[i])) continue;
      for (const states of [memory(), null]) {
        expect(await packetsOf(Journal.open(fileOf(damaged), states)!)).toEqual(first.packets);
      }
    }
  });

  test.each([
    ['throws', null],
    ['answers with the error’s number', () => 2 ** 32 - 8],
    ['takes a part', (bytes: number) => bytes >> 1],
  ])('a full disk that %s leaves the log as it was, with the code', async (_how, answer) => {
    const file = new MemoryFile();
    const random = generator(4);
    const journal = Journal.create(file, memory(), JOB);
    await journal.append(windowOf(0, random));
    const before = file.contents;
    const { write } = file;
    let left = 2;
    file.write = (buffer, options) => {
      left -= 1;
      if (left >= 0) return write.call(file, buffer, options);
      if (!answer) throw new DOMException('full', 'QuotaExceededError');
      write.call(file, bytesOf(buffer).slice(0, buffer.byteLength >> 1), options);
      return answer(buffer.byteLength);
    };
    await expect(journal.append(windowOf(1, random))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    file.write = write;
    expect(file.contents).toEqual(before);
    await journal.append(windowOf(1, random));
    expect(Journal.open(file, memory())!.framesDone).toBe(6);
  });
});

test('where what is torn can’t even be cut, it is told as any failed write, and the next record takes its place', async () => {
  const file = new MemoryFile();
  const random = generator(5);
  const journal = Journal.create(file, memory(), JOB);
  await journal.append(windowOf(0, random));
  const { write, truncate } = file;
  let left = 2;
  file.write = (buffer, options) => {
    left -= 1;
    if (left >= 0) return write.call(file, buffer, options);
    throw new DOMException('full', 'QuotaExceededError');
  };
  file.truncate = () => {
    throw new DOMException('full', 'UnknownError');
  };
  await expect(journal.append(windowOf(1, random))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  Object.assign(file, { write, truncate });
  expect(Journal.open(fileOf(file.contents), memory())!.framesDone).toBe(3);
  await journal.append(windowOf(1, random));
  expect(Journal.open(file, memory())!.framesDone).toBe(6);
});

test('what goes bad on disk later is found when the whole is read', () => {
  const file = new MemoryFile();
  const log = RecordLog.open<number>(file);
  for (let i = 0; i < 3; i += 1) log.append(i, [new Uint8Array(50).fill(i)]);
  const bytes = file.contents;
  const middle = log.records[1]!.bodyAt + 7;
  bytes[middle] = bytes[middle]! ^ 1;
  expect(RecordLog.open<number>(fileOf(bytes)).records.map(({ head }) => head)).toEqual([0]);
});

describe('states', () => {
  function stateOf(seed: number): WavefrontState {
    const random = generator(seed);
    const values = () => Float32Array.from({ length: 24 }, () => random(1000) / 7);
    return {
      taken: 5 + seed,
      done: [3, 2, 1],
      frames: [7, 8, 9].map((frame) => ({
        frame,
        x: values(),
        saved: frame === 7 ? null : values(),
        x0: frame === 9 ? values() : null,
      })),
    };
  }

  test('the newest comes back, bit for bit', () => {
    const files = memory();
    const slots = new StateSlots<string>(files);
    expect(slots.read()).toBeNull();
    for (let i = 1; i <= 3; i += 1) {
      slots.write(stateOf(i), `extra ${i}`);
      expect(new StateSlots<string>(files).read()).toEqual({ state: stateOf(i), extra: `extra ${i}` });
    }
  });

  test('killed at any byte of writing one, the one before is whole', () => {
    const files = memory();
    const slots = new StateSlots<number>(files);
    slots.write(stateOf(1), 1);
    slots.write(stateOf(2), 2);
    const [even, odd] = files.map((file) => file.contents) as [Uint8Array, Uint8Array];
    slots.write(stateOf(3), 3);
    const third = files[1].contents;
    expect(files[0].contents).toEqual(even);
    expect(third).not.toEqual(odd);
    for (let bytes = 0; bytes < third.length; bytes += 1) {
      const found = new StateSlots<number>([fileOf(even), fileOf(third.subarray(0, bytes))]).read();
      expect(found).toEqual({ state: stateOf(2), extra: 2 });
    }
  });
});

test('killed at any byte of fixing its plan, a job is what it was before: begun, and not looked through', () => {
  const file = new MemoryFile();
  const journal = Journal.create(file, memory(), { ...JOB, provisional: true });
  const before = file.getSize();
  const encoder = { family: 'vp9' } as JobRecord['encoder'];
  const frozen = { ...JOB, encoder };
  journal.freeze(frozen);
  expect(journal.job).toEqual(frozen);
  expect(journal.encoder).toEqual(encoder);
  const whole = file.contents;
  for (let bytes = before; bytes < whole.length; bytes += 1) {
    const found = Journal.open<unknown>(fileOf(whole.subarray(0, bytes)), memory())!;
    expect(found.job).toEqual({ ...JOB, provisional: true });
    found.freeze(frozen);
    expect(found.job).toEqual(frozen);
  }
  const again = Journal.open<unknown>(file, memory())!;
  expect([again.job, again.encoder, again.framesDone]).toEqual([frozen, encoder, 0]);
});

test('a job begun under the id of an earlier one knows nothing of its states', () => {
  const states = memory();
  const earlier = Journal.create<string>(new MemoryFile(), states, JOB);
  const frame = { frame: 0, x: new Float32Array(4), saved: null, x0: null };
  earlier.writeState({ taken: 1, done: [1], frames: [frame] }, 'earlier');
  expect(Journal.create<string>(new MemoryFile(), states, JOB).readState()).toBeNull();
});

describe('kept pictures', () => {
  test('count as done, and make way for the packets that they became', async () => {
    const [file, pictures] = memory();
    const random = generator(6);
    let journal: Journal<unknown> = Journal.create(file, memory(), JOB, pictures);
    keep(journal, 0, 3);
    journal = Journal.open<unknown>(file, memory(), pictures)!;
    expect([journal.picturesKept, journal.packetCount, journal.framesDone]).toEqual([3, 0, 3]);
    expect([...journal.keptPictures()]).toEqual([0, 1, 2].map(picture));
    const stale = pictures.contents;
    await journal.append(windowOf(0, random));
    expect([journal.picturesKept, journal.framesDone, pictures.getSize()]).toEqual([0, 3, 0]);
    // Killed after the packets were written and before the pictures were dropped.
    const left = Journal.open<unknown>(file, memory(), fileOf(stale))!;
    expect([left.picturesKept, left.framesDone]).toEqual([0, 3]);
    keep(left, 3, 6);
    expect(left.framesDone).toBe(6);
    expect([...left.keptPictures()]).toEqual([3, 4, 5].map(picture));
  });

  test('killed at any byte, whole windows are there and no more', () => {
    const [file, pictures] = memory();
    const journal = Journal.create<unknown>(file, memory(), JOB, pictures);
    const ends = [0];
    for (let start = 0; start < 9; start += 3) {
      keep(journal, start, start + 3);
      ends.push(pictures.getSize());
    }
    const whole = pictures.contents;
    for (let bytes = 0; bytes <= whole.length; bytes += 1) {
      const torn = fileOf(whole.subarray(0, bytes));
      const found = Journal.open<unknown>(fileOf(file.contents), null, torn)!;
      const kept = 3 * (ends.filter((end) => end <= bytes).length - 1);
      expect(found.framesDone).toBe(kept);
      keep(found, kept, 9);
      expect([...found.keptPictures()]).toEqual(Array.from({ length: 9 }, (_, frame) => picture(frame)));
    }
  });

  test('those of a window that failed are forgotten', () => {
    const [file, pictures] = memory();
    const journal = Journal.create<unknown>(file, memory(), JOB, pictures);
    keep(journal, 0, 3);
    const failed = journal.windowKeeper();
    failed.add(picture(99));
    failed.close();
    keep(journal, 3, 6);
    expect([...journal.keptPictures()]).toEqual([0, 1, 2, 3, 4, 5].map(picture));
    journal.keepNoPictures();
    expect([journal.keepsPictures, journal.framesDone, pictures.getSize()]).toEqual([false, 0, 0]);
  });
});
