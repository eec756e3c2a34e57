import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const official = JSON.parse(readFileSync(new URL('./configs/venhancer.json', import.meta.url), 'utf8'));

describe('a config', () => {
  it('keeps what it knows and drops what it does not', () => {
    expect(parseConfig({ ...official, comment: 'x' })).toEqual(official);
  });

  it.each<[string, object, RegExp]>([
    ['no object', [], /not an object/],
    ['another family', { ...official, family: 'x' }, /"family" is "x"/],
    ['a field too few', { ...official, headDim: undefined }, /"headDim" is undefined/],
    ['levels that are not there', { ...official, attentionLevels: [4] }, /beyond the 4/],
    ['groups that do not divide', { ...official, groups: 48 }, /not a multiple of 48/],
    ['heads wider than their level', { ...official, headDim: 321 }, /fewer than one head's 321/],
    ['text of no length', { ...official, contextLength: 0 }, /"contextLength" is 0/],
    ['unknown padding', { ...official, padding: 'same' }, /reference or plain/],
    [
      'an autoencoder of other channels',
      { ...official, autoencoder: { family: 'block-transform', factor: 4 } },
      /4 channels/,
    ],
    ['spreads of another count', { ...official, insertedSpread: [1] }, /list of 4 numbers/],
  ])('is refused with %s', (_, config, message) => {
    expect(() => parseConfig(config)).toThrow(message);
  });
});
