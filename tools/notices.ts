/**
 * Writes `public/THIRD_PARTY_NOTICES.txt`: every third-party part that the built page contains, with its licence's text.
 * `--check` fails when the file is not what would be written.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const TARGET = join(ROOT, 'public/THIRD_PARTY_NOTICES.txt');

/** Packages whose code the bundler puts into the page or the worker. */
const SHIPPED = [
  'react',
  'react-dom',
  'scheduler',
  'zustand',
  'mp4box',
  'mediabunny',
  'onnxruntime-web',
  'onnxruntime-common',
];

const MIT_TERMS = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** onnxruntime's npm packages name their licence without enclosing it. */
const COPYRIGHT: Record<string, string> = {
  'onnxruntime-web': 'Copyright (c) Microsoft Corporation',
  'onnxruntime-common': 'Copyright (c) Microsoft Corporation',
};

const ASSETS = `samples/sample.mp4
  A clip made by a video generator, from the VEnhancer repository (Vchitect/VEnhancer, prompts/), Apache-2.0 as stated by
  its author. Unchanged.

tokenizer/merges.txt.gz
  The byte-pair merges of OpenAI's CLIP (MIT, Copyright (c) 2021 OpenAI), from the Python package open_clip_torch 3.3.0 (MIT, Copyright (c)
  2012-2021 Gabriel Ilharco, Mitchell Wortsman, Nicholas Carlini, Rohan Taori, Achal Dave, Vaishaal Shankar, John Miller, Hongseok Namkoong,
  Hannaneh Hajishirzi, Ali Farhadi, Ludwig Schmidt). Shortened to the merges in use. MIT's terms:

${MIT_TERMS.replace(/^(?=.)/gm, '  ')}

models/nano
  Our own weights, Apache-2.0. What they were trained on, with licences, is listed in training/DATA.md.`;

const text = [
  'Venhancer Web is licensed under Apache-2.0 (LICENSE). The built page contains the following parts of others.',
  ASSETS,
  ...SHIPPED.map(notice),
].join(`\n\n${'='.repeat(100)}\n\n`);

if (process.argv.includes('--check')) {
  if (!existsSync(TARGET) || readFileSync(TARGET, 'utf8') !== `${text}\n`) {
    console.error('public/THIRD_PARTY_NOTICES.txt is out of date: run `npm run notices`');
    process.exit(1);
  }
} else {
  writeFileSync(TARGET, `${text}\n`);
}

function notice(name: string): string {
  const folder = join(ROOT, 'node_modules', name);
  const { version, license, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const terms = file ? readFileSync(join(folder, file), 'utf8').trim() : `${COPYRIGHT[name]}\n\n${MIT_TERMS}`;
  return `${name} ${version} (${license})\n${homepage ?? `https://www.npmjs.com/package/${name}`}\n\n${terms}`;
}
