import { describe, expect, test } from 'vitest';
import { rampWeights } from '../denoise/blend.ts';
import { clipOf, deviceOf, NANO, settingsOf, VENHANCER } from './fixtures/plan-inputs.ts';
import { groupBytes } from './groups.ts';
import type { JobPlan, ModelInfo, Shot, Tile } from './job-plan.ts';
import { outputFrameTime } from './output.ts';
import { MAX_OUTPUT_SIDE, type PlanOptions, planJob } from './plan-job.ts';

const MIB = 2 ** 20;

/** A repeatable sequence of numbers in 0…1. */
function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** Everything that must hold of any plan that is not refused. */
function checkPlan(plan: JobPlan, model: ModelInfo): void {
  const { output, tiles, windows, latentWidth, latentHeight } = plan;
  expect(output.width % 2 === 0 && output.width >= 2 && output.height % 2 === 0 && output.height >= 2).toBe(true);
  expect(latentWidth % model.latentWidthRule.modulus).toBe(model.latentWidthRule.remainder);
  expect(latentHeight % model.latentHeightRule.modulus).toBe(model.latentHeightRule.remainder);
  expect(plan.paddedWidth).toBeGreaterThanOrEqual(output.width);
  expect(plan.paddedWidth - output.width).toBeLessThan(model.latentFactor * (model.latentWidthRule.modulus + 1));
  checkAxis(tiles, latentWidth, 'latentX', 'latentWidth', 'overlapLeft', 'overlapRight', 'latentY');
  checkAxis(tiles, latentHeight, 'latentY', 'latentHeight', 'overlapTop', 'overlapBottom', 'latentX');
  for (const tile of tiles) {
    expect(tile.latentWidth).toBe(tiles[0]!.latentWidth);
    expect(tile.latentHeight).toBe(tiles[0]!.latentHeight);
  }
  expect(tiles[0]!.latentWidth % model.latentWidthRule.modulus).toBe(model.latentWidthRule.remainder);
  expect(tiles[0]!.latentHeight % model.latentHeightRule.modulus).toBe(model.latentHeightRule.remainder);
  const r = plan.frameRateFactor;
  let covered = 0;
  windows.forEach((window, i) => {
    const shot = plan.shots[window.shot]!;
    const previous = windows[i - 1];
    if (window.index !== i || window.startFrame % r !== 0 || window.endFrame > shot.endFrame) {
      throw new Error(`window ${i} is wrong: ${JSON.stringify(window)}`);
    }
    if (model.windowFrames && window.endFrame !== shot.endFrame && (window.endFrame - 1) % r !== 0)
      throw new Error(`window ${i} ends between`);
    if (window.startFrame > covered) throw new Error(`frames before window ${i} are in none`);
    if (previous?.shot === window.shot) {
      if (window.startFrame <= previous.startFrame || window.endFrame <= previous.endFrame) throw new Error('order');
      if (window.overlapFrames !== previous.endFrame - window.startFrame || window.overlapFrames < 1) {
        throw new Error(`overlap of window ${i}`);
      }
    } else if (window.overlapFrames !== 0 || window.startFrame !== shot.startFrame) throw new Error(`start of ${i}`);
    covered = window.endFrame;
  });
  expect(covered).toBe(output.frameCount);
}

/** Ramps along one axis add up to 1 at every latent. */
function checkAxis(
  tiles: readonly Tile[],
  length: number,
  at: 'latentX' | 'latentY',
  size: 'latentWidth' | 'latentHeight',
  before: 'overlapLeft' | 'overlapTop',
  after: 'overlapRight' | 'overlapBottom',
  other: 'latentX' | 'latentY',
): void {
  const sum = new Float64Array(length);
  for (const tile of tiles) {
    if (tile[other] !== 0) continue;
    expect(tile[at] >= 0 && tile[at] + tile[size] <= length).toBe(true);
    rampWeights(tile[size], tile[before], tile[after]).forEach((w, j) => {
      sum[tile[at] + j] = sum[tile[at] + j]! + w;
    });
  }
  let worst = 0;
  for (const total of sum) worst = Math.max(worst, Math.abs(total - 1));
  expect(worst).toBeLessThan(1e-6);
}

describe('planning a job', () => {
  test('the issue’s example: 30 fps at scale 2 and factor 2', () => {
    const clip = clipOf(160, 90, 16);
    const plan = planJob(clip, settingsOf({ scale: 2, frameRateFactor: 2 }), deviceOf(), NANO);
    expect(plan.refusals).toEqual([]);
    expect(plan.output).toMatchObject({ width: 320, height: 180, frameCount: 31 });
    expect(plan.output.frameRate).toEqual({ numerator: 60000, denominator: 1001 });
    expect(Math.abs(plan.output.durationUs - clip.durationUs)).toBeLessThan(17000);
    expect([plan.paddedWidth, plan.paddedHeight]).toEqual([320, 192]);
    expect(plan.tiles).toHaveLength(1);
    checkPlan(plan, NANO);
  });

  test('a small budget makes at least three windows and 2×2 tiles of it', () => {
    const budgets = [10, 20, 30, 40, 60, 80, 100].map((mib) => NANO.weightBytes + mib * MIB);
    const plans = budgets.map((memoryBudgetBytes) =>
      planJob(clipOf(160, 90, 16), settingsOf({ frameRateFactor: 2 }), deviceOf(), NANO, { memoryBudgetBytes }),
    );
    plans.forEach((plan, i) => {
      if (plan.refusals.length > 0) return;
      checkPlan(plan, NANO);
      expect(plan.bytes.device).toBeLessThanOrEqual(budgets[i]!);
    });
    const small = plans.filter(({ windows, tiles }) => windows.length >= 3 && tiles.length >= 4);
    expect(small.length).toBeGreaterThan(0);
  });

  test('any clip, any settings: even sizes, coverage, partition of unity, budget kept, quickly', () => {
    const next = random(7);
    const integer = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
    let planned = 0;
    const started = performance.now();
    for (let i = 0; i < 400; i++) {
      const side = () => Math.round(2 * 4096 ** next());
      const clip = clipOf(side(), side(), Math.round(10000 ** next()));
      const model = next() < 0.7 ? NANO : VENHANCER;
      const settings = settingsOf({
        scale: 1 + 7 * next(),
        frameRateFactor: integer(1, 8),
        steps: integer(1, 16),
        solver: (['ddim', 'dpmpp-2m-sde', 'heun'] as const)[integer(0, 2)]!,
      });
      const memoryBudgetBytes = model.weightBytes + 64 * MIB * 64 ** next();
      const plan = planJob(clip, settings, deviceOf(), model, { memoryBudgetBytes });
      expect(plan.output.frameCount).toBe((clip.frameCount - 1) * settings.frameRateFactor + 1);
      if (plan.refusals.length > 0) {
        expect(['SIZE_TOO_LARGE', 'MEMORY_BUDGET']).toContain(plan.refusals[0]!.code);
        continue;
      }
      planned++;
      checkPlan(plan, model);
      expect(plan.bytes.device).toBeLessThanOrEqual(memoryBudgetBytes);
    }
    expect(planned).toBeGreaterThan(100);
    if (process.env.MEASURE)
      console.log(`${planned} planned, ${((performance.now() - started) / 400).toFixed(2)} ms each`);
  });

  test('every size and length at the edges', () => {
    for (const [width, height] of [
      [2, 2],
      [2, 8192],
      [8192, 2],
      [3, 5],
      [8192, 8192],
      [1, 1],
    ] as const) {
      for (const frames of [1, 2, 3, 17, 23, 10000]) {
        for (const scale of [1, 1.01, 2, 8]) {
          const plan = planJob(clipOf(width, height, frames), settingsOf({ scale }), deviceOf(), NANO);
          if (plan.refusals.length === 0) checkPlan(plan, NANO);
          else expect(scale * Math.max(width, height)).toBeGreaterThan(4000);
        }
      }
    }
    const largest = planJob(clipOf(8192, 8192, 2), settingsOf({ scale: 8 }), deviceOf(), NANO);
    expect(largest.refusals[0]?.code).toBe('SIZE_TOO_LARGE');
    expect(Math.max(largest.output.width, largest.output.height)).toBeGreaterThan(MAX_OUTPUT_SIDE);
  });

  test('more scale, frames or factor never means less to do, heap, storage or time', () => {
    const next = random(3);
    for (let i = 0; i < 60; i++) {
      const clip = clipOf(16 + Math.floor(400 * next()), 16 + Math.floor(300 * next()), 2 + Math.floor(60 * next()));
      const memoryBudgetBytes = NANO.weightBytes + (256 + 2000 * next()) * MIB;
      let previous: JobPlan | null = null;
      for (let scale = 1; scale <= 8; scale += 0.25) {
        const plan = planJob(clip, settingsOf({ scale }), deviceOf(), NANO, { memoryBudgetBytes });
        if (plan.refusals.length > 0) break;
        if (previous !== null) {
          // A larger picture may get longer windows for its tiles, so that there are fewer of them; not less to do.
          const evaluated = ({ windows, tiles }: JobPlan) =>
            windows.reduce((sum, { startFrame, endFrame }) => sum + endFrame - startFrame, 0) *
            tiles.reduce((sum, { latentWidth, latentHeight }) => sum + latentWidth * latentHeight, 0);
          expect(evaluated(plan)).toBeGreaterThan(0.85 * evaluated(previous));
          // A window more or less of overlap is another layout, and so is a tile more.
          const layout = ({ windows, tiles }: JobPlan) => JSON.stringify([windows, tiles.length]);
          const sameLayout = layout(plan) === layout(previous);
          if (sameLayout) {
            // Tiles overlap by as much as before: each is a little less of a larger picture.
            expect(plan.bytes.heap).toBeGreaterThan(0.98 * previous.bytes.heap);
            expect(plan.bytes.storage).toBeGreaterThanOrEqual(previous.bytes.storage);
          }
          // Sides are whole multiples of 8 latents: a finer split may waste a little less than a coarser one.
          expect(plan.seconds).toBeGreaterThan(0.85 * previous.seconds);
        }
        previous = plan;
      }
    }
    const base = planJob(clipOf(320, 180, 40), settingsOf(), deviceOf(), NANO);
    for (const changed of [
      planJob(clipOf(320, 180, 90), settingsOf(), deviceOf(), NANO),
      planJob(clipOf(320, 180, 40), settingsOf({ frameRateFactor: 3 }), deviceOf(), NANO),
      planJob(clipOf(320, 180, 40), settingsOf({ steps: 9 }), deviceOf(), NANO),
      planJob(clipOf(320, 180, 40), settingsOf(), deviceOf({ gigaflopsPerSecond: 20 }), NANO),
    ]) {
      expect(changed.seconds).toBeGreaterThan(base.seconds);
    }
  });

  test('windows stop at cuts, and the frames after a cut’s last key frame stay with it', () => {
    const shots: Shot[] = [
      { startFrame: 0, endFrame: 8 },
      { startFrame: 8, endFrame: 60 },
      { startFrame: 60, endFrame: 61 },
    ];
    const plan = planJob(clipOf(64, 64, 16), settingsOf({ frameRateFactor: 4 }), deviceOf(), NANO, { shots });
    checkPlan(plan, NANO);
    expect(plan.windows[0]).toMatchObject({ shot: 0, startFrame: 0, endFrame: 8 });
    expect(plan.windows.at(-1)).toMatchObject({ shot: 2, startFrame: 60, endFrame: 61 });
    const bad = [
      { startFrame: 0, endFrame: 7 },
      { startFrame: 7, endFrame: 61 },
    ];
    expect(() =>
      planJob(clipOf(64, 64, 16), settingsOf({ frameRateFactor: 4 }), deviceOf(), NANO, { shots: bad }),
    ).toThrow(RangeError);
  });

  test('the wavefront’s memory does not depend on the clip’s length', () => {
    const heap = (frames: number) => planJob(clipOf(320, 180, frames), settingsOf(), deviceOf(), NANO).bytes.heap;
    expect(heap(10000)).toBe(heap(5000));
  });

  test('a binding limit makes smaller tiles on WebGPU', () => {
    const model = { ...NANO, largestTensorBytesPerLatentPixel: 2048 };
    const plan = (device = deviceOf()) => planJob(clipOf(320, 180, 30), settingsOf({ scale: 3 }), device, model);
    const tight = deviceOf({ maxBindingBytes: 128 * MIB });
    expect(plan(tight).tiles.length).toBeGreaterThan(plan().tiles.length);
    const wasm = deviceOf({ maxBindingBytes: 128 * MIB, provider: 'wasm' });
    expect(plan(wasm).tiles).toEqual(plan(deviceOf({ provider: 'wasm' })).tiles);
  });

  test('a run on the processor is short enough to wait for', () => {
    for (const [width, height, scale] of [
      [512, 320, 2],
      [854, 480, 4],
      [1920, 1080, 2],
    ] as const) {
      const { tiles, windows } = planJob(
        clipOf(width, height, 60),
        settingsOf({ scale }),
        deviceOf({ provider: 'wasm' }),
        NANO,
      );
      const frames = Math.max(...windows.map(({ startFrame, endFrame }) => endFrame - startFrame));
      for (const { latentWidth, latentHeight } of tiles) {
        expect(frames * latentWidth * latentHeight * NANO.gigaflopsPerLatentPixel).toBeLessThanOrEqual(400);
      }
    }
  });
});

describe('timestamps', () => {
  test('intervals are divided evenly, without gaps, and the last frame keeps its duration', () => {
    const clip = clipOf(16, 16, 4, {
      timestampsUs: [40000, 73367, 140000, 150001],
      lastFrameDurationUs: 20000,
      variableFrameRate: true,
    });
    for (const frameRateFactor of [1, 2, 3, 8]) {
      const plan = planJob(clip, settingsOf({ frameRateFactor }), deviceOf(), NANO);
      let expected = 40000;
      for (let f = 0; f < plan.output.frameCount; f++) {
        const time = outputFrameTime(clip, plan, f);
        expect(time.timestampUs).toBe(expected);
        expect(Number.isInteger(time.durationUs) && time.durationUs > 0).toBe(true);
        if (f % frameRateFactor === 0) expect(time.timestampUs).toBe(clip.timestampsUs[f / frameRateFactor]);
        expected += time.durationUs;
      }
      expect(expected).toBe(170001);
      expect(plan.output.durationUs).toBe(130001);
      expect(plan.notices.map(({ code }) => code)).toContain('VARIABLE_FRAME_RATE');
      expect(() => outputFrameTime(clip, plan, plan.output.frameCount)).toThrow(RangeError);
    }
  });

  test('a range takes the frames that are on screen in it', () => {
    const clip = clipOf(16, 16, 10, { timestampsUs: Array.from({ length: 10 }, (_, i) => 5000 + i * 1000) });
    const span = (startUs: number, endUs: number) => {
      const plan = planJob(clip, settingsOf({ range: { startUs, endUs } }), deviceOf(), NANO);
      return [plan.sourceStart, plan.sourceEnd, plan.output.durationUs];
    };
    expect(span(0, 3000)).toEqual([0, 3, 3000]);
    expect(span(1500, 3001)).toEqual([1, 4, 3000]);
    expect(span(2000, 1e9)).toEqual([2, 10, 7000 + clip.lastFrameDurationUs]);
    const beyond = planJob(clip, settingsOf({ range: { startUs: 1e9, endUs: 2e9 } }), deviceOf(), NANO);
    expect(beyond.refusals[0]?.code).toBe('NO_FRAMES');
  });
});

describe('refusals and notices', () => {
  const refusal = (
    changes: Parameters<typeof settingsOf>[0] = {},
    options: PlanOptions = {},
    frames = 16,
  ): string | undefined =>
    planJob(clipOf(320, 180, frames), settingsOf(changes), deviceOf(), NANO, options).refusals[0]?.code;

  test('the wavefront’s states count as storage; where only they don’t fit, the job may run and says what it means', () => {
    const plan = (options: PlanOptions = {}) =>
      planJob(clipOf(320, 180, 64), settingsOf({}), deviceOf(), NANO, options);
    const { storage } = plan().bytes;
    const { latentWidth, latentHeight, evaluations, windows } = plan();
    const frame = latentWidth * latentHeight * NANO.latentChannels * 4;
    const stride = windows[1]!.startFrame - windows[0]!.startFrame;
    expect(storage).toBeGreaterThan(2 * frame * evaluations * stride);
    expect(plan({ storageQuotaBytes: storage }).notices.map(({ code }) => code)).not.toContain('STATES_NOT_KEPT');
    const tight = plan({ storageQuotaBytes: storage - 1 });
    expect(tight.refusals).toEqual([]);
    expect(tight.notices.map(({ code }) => code)).toContain('STATES_NOT_KEPT');
  });

  test('each reason has its code', () => {
    expect(refusal()).toBeUndefined();
    expect(refusal({}, {}, 0)).toBe('NO_FRAMES');
    expect(refusal({}, { memoryBudgetBytes: 13e6 })).toBe('SIZE_TOO_LARGE');
    expect(refusal({}, { heapBudgetBytes: 1e6 })).toBe('MEMORY_BUDGET');
    expect(refusal({}, { storageQuotaBytes: 1000 })).toBe('QUOTA_EXCEEDED');
    for (const changes of [
      { scale: 0.5 },
      { scale: 8.1 },
      { scale: Number.NaN },
      { frameRateFactor: 2.5 },
      { frameRateFactor: 9 },
      { strength: -0.1 },
      { steps: 0 },
      { steps: 1e6 },
      { guidance: Number.POSITIVE_INFINITY },
      { seed: -1 },
      { seed: 2 ** 32 },
      { range: { startUs: 5, endUs: 5 } },
    ]) {
      expect(refusal(changes), JSON.stringify(changes)).toBe('SETTINGS_INVALID');
    }
  });

  test('notices tell what a person would want to know first', () => {
    const codes = (plan: JobPlan) => plan.notices.map(({ code }) => code);
    const hdr = { code: 'HDR_TONE_MAPPED', message: 'The clip is HDR.' };
    expect(planJob({ ...clipOf(64, 64, 4), notices: [hdr] }, settingsOf({}), deviceOf(), NANO).notices).toContainEqual(
      hdr,
    );
    const fallback = deviceOf({ provider: 'wasm', fallbackReason: 'no GPU adapter was found.' });
    expect(codes(planJob(clipOf(64, 64, 4), settingsOf(), fallback, NANO))).toEqual(['FALLBACK']);
    const silent = clipOf(64, 64, 1, {
      audioTracks: [{ codec: 'vorbis', channels: 2, sampleRateHz: 48000, durationUs: 1, copyable: false }],
    });
    const plan = planJob(silent, settingsOf({ frameRateFactor: 2, solver: 'heun', steps: 4 }), deviceOf(), NANO);
    expect(codes(plan)).toEqual(['AUDIO_DROPPED', 'STEPS_ADJUSTED', 'SINGLE_FRAME']);
    expect(plan.evaluations).toBe(3);
    expect(plan.output.frameCount).toBe(1);
  });
});

test('black borders cost nothing: the plan is the active area’s, the file is the whole', () => {
  const clip = clipOf(1920, 1080, 24);
  const area = { x: 0, y: 140, width: 1920, height: 800 };
  const whole = planJob(clip, settingsOf({ scale: 2 }), deviceOf(), NANO);
  const plan = planJob({ ...clip, activeArea: area }, settingsOf({ scale: 2 }), deviceOf(), NANO);
  const alone = planJob({ ...clip, width: 1920, height: 800 }, settingsOf({ scale: 2 }), deviceOf(), NANO);
  expect(plan.output).toEqual(whole.output);
  expect(plan.active).toEqual({ source: area, output: { x: 0, y: 280, width: 3840, height: 1600 } });
  expect(plan.notices.map(({ code }) => code)).toContain('BORDERS_LEFT_OUT');
  for (const key of ['tiles', 'windows', 'latentWidth', 'latentHeight', 'seconds'] as const) {
    expect(plan[key], key).toEqual(alone[key]);
  }
  expect([plan.bytes.device, plan.bytes.heap]).toEqual([alone.bytes.device, alone.bytes.heap]);
  // Pictures wait for the encoder as they will be in the file.
  const waiting = (made: JobPlan) => groupBytes(made.groups!, made.output.width * made.output.height);
  expect(plan.bytes.storage - waiting(plan)).toBe(alone.bytes.storage - waiting(alone));
  expect(plan.seconds).toBeLessThan(0.85 * whole.seconds);
  // A pass over all frames counts for more than a look at a few.
  expect(
    planJob({ ...clip, activeArea: area }, settingsOf({ scale: 2 }), deviceOf(), NANO, { activeArea: null }),
  ).toEqual(whole);
});

test('the page’s arrays take at most half of what the machine has, by the plan', () => {
  const clip = clipOf(1920, 1080, 300);
  for (const [gibibytes, halfOf] of [
    [4, 2],
    [8, 4],
    [16, 8],
    [undefined, 4],
  ] as const) {
    const device = deviceOf(gibibytes ? { memoryBytes: gibibytes * 2 ** 30 } : {});
    for (const steps of [1, 4, 8]) {
      const plan = planJob(clip, settingsOf({ scale: 2, steps, strength: 0.5 }), device, NANO);
      if (plan.refusals.length > 0) expect([gibibytes, plan.refusals[0]!.code]).toEqual([4, 'MEMORY_BUDGET']);
      else expect(plan.bytes.heap).toBeLessThanOrEqual(halfOf * 2 ** 30);
    }
  }
});
