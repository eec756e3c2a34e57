/**
 * Finds a Chromium to test in, and says which: `CHROMIUM_PATH`, an installed Chrome or Chromium, Playwright's own download,
 * or Debian's package. Never skips silently: without a browser it ends with the reasons.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

export interface FoundBrowser {
  readonly path: string;
  readonly route: string;
}

/** @throws Error naming every route tried. */
export function findBrowser(): FoundBrowser {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (existsSync(named)) return { path: named, route: 'CHROMIUM_PATH' };
    throw new Error(`CHROMIUM_PATH names ${named}, which does not exist.`);
  }
  return installed() ?? downloaded() ?? debian() ?? fail();
}

function installed(): FoundBrowser | undefined {
  const which = process.platform === 'win32' ? 'where' : 'which';
  for (const name of NAMES) {
    const found = spawnSync(which, [name], { encoding: 'utf8' });
    const path = found.stdout?.split(/\r?\n/)[0]?.trim();
    if (found.status === 0 && path) return { path, route: 'installed' };
  }
  const path = APPLICATIONS.find((candidate) => existsSync(candidate));
  return path ? { path, route: 'installed' } : undefined;
}

function downloaded(): FoundBrowser | undefined {
  if (existsSync(chromium.executablePath())) return { path: chromium.executablePath(), route: "Playwright's download" };
  console.log('No Chrome or Chromium found; trying Playwright’s own download…');
  const run = spawnSync('npx', ['playwright', 'install', 'chromium'], { stdio: 'inherit', timeout: 300_000 });
  if (run.status !== 0 || !existsSync(chromium.executablePath())) return undefined;
  return { path: chromium.executablePath(), route: "Playwright's download" };
}

function debian(): FoundBrowser | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  console.log('Trying Debian’s chromium package…');
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: 'inherit' });
  } catch {
    return undefined;
  }
  return existsSync('/usr/bin/chromium') ? { path: '/usr/bin/chromium', route: 'Debian package' } : undefined;
}

function fail(): never {
  throw new Error(
    'No Chromium to test in. Tried CHROMIUM_PATH, an installed Chrome or Chromium, Playwright’s download and Debian’s ' +
      'package. Install Chrome or Chromium, or set CHROMIUM_PATH to one.',
  );
}
