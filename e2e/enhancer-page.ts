/** The page as a person uses it: by labels and roles only. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Download, expect, type Page } from '@playwright/test';

export interface Choices {
  readonly Scale?: number;
  readonly 'Frame rate'?: number;
  readonly Strength?: number;
  readonly Seed?: number;
  readonly Steps?: number;
}

export class EnhancerPage {
  readonly page: Page;
  /** Every request that left the page's own origin. */
  readonly strayRequests: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (['blob:', 'data:'].includes(url.protocol)) return;
      if (url.origin !== new URL(page.url()).origin && page.url() !== 'about:blank')
        this.strayRequests.push(request.url());
    });
  }

  async open(query = ''): Promise<void> {
    await this.page.goto(`/${query}`);
  }

  async choose(path: string): Promise<void> {
    await this.chooseAs(path, [basename(path)]);
  }

  /** The file at `path` once for each of the names, together. */
  async chooseAs(path: string, names: readonly string[]): Promise<void> {
    const buffer = readFileSync(path);
    await this.page
      .locator('input[type=file]')
      .first()
      .setInputFiles(names.map((name) => ({ name, mimeType: 'video/mp4', buffer })));
  }

  /** Fills controls by their accessible names; opens “Advanced” for those that live there. */
  async set(choices: Choices): Promise<void> {
    for (const [label, value] of Object.entries(choices)) {
      const field = this.page.getByLabel(label, { exact: true });
      const advanced = this.page.getByText('Advanced', { exact: true });
      // The work screen is loaded when a clip is there.
      await field.or(advanced).first().waitFor();
      if (!(await field.isVisible())) await advanced.click();
      await field.fill(String(value));
      await field.blur();
    }
  }

  get enhance() {
    return this.page.getByRole('button', { name: 'Enhance', exact: true });
  }

  get cancel() {
    return this.page.getByRole('button', { name: 'Cancel', exact: true });
  }

  get progress() {
    return this.page.getByRole('progressbar');
  }

  get alert() {
    return this.page.getByRole('alert').and(this.page.locator('[data-code]'));
  }

  /** Jobs that were interrupted, newest first. */
  get offer() {
    return this.page.locator('[data-job]');
  }

  /** With the newest of them; the page may ask for its clip then. */
  async goOn(): Promise<void> {
    await this.offer
      .first()
      .getByRole('button', { name: /^Go on/ })
      .click();
  }

  /** Waits until it is so. @param timeoutMs without anything getting on: how fast a machine is says nothing. */
  async until(isSo: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    let seen = '';
    let deadline = performance.now() + timeoutMs;
    while (!(await isSo())) {
      const now = await this.page.evaluate(() => {
        const value = document.querySelector('progress')?.value;
        return `${document.querySelectorAll('[data-queued]').length} ${document.querySelector('h1')?.textContent} ${value}`;
      });
      if (now !== seen) deadline = performance.now() + timeoutMs;
      seen = now;
      expect(performance.now(), `nothing got on for ${timeoutMs} ms at ${seen}`).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Starts, waits for the end, downloads. */
  async run(timeoutMs: number): Promise<Buffer> {
    await expect(this.enhance).toBeEnabled();
    await this.enhance.click();
    return this.download(timeoutMs);
  }

  /** @param timeoutMs without progress. */
  async download(timeoutMs: number): Promise<Buffer> {
    const button = this.page
      .getByRole('button', { name: 'Download', exact: true })
      .or(this.page.getByRole('link', { name: 'Download', exact: true }));
    const outcome = button.or(this.alert).first();
    await this.until(() => outcome.isVisible(), timeoutMs);
    if (await this.alert.isVisible()) throw new Error(`the page says: ${await this.alert.textContent()}`);
    const [download] = await Promise.all([this.page.waitForEvent('download'), button.click()]);
    return bytes(download);
  }
}

async function bytes(download: Download): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
