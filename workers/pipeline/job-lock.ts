/** One job at a time over all tabs of this origin, by Web Locks: freed by the browser however a tab ends. */

import { EnhancerError } from '../errors.ts';
import { JOB_LOCK } from '../protocol.ts';

/** Held beside the lock, for other tabs to read: which job, of which clip. */
const NOTE = 'venhancer running ';
/** A worker that was ended a moment ago may still hold it. */
const PATIENCE_MS = 1500;

interface Note {
  readonly id: string;
  readonly fileName: string;
}

/** @throws EnhancerError `BUSY`, naming the clip that another tab is at. */
export async function withJobLock<T>(note: Note, work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work();
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const outcome = await locks.request(JOB_LOCK, { ifAvailable: true }, async (lock) => {
      if (!lock) return null;
      return { value: await locks.request(NOTE + JSON.stringify(note), work) };
    });
    if (outcome) return outcome.value;
    if (performance.now() >= until) {
      const held = await heldLocks();
      if (held.includes(JOB_LOCK)) throw busyElsewhere(notesIn(held)[0]?.fileName ?? null);
      // Chromium refuses every lock on a disk that is quite full: what is wrong there, the storage says.
      return work();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Jobs that run now, in this tab or another. */
export async function running(): Promise<Note[]> {
  return notesIn(await heldLocks());
}

async function heldLocks(): Promise<string[]> {
  const held = (await globalThis.navigator?.locks?.query())?.held ?? [];
  return held.flatMap(({ name }) => name ?? []);
}

function notesIn(held: readonly string[]): Note[] {
  return held.flatMap((name) => (name.startsWith(NOTE) ? [JSON.parse(name.slice(NOTE.length)) as Note] : []));
}

function busyElsewhere(fileName: string | null): EnhancerError {
  return new EnhancerError(
    'BUSY',
    fileName === null ? 'Another tab is enhancing a clip.' : `Another tab is enhancing ${fileName}.`,
    'Its title shows how far it is: wait for it to finish, or cancel it there.',
  );
}
