import { expect, test } from 'vitest';
import { cancelled, EnhancerError } from '../../workers/errors.ts';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import { HandEnhancer } from './fixtures/hand-enhancer.ts';
import { createQueue } from './queue.ts';
import { createSession } from './session.ts';

const INFO = { width: 2, height: 2, timestampsUs: [0], durationUs: 10 } as unknown as ClipInfo;
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const clip = (name: string) => new File([name], name);

function opened() {
  const made: HandEnhancer[] = [];
  const session = createSession(
    (options) => {
      made.push(new HandEnhancer(options));
      return made.at(-1)!;
    },
    { provider: 'auto', memoryBudgetBytes: null, modelsUrl: '' },
  );
  const enhancer = made[0]!;
  const queue = createQueue(session);
  const names = () => queue.store.getState().entries.map(({ fileName }) => fileName);
  const probe = async () => {
    await settled();
    enhancer.probes.at(-1)!.answer.resolve(INFO);
    await settled();
  };
  return { session, enhancer, queue, names, probe };
}

async function withThree() {
  const all = opened();
  all.queue.take([clip('a.mp4'), clip('b.mp4'), clip('c.mp4')]);
  await all.probe();
  expect(all.queue.store.getState().companions).toHaveLength(2);
  all.session.changeSettings({ scale: 3, range: { startUs: 0, endUs: 5 } });
  await all.queue.addShown();
  return all;
}

test('clips chosen together wait with the settings of the one that is shown', async () => {
  const { queue, names } = await withThree();
  expect(names()).toEqual(['a.mp4', 'b.mp4', 'c.mp4']);
  expect(queue.store.getState().entries.every(({ settings }) => settings.scale === 3)).toBe(true);
  // A part of one clip says nothing about the others.
  expect(queue.store.getState().entries.map(({ settings }) => settings.range?.endUs)).toEqual([
    5,
    undefined,
    undefined,
  ]);
  expect(queue.store.getState()).toMatchObject({ companions: [], active: false });
});

test('turns follow each other, in the order that a person put them in', async () => {
  const { session, enhancer, queue, names, probe } = await withThree();
  await queue.move('queued-2', -2);
  expect(names()).toEqual(['c.mp4', 'a.mp4', 'b.mp4']);
  void queue.start();
  await probe();
  expect(session.store.getState().phase.kind).toBe('running');
  expect(queue.store.getState().atWork).toBe('queued-2');
  enhancer.jobs[0]!.finish();
  await probe();
  expect(enhancer.jobs.map(({ file }) => file.name)).toEqual(['c.mp4', 'a.mp4']);
  expect(session.store.getState().phase.kind).toBe('running');
  enhancer.jobs[1]!.finish();
  await probe();
  enhancer.jobs[2]!.finish();
  await settled();
  expect(names()).toEqual([]);
  expect(queue.store.getState()).toMatchObject({ active: false, atWork: null });
  expect(session.store.getState().results).toHaveLength(3);
});

test('held, the clip at work goes on and the next waits', async () => {
  const { session, enhancer, queue, names, probe } = await withThree();
  void queue.start();
  await probe();
  await queue.hold();
  expect(session.store.getState().phase.kind).toBe('running');
  enhancer.jobs[0]!.finish();
  await settled();
  expect(enhancer.jobs).toHaveLength(1);
  expect(names()).toEqual(['b.mp4', 'c.mp4']);
  expect(session.store.getState().phase.kind).toBe('finished');
});

test('a clip that fails is passed by and says why; a cancel holds the queue', async () => {
  const { enhancer, queue, names, probe } = await withThree();
  void queue.start();
  await probe();
  enhancer.jobs[0]!.fail(new EnhancerError('DECODE_FAILED', 'It broke.', 'Choose another.'));
  await probe();
  expect(queue.store.getState().entries[0]!.error?.code).toBe('DECODE_FAILED');
  expect(enhancer.jobs[1]!.file.name).toBe('b.mp4');
  enhancer.jobs[1]!.fail(cancelled());
  await settled();
  expect(queue.store.getState().active).toBe(false);
  expect(names()).toEqual(['a.mp4', 'b.mp4', 'c.mp4']);
  await queue.tryAgain('queued-0');
  expect(queue.store.getState().entries[0]!.error).toBeNull();
});

test('files that come while a job runs wait for their turn', async () => {
  const { session, enhancer, queue, names, probe } = await withThree();
  void queue.start();
  await probe();
  queue.take([clip('d.mp4')]);
  await settled();
  expect(names()).toEqual(['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4']);
  expect(session.store.getState().remark).toBeNull();
  expect(enhancer.jobs).toHaveLength(1);
});

test('an entry whose clip can’t be opened asks for it, and takes the next file for it', async () => {
  const { enhancer, queue, probe } = opened();
  const fresh = { hasSource: false, frameCount: null, framesDone: 0, addedAtMs: 0, error: null };
  enhancer.waiting = [{ id: 'old', fileName: 'old.mp4', fileBytes: 3, settings: {} as never, ...fresh }];
  await queue.start();
  expect(queue.store.getState()).toMatchObject({ active: false, wanted: { id: 'old' } });
  queue.take([clip('old.mp4')]);
  await probe();
  expect(enhancer.jobs[0]!.file.name).toBe('old.mp4');
});
