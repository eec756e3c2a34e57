/** What the processes of a browser have in memory, as Linux counts it; nothing elsewhere. */

import { readFileSync } from 'node:fs';

/** Proportional set sizes in bytes, the largest process of each type (the page's renderer is the largest). */
export function processBytes(browserPid: number): Record<string, number> {
  const found: Record<string, number> = {};
  for (const pid of processTree(browserPid)) {
    try {
      const type = /--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'browser';
      const kibibytes = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      found[type] = Math.max(found[type] ?? 0, kibibytes * 1024);
    } catch {
      // Ended meanwhile, or another system.
    }
  }
  return found;
}

const TICKS_PER_SECOND = 100;

/** Seconds that all processes of a browser have had a processor, those aside that have ended. */
export function processorSeconds(browserPid: number): number {
  let ticks = 0;
  for (const pid of processTree(browserPid)) {
    try {
      // The name, in parentheses, may have blanks in it.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // Ended meanwhile, or another system.
    }
  }
  return ticks / TICKS_PER_SECOND;
}

function processTree(rootPid: number): number[] {
  const found = [rootPid];
  for (let i = 0; i < found.length; i += 1) {
    try {
      const children = readFileSync(`/proc/${found[i]}/task/${found[i]}/children`, 'utf8').trim();
      if (children !== '') found.push(...children.split(' ').map(Number));
    } catch {
      // Ended meanwhile, or another system.
    }
  }
  return found;
}
