import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const FOLDER = 'src';
/** Text between tags, alone on its line, and in the attributes that people see or hear. */
const TEXT = [
  /(?<![=-])>[^<>{}=;()]*[A-Za-z]{2}[^<>{}=;()]*<\//,
  /^\s+(?!return |export |import )(?:[A-Z][a-z’']+|[a-z]+ [a-z’']+)( [\w’']+)*[.…!?]?$/,
  /(?:aria-label|aria-valuetext|title|placeholder|alt|label|heading|hint)="[^"]*[A-Za-z]/,
];

test('every word of the page is in words.ts', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
  expect(files.length).toBeGreaterThan(30);
  const found = files.flatMap((name) =>
    readFileSync(join(FOLDER, name), 'utf8')
      .split('\n')
      .filter((line) => TEXT.some((pattern) => pattern.test(line)))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});

test('the patterns find what they are for', () => {
  for (const line of ['<p>Hello there</p>', '      Choose a clip', '  aria-label="Close"']) {
    expect(
      TEXT.some((pattern) => pattern.test(line)),
      line,
    ).toBe(true);
  }
});
