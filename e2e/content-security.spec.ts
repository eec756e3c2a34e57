/** Nothing leaves and nothing comes in: the built page's policy, in the page and in its worker, and names that look like markup. */

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { EnhancerPage } from './enhancer-page.ts';

const CLIP = 'e2e/fixtures/clips/real_160x90.mp4';

test('the policy holds in the page and in its workers, and breaks nothing', async ({ page }) => {
  const violations: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) violations.push(message.text());
  });
  const workerPolicies: (string | undefined)[] = [];
  page.on('response', (response) => {
    if (/worker[^/]*\.js/.test(response.url())) workerPolicies.push(response.headers()['content-security-policy']);
  });
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  await enhancer.choose(CLIP);
  await expect(enhancer.enhance).toBeEnabled();
  expect(violations).toEqual([]);

  const meta = page.locator('meta[http-equiv="Content-Security-Policy"]');
  const policy = (await meta.getAttribute('content')) ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/);
  expect(workerPolicies.length).toBeGreaterThan(0);
  for (const sent of workerPolicies) expect(sent).toContain(policy);

  // What the policy is for: each of these would work without it.
  const escaped = await page.evaluate(async () => {
    const tried = {
      fetch: await fetch(location.origin.replace('localhost', '127.0.0.1') + '/favicon.svg', { mode: 'no-cors' }).then(
        () => true,
        () => false,
      ),
      inline: await new Promise<boolean>((resolve) => {
        const script = document.createElement('script');
        script.textContent = 'window.escaped = true';
        document.head.append(script);
        resolve('escaped' in window);
      }),
      // Later: what a debugger runs may evaluate.
      evaluated: await new Promise<boolean>((resolve) => {
        setTimeout(() => {
          try {
            resolve(Reflect.construct(Function, ['return true'])() === true);
          } catch {
            resolve(false);
          }
        }, 20);
      }),
    };
    return tried;
  });
  expect(escaped).toEqual({ fetch: false, inline: false, evaluated: false });
});

test('a file’s name is never markup', async ({ page }) => {
  const enhancer = new EnhancerPage(page);
  await enhancer.open('?provider=wasm');
  const name = '<img src=x onerror="window.escaped=1"><b>clip.mp4';
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name, mimeType: 'video/mp4', buffer: readFileSync(CLIP) });
  await expect(enhancer.enhance).toBeEnabled();
  await expect(page.getByText(name).first()).toBeVisible();
  expect(await page.evaluate(() => 'escaped' in window)).toBe(false);
});
