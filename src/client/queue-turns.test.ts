import { expect, it } from 'vitest';
import { cancelled, EnhancerError } from '../../workers/errors.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import { HandEnhancer } from '../state/fixtures/hand-enhancer.ts';

const OPTIONS = { provider: 'auto', memoryBudgetBytes: null, modelsUrl: 'http://localhost/models/' } as const;
const SETTINGS = {} as Settings;
const file = (name: string) => new File([name], name);

async function queued(...names: string[]): Promise<HandEnhancer> {
  const enhancer = new HandEnhancer(OPTIONS);
  for (const name of names) await enhancer.enqueue(file(name), SETTINGS);
  await enhancer.changeQueue({ kind: 'going', going: true });
  return enhancer;
}

const names = async (enhancer: HandEnhancer) => (await enhancer.queue()).entries.map(({ fileName }) => fileName);

it('takes the first, and removes it before its result is known', async () => {
  const enhancer = await queued('a', 'b');
  const turn = await enhancer.startNext();
  expect(turn?.started?.file.name).toBe('a');
  enhancer.jobs[0]!.finish();
  await turn!.started!.job.result;
  expect(await names(enhancer)).toEqual(['b']);
  expect((await enhancer.startNext())?.entry.fileName).toBe('b');
});

it('passes by a clip that failed, and tries it again when told to', async () => {
  const enhancer = await queued('a', 'b');
  const turn = await enhancer.startNext();
  enhancer.jobs[0]!.fail(new EnhancerError('DECODE_FAILED', 'Broken.', 'Choose another.'));
  await expect(turn!.started!.job.result).rejects.toMatchObject({ code: 'DECODE_FAILED' });
  expect((await enhancer.queue()).entries[0]!.error?.code).toBe('DECODE_FAILED');
  expect((await enhancer.queue()).going).toBe(true);
  expect((await enhancer.startNext())?.entry.fileName).toBe('b');
  await enhancer.changeQueue({ kind: 'failed', id: turn!.entry.id, error: null });
  // Its clip was forgotten with the failure: it has to be chosen again.
  const again = await enhancer.startNext();
  expect(again?.entry.fileName).toBe('b');
  enhancer.giveQueued(turn!.entry.id, file('a'));
  expect((await enhancer.startNext())?.entry.fileName).toBe('a');
});

it.each([
  cancelled(),
  new EnhancerError('QUOTA_EXCEEDED', 'Full.', 'Free some.'),
  new EnhancerError('DEVICE_LOST', 'Gone.', 'Again.'),
])('is held by what the next clip would meet too: $code', async (error) => {
  const enhancer = await queued('a', 'b');
  const turn = await enhancer.startNext();
  enhancer.jobs[0]!.fail(error);
  await expect(turn!.started!.job.result).rejects.toMatchObject({ code: error.code });
  const queue = await enhancer.queue();
  expect(queue.going).toBe(false);
  expect(queue.entries.map((entry) => entry.error)).toEqual([null, null]);
  expect((await enhancer.startNext())?.entry.fileName).toBe('a');
});

it('asks for the clip that comes first when none can be opened, and says when none waits', async () => {
  const enhancer = await queued('a', 'b');
  const another = new HandEnhancer(OPTIONS);
  another.waiting = enhancer.waiting;
  expect(await another.startNext()).toMatchObject({ entry: { fileName: 'a' }, started: null });
  another.sources.set(enhancer.waiting[1]!.id, file('b'));
  expect((await another.startNext())?.started?.file.name).toBe('b');
  expect(await new HandEnhancer(OPTIONS).startNext()).toBeNull();
});
