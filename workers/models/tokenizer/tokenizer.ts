/**
 * OpenCLIP's byte-pair tokenizer (SPEC §3 "Text"): a prompt to 77 token ids.
 *
 * The merges are a file of the origin (`public/tokenizer/merges.txt.gz`, 0.2 MB), to be fetched only when a model is prompted. Loading costs about
 * 50 ms and 10 MB, a prompt well under a millisecond. Runs anywhere that has DecompressionStream.
 */

import { EnhancerError } from '../../errors.ts';
import { cleanText } from './clean-text.ts';

export const START_TOKEN = 49406;
export const END_TOKEN = 49407;
export const CONTEXT_LENGTH = 77;
/** Where the merges lie, below the page's own address. */
export const MERGES_PATH = 'tokenizer/merges.txt.gz';

/** 49,408 tokens: every byte, every byte that ends a word, the merges, start and end. */
const MERGES = 48_894;
const BYTES = 256;
const WORD_END = '</w>';

/** As open_clip splits cleaned text; the two names stand for the tokens themselves. */
const WORD = /<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;
const SPECIAL: { readonly [word: string]: number } = { '<start_of_text>': START_TOKEN, '<end_of_text>': END_TOKEN };

export class Tokenizer {
  /** Byte → token. */
  readonly #byteTokens: readonly number[];
  /** Left·2¹⁶ + right → the token they merge into; lower tokens merge first. */
  readonly #merges: ReadonlyMap<number, number>;

  /**
   * @param mergeList a header line, then a merge a line.
   * @throws EnhancerError `MODEL_CORRUPT` when the list is not the tokenizer's.
   */
  constructor(mergeList: string) {
    const names = byteNames();
    this.#byteTokens = names.byteTokens;
    const tokens = new Map(
      names.characters.flatMap((name, at) => [[name, at] as const, [name + WORD_END, at + BYTES]]),
    );
    const merges = new Map<number, number>();
    const [, ...lines] = mergeList.split('\n');
    for (const line of lines) {
      const [left, right, ...rest] = line.split(' ');
      const pair = pairOf(tokens.get(left!), tokens.get(right!));
      if (pair === null || rest.length > 0) throw corrupt();
      const token = 2 * BYTES + merges.size;
      merges.set(pair, token);
      tokens.set(left! + right!, token);
    }
    if (merges.size !== MERGES) throw corrupt();
    this.#merges = merges;
  }

  /** A text's tokens without start and end, however many. */
  encode(text: string): readonly number[] {
    const words = cleanText(text).match(WORD) ?? [];
    return words.flatMap((word) => SPECIAL[word] ?? this.#word(word));
  }

  /** [77]: start, tokens, end, zeros. A longer text is cut so that the end comes last. */
  tokens(text: string): Int32Array {
    const ids = [START_TOKEN, ...this.encode(text).slice(0, CONTEXT_LENGTH - 2), END_TOKEN];
    const padded = new Int32Array(CONTEXT_LENGTH);
    padded.set(ids);
    return padded;
  }

  #word(word: string): readonly number[] {
    let tokens = [...new TextEncoder().encode(word)].map((byte) => this.#byteTokens[byte]!);
    tokens[tokens.length - 1]! += BYTES;
    for (;;) {
      let first = Number.POSITIVE_INFINITY;
      for (let i = 0; i + 1 < tokens.length; i += 1) {
        first = Math.min(first, this.#merged(tokens[i]!, tokens[i + 1]!) ?? first);
      }
      if (first === Number.POSITIVE_INFINITY) return tokens;
      const shorter: number[] = [];
      for (let i = 0; i < tokens.length; i += 1) {
        const merges = i + 1 < tokens.length && this.#merged(tokens[i]!, tokens[i + 1]!) === first;
        shorter.push(merges ? first : tokens[i]!);
        if (merges) i += 1;
      }
      tokens = shorter;
    }
  }

  #merged(left: number, right: number): number | undefined {
    return this.#merges.get(left * 65536 + right);
  }
}

/**
 * @param merges the merges file, gzipped or, where a server's `Content-Encoding` has already undone that, plain.
 * @throws EnhancerError `MODEL_CORRUPT`.
 */
export async function loadTokenizer(merges: Uint8Array): Promise<Tokenizer> {
  const gzipped = merges[0] === 0x1f && merges[1] === 0x8b;
  if (!gzipped) return new Tokenizer(new TextDecoder().decode(merges));
  const stream = new Blob([merges as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  let list: string;
  try {
    list = await new Response(stream).text();
  } catch (error) {
    throw corrupt(error);
  }
  return new Tokenizer(list);
}

/**
 * Bytes as the merges spell them: printable Latin-1 as itself, the others as U+0100 and on. Tokens count the printable ones first.
 */
function byteNames(): { readonly characters: readonly string[]; readonly byteTokens: readonly number[] } {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const bytes = Array.from({ length: BYTES }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printable(byte));
  const order = [...bytes.filter(printable), ...others];
  const characters = order.map((byte) => String.fromCharCode(printable(byte) ? byte : BYTES + others.indexOf(byte)));
  const byteTokens = bytes.map((byte) => order.indexOf(byte));
  return { characters, byteTokens };
}

function pairOf(left: number | undefined, right: number | undefined): number | null {
  return left === undefined || right === undefined ? null : left * 65536 + right;
}

function corrupt(cause?: unknown): EnhancerError {
  const message = 'The list of word pieces that prompts are read with is damaged.';
  const hint = 'Reload the page; if it happens again, the server has an incomplete copy of it.';
  return new EnhancerError('MODEL_CORRUPT', message, hint, cause === undefined ? {} : { cause });
}
