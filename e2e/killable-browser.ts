/** A browser with a profile of its own, that a test can kill as a power cut would, and start again. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { CHROMIUM_ARGUMENTS } from '../playwright.config.ts';

export class KillableBrowser {
  readonly #profile = mkdtempSync(join(tmpdir(), 'venhancer-profile-'));
  readonly #baseUrl: string;
  #context: BrowserContext | null = null;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  async start(): Promise<Page> {
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...(process.env.CHROMIUM_PATH ? { executablePath: process.env.CHROMIUM_PATH } : {}),
      args: CHROMIUM_ARGUMENTS,
      baseURL: this.#baseUrl,
      acceptDownloads: true,
    });
    return this.#context.pages()[0] ?? this.#context.newPage();
  }

  /** SIGKILL to the browser's processes, none of which gets to write or say anything more. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#context!.once('close', resolve));
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    await closed;
    while (this.#processes().length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async dispose(): Promise<void> {
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
