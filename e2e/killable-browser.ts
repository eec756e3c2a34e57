/** A browser with a profile of its own, that a test can kill as a power cut would, and start again. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page, test } from '@playwright/test';
import { CHROMIUM_ARGUMENTS, PAGE_ORIGIN } from '../playwright.config.ts';

export class KillableBrowser {
  readonly #profile: string;
  readonly #baseUrl: string;
  #context: BrowserContext | null = null;

  /** @param folder where its profile is. */
  constructor(baseUrl: string, folder = tmpdir()) {
    this.#baseUrl = baseUrl;
    this.#profile = mkdtempSync(join(folder, 'venhancer-profile-'));
  }

  async start(): Promise<Page> {
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...(process.env.CHROMIUM_PATH ? { executablePath: process.env.CHROMIUM_PATH } : {}),
      args: CHROMIUM_ARGUMENTS,
      baseURL: this.#baseUrl,
      acceptDownloads: true,
      // Requests that it answers can't be routed.
      serviceWorkers: 'block',
    });
    return this.#context.pages()[0] ?? this.#context.newPage();
  }

  /**
   * Watches a worker's writes to the origin private file system, from the next page load on.
   * @param stopAt before the write of this number, counted from 1, the worker stands still; never when 0.
   * @param half whether half of it is written first.
   * @param files names of those whose writes count.
   * @param standsStillMs before it goes on, unless it is killed.
   * @param worker whose.
   * @returns how many there have been, and whether it stands still.
   */
  async watchWrites(
    stopAt: number,
    half: boolean,
    files = /^/,
    standsStillMs = 120_000,
    worker = 'enhancer',
  ): Promise<() => Promise<{ readonly count: number; readonly stopped: boolean }>> {
    const context = this.#context!;
    await context.addInitScript(COUNT_WRITES);
    await context.route(`**/${worker}.worker*.js`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({
        response,
        body: `${REPORT_WRITES(stopAt, half, files, standsStillMs)}\n${await response.text()}`,
      });
    });
    const page = context.pages()[0]!;
    return () => page.evaluate(() => (window as unknown as { writes: { count: number; stopped: boolean } }).writes);
  }

  /** SIGKILL to the browser's processes, none of which gets to write or say anything more. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#context!.once('close', resolve));
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    await closed;
    while (this.#processes().length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Stops all of the browser's processes for a while, as a closed lid does; clocks go on. */
  async sleep(milliseconds: number): Promise<void> {
    const asleep = this.#processes();
    for (const pid of asleep) process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    for (const pid of asleep) process.kill(pid, 'SIGCONT');
  }

  async dispose(): Promise<void> {
    // A worker's script may be on its way still.
    await this.#context?.unrouteAll({ behavior: 'ignoreErrors' }).catch(() => undefined);
    await this.#context?.close().catch(() => undefined);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Those that were started with this profile, the browser's own first. */
  #processes(): number[] {
    const own = `--user-data-dir=${this.#profile}`;
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => commandLine(pid).includes(own));
    return found.sort((a, b) => Number(isChild(a)) - Number(isChild(b))).map(Number);
  }
}

function isChild(pid: string): boolean {
  return commandLine(pid).some((argument) => argument.startsWith('--type='));
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Gives a test one, on the page's origin; put away at its end. */
export const killableTest = test.extend<{ killable: KillableBrowser }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from it.
  killable: async ({}, use) => {
    const browser = new KillableBrowser(PAGE_ORIGIN);
    await use(browser);
    await browser.dispose();
  },
});

const COUNT_WRITES = `
  window.writes = { count: 0, stopped: false };
  new BroadcastChannel('writes').onmessage = ({ data }) => { window.writes = data; };
`;

/** In front of the worker's own text: every write is counted; at the given one the power goes, as far as the file can tell. */
const REPORT_WRITES = (stopAt: number, half: boolean, files: RegExp, standsStillMs: number): string => `{
  const channel = new BroadcastChannel('writes');
  const { write, flush } = FileSystemSyncAccessHandle.prototype;
  const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
  const names = new WeakMap();
  FileSystemFileHandle.prototype.createSyncAccessHandle = async function (...args) {
    const handle = await createSyncAccessHandle.apply(this, args);
    names.set(handle, this.name);
    return handle;
  };
  let count = 0;
  FileSystemSyncAccessHandle.prototype.write = function (buffer, options) {
    if (!${files}.test(names.get(this))) return write.call(this, buffer, options);
    count += 1;
    const stopped = count === ${stopAt};
    if (stopped && ${half}) {
      const bytes = ArrayBuffer.isView(buffer)
        ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
        : new Uint8Array(buffer);
      write.call(this, bytes.subarray(0, bytes.length >> 1), options);
      flush.call(this);
    }
    channel.postMessage({ count, stopped });
    if (stopped) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${standsStillMs});
    return write.call(this, buffer, options);
  };
}`;
