/**
 * A visit is a page that is open, in one tab: a Web Lock says that it still is, and the browser frees that however the tab ends. Files that a
 * visit made and nobody has kept are garbage from then on.
 *
 * Runs in a page or a worker. Where there are no locks nobody can tell, and only time does.
 */

const LOCK = 'venhancer visit ';

/** Begins one that lasts as long as this page or worker. @returns its id. */
export function beginVisit(): string {
  const id = crypto.randomUUID();
  void globalThis.navigator?.locks?.request(LOCK + id, () => new Promise(() => {})).catch(() => undefined);
  return id;
}

/** Those that go on, in any tab; null where it can't be told. */
export async function visitsNow(): Promise<ReadonlySet<string> | null> {
  const held = (await globalThis.navigator?.locks?.query().catch(() => null))?.held;
  if (!held) return null;
  return new Set(held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : [])));
}
