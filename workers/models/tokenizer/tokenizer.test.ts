/** The tokenizer against open_clip's, over the file that the page ships. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { captionOf, NEGATIVE_PROMPT } from './captions.ts';
import { CONTEXT_LENGTH, END_TOKEN, loadTokenizer, MERGES_PATH, START_TOKEN, type Tokenizer } from './tokenizer.ts';

interface Case {
  readonly text: string;
  readonly ids: number[];
}

const json = (name: string) => JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));
const merges = readFileSync(new URL(`../../../public/${MERGES_PATH}`, import.meta.url));
const reference = Object.entries(json('tokens') as { readonly [name: string]: Case });
const odd = json('odd-texts') as readonly Case[];

let tokenizer: Tokenizer;

beforeAll(async () => {
  tokenizer = await loadTokenizer(merges);
});

describe('the tokenizer', () => {
  it.each(reference)('gives the ids of SPEC §2.4: %s', (_, { text, ids }) => {
    expect([...tokenizer.tokens(text)]).toEqual(ids);
  });

  it.each(odd.map(({ text, ids }) => [text.slice(0, 40), text, ids] as const))('gives those of %j', (_, text, ids) => {
    expect([...tokenizer.tokens(text)]).toEqual(ids);
  });

  it('cuts a long text and keeps the end last', () => {
    const ids = tokenizer.tokens('word '.repeat(1000));
    expect(ids).toHaveLength(CONTEXT_LENGTH);
    expect([ids[0], ids[CONTEXT_LENGTH - 1]]).toEqual([START_TOKEN, END_TOKEN]);
    expect(tokenizer.encode('word '.repeat(1000))).toHaveLength(1000);
  });

  it('takes any text: lone surrogates, one endless word', () => {
    expect(tokenizer.tokens('\ud800 \udfff')[0]).toBe(START_TOKEN);
    expect(tokenizer.tokens('x'.repeat(20_000))[CONTEXT_LENGTH - 1]).toBe(END_TOKEN);
  });
});

describe('captions', () => {
  const { caption_a_good_video: standard, caption_fish: fish, negative } = Object.fromEntries(reference);
  it("are the reference's", () => {
    expect(captionOf('')).toBe(standard!.text);
    expect(captionOf('Clown fish swimming through the coral reef')).toBe(fish!.text);
    expect(NEGATIVE_PROMPT).toBe(negative!.text);
  });
});

describe('its file', () => {
  it('may come with a server having unzipped it', async () => {
    const stream = new Blob([merges]).stream().pipeThrough(new DecompressionStream('gzip'));
    const plain = new Uint8Array(await new Response(stream).arrayBuffer());
    expect((await loadTokenizer(plain)).tokens('a cat')).toEqual(tokenizer.tokens('a cat'));
  });

  it.each([
    ['cut short', merges.subarray(0, 100_000)],
    ['another', new TextEncoder().encode('<!doctype html>\n<p>not found</p>')],
    ['empty', new Uint8Array()],
  ])('is refused when %s', async (_, bytes) => {
    await expect(loadTokenizer(bytes)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});
