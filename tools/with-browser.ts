/** Runs a command with `CHROMIUM_PATH` set to a browser that it found or obtained: `tsx tools/with-browser.ts playwright test`. */

import { spawnSync } from 'node:child_process';
import { findBrowser } from './find-browser.ts';

const [command, ...args] = process.argv.slice(2);
if (!command) throw new Error('usage: with-browser COMMAND [ARG …]');

const browser = findBrowser();
console.log(`Browser: ${browser.path} (${browser.route})`);
const run = spawnSync('npx', [command, ...args], {
  stdio: 'inherit',
  env: { ...process.env, CHROMIUM_PATH: browser.path },
});
process.exit(run.status ?? 1);
