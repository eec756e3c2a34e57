import { expect, test } from 'vitest';
import type { Difference, Fidelity, FidelitySample, PairTimes } from '../../workers/inspection-protocol.ts';
import { createInspection, frameAt, middleOf } from './inspection.ts';

class HandInspector {
  readonly asked: { frame: number; answer: (difference: Difference) => void }[] = [];
  readonly times = Promise.resolve<PairTimes>({ sourceUs: [0, 100_000], outputUs: [0, 50_000, 100_000] });
  answerFidelity!: (fidelity: Fidelity) => void;
  failFidelity!: (error: unknown) => void;
  closed = false;

  difference(frame: number): Promise<Difference> {
    return new Promise((answer) => this.asked.push({ frame, answer }));
  }
  fidelity(): Promise<Fidelity> {
    return new Promise((resolve, reject) => {
      this.answerFidelity = resolve;
      this.failFidelity = reject;
    });
  }
  close(): void {
    this.closed = true;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const differenceOf = (frame: number) => ({ frame }) as Difference;

test('of many frames asked for while one is made, only the newest is made next', async () => {
  const inspector = new HandInspector();
  const inspection = createInspection(inspector);
  for (const frame of [0, 1, 2, 3]) inspection.wantDifference(frame);
  inspector.asked[0]!.answer(differenceOf(0));
  await settled();
  expect(inspector.asked.map(({ frame }) => frame)).toEqual([0, 3]);
  expect(inspection.store.getState().difference?.frame).toBe(0);
  inspector.asked[1]!.answer(differenceOf(3));
  await settled();
  expect(inspection.store.getState().difference?.frame).toBe(3);
  inspection.wantDifference(3);
  expect(inspector.asked).toHaveLength(2);
});

test('looking at a place puts the loupe there and the player at its frame', async () => {
  const inspection = createInspection(new HandInspector());
  const sample = { frame: 2, worst: { x: 30, y: 60, width: 20, height: 20, structure: 0.4 } } as FidelitySample;
  inspection.lookAt(sample, 160, 90);
  const { view, spot, wish } = inspection.store.getState();
  expect([view, wish]).toEqual(['loupe', { frame: 2 }]);
  expect(spot.x).toBeCloseTo(0.25);
  expect(spot.y).toBeCloseTo(70 / 90);
});

test('zooms stop at their ends, spots at the picture’s', () => {
  const inspection = createInspection(new HandInspector());
  inspection.zoomBy(5);
  expect(inspection.store.getState().zoom).toBe(8);
  inspection.zoomBy(-9);
  expect(inspection.store.getState().zoom).toBe(1);
  inspection.moveTo({ x: -1, y: 1.5 });
  expect(inspection.store.getState().spot).toEqual({ x: 0, y: 1 });
});

test('a comparison that fails says so', async () => {
  const inspector = new HandInspector();
  const inspection = createInspection(inspector);
  inspector.failFidelity(new Error('no decoder'));
  await settled();
  expect(inspection.store.getState().fidelity).toMatchObject({ kind: 'failed', error: { code: 'INTERNAL' } });
});

test('frames are found by time and shown in their middle', () => {
  const times = [0, 33_367, 66_733, 100_100];
  expect([0, 0.033, 0.0334, 0.07, 5].map((seconds) => frameAt(times, seconds))).toEqual([0, 0, 1, 2, 3]);
  for (const frame of [0, 1, 2, 3]) expect(frameAt(times, middleOf(times, frame, 0.12))).toBe(frame);
  expect(middleOf(times, 3, 0.104)).toBeCloseTo(0.10205);
  expect(middleOf([0], 0, 0)).toBe(0);
});
