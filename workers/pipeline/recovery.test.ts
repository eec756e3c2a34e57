import { describe, expect, test } from 'vitest';
import { cancelled, EnhancerError } from '../errors.ts';
import type { JobPlan, ModelInfo } from '../plan/job-plan.ts';
import { RecoveryPolicy, smallerTiles } from './recovery.ts';

const ANY = { modulus: 1, remainder: 0 };
const MODEL = { latentWidthRule: ANY, latentHeightRule: ANY } as ModelInfo;
const side = { latentX: 0, latentY: 0, overlapLeft: 0, overlapTop: 0, overlapRight: 0, overlapBottom: 0 };
const PLAN = {
  latentWidth: 96,
  latentHeight: 64,
  tiles: [{ ...side, latentWidth: 96, latentHeight: 64 }],
} as unknown as JobPlan;
const lost = new EnhancerError('DEVICE_LOST', 'Gone.', 'Again.');
const outOfMemory = new EnhancerError('OUT_OF_GPU_MEMORY', 'Full.', 'Less.');

describe('recovery', () => {
  test('a lost device is replaced for as long as the job gets on, three times where it does not', () => {
    const policy = new RecoveryPolicy();
    for (let progress = 0; progress < 20; progress += 1) {
      expect(policy.decide(lost, true, progress, PLAN, MODEL)).toMatchObject({ tiles: null, renew: true });
    }
    expect(policy.decide(lost, true, 19, PLAN, MODEL)).not.toBeNull();
    expect(policy.decide(lost, true, 19, PLAN, MODEL)).not.toBeNull();
    expect(policy.decide(lost, true, 19, PLAN, MODEL)).toBeNull();
  });

  test('any error on a device that is gone counts as its loss; any other error stands, a cancel above all', () => {
    const policy = new RecoveryPolicy();
    expect(policy.decide(new Error('mapAsync'), true, 0, PLAN, MODEL)).not.toBeNull();
    expect(policy.decide(new Error('mapAsync'), false, 0, PLAN, MODEL)).toBeNull();
    expect(policy.decide(cancelled(), true, 0, PLAN, MODEL)).toBeNull();
  });

  test('an encoder that fails is started anew, then replaced, until there have been enough; a decoder is given one more try', () => {
    const policy = new RecoveryPolicy();
    const failed = new EnhancerError('ENCODE_FAILED', 'Stuck.', 'Again.');
    const tries = [1, 2, 3, 4, 5, 6].map(() => policy.decide(failed, false, 7, PLAN, MODEL)?.otherEncoder);
    expect(tries).toEqual([false, true, true, true, true, undefined]);
    expect(policy.decide(failed, false, 8, PLAN, MODEL)).toMatchObject({
      otherEncoder: false,
      renew: false,
      tiles: null,
    });
    const broken = new EnhancerError('DECODE_FAILED', 'Broken.', 'Convert.');
    expect(policy.decide(broken, false, 9, PLAN, MODEL)).toMatchObject({ renew: false });
    expect(policy.decide(broken, false, 9, PLAN, MODEL)).toBeNull();
  });

  test('a codec that was taken back while it stood idle is started anew without a word, but not for ever', () => {
    const idle = { cause: new DOMException('Codec reclaimed due to inactivity.', 'QuotaExceededError') };
    for (const code of ['ENCODE_FAILED', 'DECODE_FAILED'] as const) {
      const policy = new RecoveryPolicy();
      const takenBack = new EnhancerError(code, 'Gone.', 'Again.', idle);
      expect(policy.decide(takenBack, false, 3, PLAN, MODEL)).toEqual({
        tiles: null,
        renew: false,
        otherEncoder: false,
        notice: null,
      });
      expect(policy.decide(takenBack, false, 3, PLAN, MODEL)?.notice).not.toBeNull();
      const failed = new EnhancerError(code, 'Broken.', 'Again.');
      expect(policy.decide(failed, false, 4, PLAN, MODEL)?.notice).toContain('once');
    }
  });

  test('out of memory: tiles of half the area or less, of the same plane, until they are as small as may be', () => {
    const policy = new RecoveryPolicy();
    let plan = PLAN;
    let rounds = 0;
    for (;;) {
      const before = plan.tiles[0]!;
      const recovery = policy.decide(outOfMemory, false, 0, plan, MODEL);
      if (!recovery) break;
      plan = { ...plan, tiles: recovery.tiles! };
      rounds += 1;
      const { latentWidth, latentHeight } = plan.tiles[0]!;
      expect(latentWidth * latentHeight).toBeLessThanOrEqual((before.latentWidth * before.latentHeight) / 2);
      const covered = new Set(plan.tiles.flatMap((t) => [t.latentX + t.latentWidth, t.latentY + t.latentHeight]));
      expect(covered.has(96) && covered.has(64)).toBe(true);
    }
    expect(rounds).toBeGreaterThan(1);
    expect(smallerTiles(plan, MODEL)).toBeNull();
  });
});
