/**
 * A prompt as open_clip cleans it before it is split: ftfy's fixes, HTML references decoded, white space made single, lower case.
 *
 * Not done, since people do not type it: ftfy's repair of text decoded with the wrong encoding ("â€™"), and names of HTML references beyond
 * {@link REFERENCES} or without their semicolon. Runs anywhere.
 */

/** Those of prompts copied from web pages. */
const REFERENCES: { readonly [name: string]: string } = {
  amp: '&',
  AMP: '&',
  lt: '<',
  LT: '<',
  gt: '>',
  GT: '>',
  quot: '"',
  QUOT: '"',
  apos: "'",
  nbsp: '\u00a0',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  deg: '°',
  times: '×',
};

const LIGATURES: { readonly [character: string]: string } = {
  Ĳ: 'IJ',
  ĳ: 'ij',
  ŉ: 'ʼn',
  Ǳ: 'DZ',
  ǲ: 'Dz',
  ǳ: 'dz',
  Ǆ: 'DŽ',
  ǅ: 'Dž',
  ǆ: 'dž',
  Ǉ: 'LJ',
  ǈ: 'Lj',
  ǉ: 'lj',
  Ǌ: 'NJ',
  ǋ: 'Nj',
  ǌ: 'nj',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: 'ſt',
  ﬆ: 'st',
};
const LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join('')}]`, 'gu');
const FULL_OR_HALF_WIDTH = /[\u3000\uff01-\uffef]/gu;
/** U+0080 to U+009F as the characters that Windows meant; a table, since Node 20's TextDecoder takes them for Latin-1. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const TERMINAL_ESCAPE = /\u001b\[[\d;]*[a-zA-Z]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffc]/gu;

export function cleanText(text: string): string {
  const plain = unescaped(unescaped(fixed(text)));
  return plain.split(/\s+/u).filter(Boolean).join(' ').toLowerCase();
}

/** ftfy.fix_text: its steps in its order, until nothing changes. */
function fixed(text: string): string {
  let [before, after] = ['', text];
  while (before !== after) {
    before = after;
    // ftfy takes text with a "<" for HTML that is meant as such.
    if (!after.includes('<')) after = unescaped(after);
    after = after
      .replace(/[\u0080-\u009f]/gu, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80]!)
      .replace(LIGATURE, (character) => LIGATURES[character]!)
      .replace(FULL_OR_HALF_WIDTH, (character) => character.normalize('NFKC'))
      .replace(/[\u02bc\u2018-\u201b]/gu, "'")
      .replace(/[\u201c-\u201f]/gu, '"')
      .replace(/\r\n?|[\u2028\u2029]/gu, '\n')
      .replace(TERMINAL_ESCAPE, '')
      .replace(CONTROL, '')
      .normalize('NFC');
  }
  return after;
}

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]+));/gu, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return Object.hasOwn(REFERENCES, name) ? REFERENCES[name]! : whole;
    const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
    return valid ? String.fromCodePoint(code) : '\ufffd';
  });
}
