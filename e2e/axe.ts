/** What axe-core finds wrong with a page as it stands: WCAG 2.2 A and AA, and its best practices. */

import type { Page } from '@playwright/test';
import axe from 'axe-core';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** @returns one line a finding: the rule, and the elements. */
export async function axeFindings(page: Page): Promise<string[]> {
  // By the debugger: the page's content security policy lets no script in.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (values) => (window as unknown as { axe: typeof axe }).axe.run(document, { runOnly: { type: 'tag', values } }),
    RULES,
  );
  return violations.map(({ id, nodes }) => {
    const where = nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary ?? ''})`);
    return `${id}: ${where.join('; ')}`.replace(/\s+/g, ' ');
  });
}
