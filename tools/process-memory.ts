/** What the processes of a browser have in memory, as Linux counts it; nothing elsewhere. */

import { readFileSync } from 'node:fs';

/** Proportional set sizes in bytes, the largest process of each type (the page's renderer is the largest). */
export function processBytes(browserPid: number): Record<string, number> {
  const found: Record<string, number> = {};
  const parents = [browserPid];
  for (let i = 0; i < parents.length; i += 1) {
    const pid = parents[i]!;
    try {
      const tasks = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      if (tasks !== '') parents.push(...tasks.split(' ').map(Number));
      const type = /--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'browser';
      const kibibytes = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      found[type] = Math.max(found[type] ?? 0, kibibytes * 1024);
    } catch {
      // Ended meanwhile, or another system.
    }
  }
  return found;
}
