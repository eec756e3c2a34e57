/**
 * Writes `public/tokenizer/merges.txt.gz` from `bpe_simple_vocab_16e6.txt.gz` of the Python package open_clip_torch (MIT): the header and
 * the 48,894 merges that the tokenizer uses of 262,144.
 *
 *   npx tsx tools/tokenizer-merges.ts FILE
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MERGES_PATH, Tokenizer } from '../workers/models/tokenizer/tokenizer.ts';

const LINES = 1 + 48_894;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: npx tsx tools/tokenizer-merges.ts bpe_simple_vocab_16e6.txt.gz');
const target = resolve(import.meta.dirname, '../public', MERGES_PATH);
const list = gunzipSync(readFileSync(file)).toString('utf8').split('\n').slice(0, LINES).join('\n');
new Tokenizer(list);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, gzipSync(list, { level: 9 }));
