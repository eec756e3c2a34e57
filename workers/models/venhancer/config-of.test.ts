import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { expectedTensors } from './architecture.ts';
import { networkConfigOf, OFFICIAL_NETWORK } from './config-of.ts';

const shapesOf = (tensors: ReadonlyMap<string, readonly number[]>) => ({
  has: (key: string) => tensors.has(key),
  shape: (key: string) => tensors.get(key)!,
});

describe('the config of a checkpoint', () => {
  it('is the official one for the official keys, and stays so where some are missing', () => {
    const file = JSON.parse(readFileSync(new URL('../configs/venhancer.json', import.meta.url), 'utf8'));
    expect(parseConfig(file)).toMatchObject(OFFICIAL_NETWORK);
    const tensors = new Map(expectedTensors(OFFICIAL_NETWORK));
    expect(networkConfigOf(shapesOf(tensors))).toEqual(OFFICIAL_NETWORK);
    for (const key of tensors.keys()) if (key.startsWith('output_blocks')) tensors.delete(key);
    expect(networkConfigOf(shapesOf(tensors))).toEqual(OFFICIAL_NETWORK);
  });

  it.each([
    { multipliers: [1, 1, 2, 2], attentionLevels: [0, 1, 2], headDim: 16, blocks: 2, contextDim: 32 },
    { multipliers: [1, 2], attentionLevels: [1], headDim: 8, blocks: 1, contextDim: 64 },
    { multipliers: [1, 3, 2], attentionLevels: [0, 2], headDim: 32, blocks: 3, contextDim: 0 },
  ])('is found from its shapes alone: %j', (own) => {
    const contextLength = own.contextDim === 0 ? 0 : 77;
    const config = { ...OFFICIAL_NETWORK, ...own, dim: 64, contextLength };
    expect(networkConfigOf(shapesOf(expectedTensors(config)))).toEqual(config);
  });

  it('is none for other files', () => {
    expect(networkConfigOf(shapesOf(new Map([['decoder.conv_in.weight', [4, 4, 3, 3]]])))).toBeNull();
    expect(networkConfigOf(shapesOf(new Map([['input_blocks.0.0.weight', [320, 4, 3, 3]]])))).toBeNull();
  });
});
