/** A Chromium on this machine's own GPU, headless; sets of flags are tried until one has WebGPU on it. */

import { readdirSync, readFileSync } from 'node:fs';
import { type BrowserContext, chromium } from '@playwright/test';

/** Drivers and headless modes differ in what they can do without a screen. */
const FLAG_SETS: readonly (readonly string[])[] = [
  ['--enable-features=Vulkan', '--use-vulkan=native', '--use-angle=vulkan', '--disable-vulkan-surface'],
  ['--enable-features=Vulkan', '--use-vulkan=native', '--use-angle=swiftshader'],
  ['--enable-features=Vulkan', '--use-gl=angle', '--use-angle=gl-egl'],
  ['--use-gl=disabled'],
];
/** What the tests use, for trying all of this where there is no GPU. */
const EMULATED = [
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-webgpu-adapter=swiftshader',
  '--use-angle=swiftshader',
];
const COMMON = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu-sandbox',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--enable-unsafe-webgpu',
  '--ignore-gpu-blocklist',
  // A first run of a large network may take longer than the GPU process's watchdog waits.
  '--disable-gpu-watchdog',
];
const LAUNCH_MS = 30_000;

export interface Tried {
  readonly flags: readonly string[];
  readonly adapter: string;
}

export interface GpuBrowserOptions {
  readonly executablePath: string;
  readonly profile: string;
  readonly origin: string;
  readonly emulated: boolean;
}

export class GpuBrowser {
  readonly #options: GpuBrowserOptions;
  readonly tried: Tried[] = [];
  #flags: readonly string[] | null = null;
  #context: BrowserContext | null = null;

  constructor(options: GpuBrowserOptions) {
    this.#options = options;
  }

  /** @throws Error where no set of flags gives an adapter that is not emulated. */
  async context(): Promise<BrowserContext> {
    if (this.#context) return this.#context;
    const sets = this.#flags ? [this.#flags] : this.#options.emulated ? [EMULATED] : FLAG_SETS;
    for (const flags of sets) {
      let adapter = 'none';
      try {
        const context = await this.#launch(flags);
        adapter = await adapterOf(context, this.#options.origin);
        if (this.#flags || this.#options.emulated || (adapter !== 'none' && !/swiftshader|emulated/i.test(adapter))) {
          this.tried.push({ flags, adapter });
          this.#flags = flags;
          this.#context = context;
          return context;
        }
        await context.close();
      } catch (error) {
        adapter = String(error).slice(0, 2000);
      }
      this.tried.push({ flags, adapter });
    }
    throw new Error(`no GPU: ${JSON.stringify(this.tried)}`);
  }

  /** The next {@link context} is of a new one, with the same profile. */
  async close(): Promise<void> {
    const context = this.#context;
    this.#context = null;
    await Promise.race([context?.close().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 5000))]);
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    while (this.#processes().length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  /** The browser's main process: the one that is no other's. @throws Error where none runs. */
  pid(): number {
    const found = this.#processes().find((pid) => !commandLine(String(pid)).some((each) => each.startsWith('--type=')));
    if (found === undefined) throw new Error('no browser runs');
    return found;
  }

  /** Of this profile: one that hangs in the driver does not hear that it is to close. */
  #processes(): number[] {
    const own = `--user-data-dir=${this.#options.profile}`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(own))
      .map(Number);
  }

  #launch(flags: readonly string[]): Promise<BrowserContext> {
    const { executablePath, profile, origin } = this.#options;
    return chromium.launchPersistentContext(profile, {
      executablePath,
      args: [...COMMON, ...flags],
      baseURL: origin,
      serviceWorkers: 'block',
      viewport: { width: 1280, height: 900 },
      timeout: LAUNCH_MS,
    });
  }
}

/** Of one that has ended: nothing. */
function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function adapterOf(context: BrowserContext, origin: string): Promise<string> {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/e2e/gpu/harness.html`);
    const found = page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) return 'none';
      const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
      return [vendor, architecture, device, description, isFallbackAdapter ? 'emulated' : ''].join(' ').trim();
    });
    const patience = new Promise<string>((resolve) => setTimeout(() => resolve('none'), LAUNCH_MS));
    return await Promise.race([found, patience]);
  } finally {
    await page.close();
  }
}
