import { describe, expect, test } from 'vitest';
import { placeAudio, placeVideo } from './edit-list.ts';

/** Samples in decode order, 1000 ticks a second. */
function times(presentation: readonly number[], durations: readonly number[]) {
  return {
    count: presentation.length,
    timescale: 1000,
    presentationTicks: Float64Array.from(presentation),
    durationTicks: Uint32Array.from(durations),
  };
}

const edit = (segment_duration: number, media_time: number) => ({
  segment_duration,
  media_time,
  media_rate_integer: 1,
});
const summary = (placed: ReturnType<typeof placeVideo>) =>
  placed.map(({ sample, timestampUs, durationUs }) => [sample, timestampUs / 1000, durationUs / 1000]);

describe('pictures', () => {
  const bFrames = times([80, 200, 120, 160], [40, 40, 40, 40]);

  test('no edits: media time, sorted, true offset kept', () => {
    expect(summary(placeVideo(bFrames, undefined, 1000))).toEqual([
      [0, 80, 40],
      [2, 120, 40],
      [3, 160, 40],
      [1, 200, 40],
    ]);
  });

  test('media_time takes the B-frame delay away', () => {
    expect(summary(placeVideo(bFrames, [edit(160, 80)], 1000)).map(([, time]) => time)).toEqual([0, 40, 80, 120]);
  });

  test('an empty edit delays', () => {
    expect(summary(placeVideo(bFrames, [edit(50, -1), edit(160, 80)], 1000))[0]).toEqual([0, 50, 40]);
  });

  test('an edit in the middle of a frame shows the rest of it, and ends inside another', () => {
    expect(summary(placeVideo(bFrames, [edit(70, 100)], 1000))).toEqual([
      [0, 0, 20],
      [2, 20, 40],
      [3, 60, 10],
    ]);
  });

  test('a movie timescale too coarse for the frames adds and drops none', () => {
    // 29.97 frames a second in 600 ticks: the edit ends up to a tick away from the last frame's end.
    const ticks = 30000;
    const ntsc = {
      count: 30,
      timescale: ticks,
      presentationTicks: Float64Array.from({ length: 31 }, (_, i) => i * 1001),
      durationTicks: new Uint32Array(31).fill(1001),
    };
    for (const slack of [-1, 0, 1]) {
      const duration = Math.round((30 * 1001 * 600) / ticks) + slack;
      const placed = placeVideo(ntsc, [edit(duration, 0)], 600);
      expect(placed).toHaveLength(30);
      expect(placed.at(-1)!.durationUs).toBeCloseTo((1001 / ticks) * 1e6, -4);
    }
    const longer = { ...ntsc, count: 31 };
    expect(placeVideo(longer, [edit(Math.round((30 * 1001 * 600) / ticks), 0)], 600)).toHaveLength(30);
  });

  test('the same media twice', () => {
    const placed = placeVideo(times([0, 40], [40, 40]), [edit(80, 0), edit(40, 40)], 1000);
    expect(summary(placed)).toEqual([
      [0, 0, 40],
      [1, 40, 40],
      [1, 80, 40],
    ]);
  });

  test('of two frames with one time only the last is shown', () => {
    expect(summary(placeVideo(times([0, 40, 40, 80], [40, 0, 40, 40]), undefined, 1000)).map(([s]) => s)).toEqual([
      0, 2, 3,
    ]);
  });

  test('a last frame without a duration gets the interval before it; a lone one a 25th', () => {
    expect(placeVideo(times([0, 50], [50, 0]), undefined, 1000)[1]!.durationUs).toBe(50_000);
    expect(placeVideo(times([0], [0]), undefined, 1000)[0]!.durationUs).toBe(40_000);
  });

  test('an edit of length zero runs to the end', () => {
    expect(placeVideo(bFrames, [edit(0, 80)], 1000)).toHaveLength(4);
  });
});

describe('sound', () => {
  const packets = times([0, 20, 40, 60, 80], [20, 20, 20, 20, 20]);

  test('priming stays, before zero', () => {
    expect(summary(placeAudio(packets, [edit(80, 20)], 1000)).map(([, time]) => time)).toEqual([-20, 0, 20, 40, 60]);
  });

  test('packets past the end go, the one that crosses it is shortened', () => {
    const placed = placeAudio(packets, [edit(50, 0)], 1000);
    expect(summary(placed)).toEqual([
      [0, 0, 20],
      [1, 20, 20],
      [2, 40, 10],
    ]);
  });

  test('a trim of seconds keeps only a warm-up before it', () => {
    const long = times(
      Array.from({ length: 500 }, (_, i) => i * 20),
      Array.from({ length: 500 }, () => 20),
    );
    const placed = placeAudio(long, [edit(1000, 5000)], 1000);
    expect(placed[0]!.timestampUs).toBe(-200_000);
    expect(placed.at(-1)!.timestampUs).toBe(980_000);
  });
});
