import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import type { NetworkConfig } from '../manifest.ts';
import { flopsPerPixel, parameterCount, peakActivationBytes, totalFlops } from '../onnx/cost.ts';
import { expectedTensors, networkGraph } from './architecture.ts';
import { levelSizes } from './network.ts';

const json = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const OFFICIAL = parseConfig(json('../configs/venhancer.json'));
const PLAIN: NetworkConfig = {
  ...OFFICIAL,
  latentChannels: 24,
  dim: 16,
  multipliers: [1, 2, 3],
  blocks: 1,
  headDim: 8,
  attentionLevels: [1],
  contextDim: 0,
  contextLength: 0,
  groups: 8,
  padding: 'plain',
};

describe('the official config', () => {
  it('reads exactly the keys and shapes of the official checkpoints', () => {
    const official = json('../fixtures/venhancer-keys.json') as { [key: string]: number[] };
    expect(Object.keys(official)).toHaveLength(2180);
    expect(Object.fromEntries(expectedTensors(OFFICIAL))).toEqual(official);
  });

  it('has the parameters of SPEC §1.5', () => {
    expect(parameterCount(networkGraph(OFFICIAL, 'controlnet'))).toBe(633_575_936);
    expect(parameterCount(networkGraph(OFFICIAL, 'unet'))).toBe(1_411_233_860);
  });

  it('does the work of SPEC §4', () => {
    const sizes = levelSizes(OFFICIAL, 24, 42, 64);
    const teraflops = (part: 'controlnet' | 'unet') => totalFlops(networkGraph(OFFICIAL, part), sizes) / 1e12;
    expect(teraflops('controlnet')).toBeCloseTo(8.2, 0);
    expect(teraflops('unet')).toBeCloseTo(21.2, 0);
    const linear = flopsPerPixel(networkGraph(OFFICIAL, 'controlnet')) + flopsPerPixel(networkGraph(OFFICIAL, 'unet'));
    expect(linear / 0.409e9).toBeGreaterThan(0.93);
    expect(linear / 0.409e9).toBeLessThan(1.01);
  });

  it('keeps three quarters alive of what SPEC §4 has in float16, its gate split, where scores are small', () => {
    const sizes = levelSizes(OFFICIAL, 24, 18, 16);
    const peak = peakActivationBytes(networkGraph(OFFICIAL, 'unet'), sizes) / (24 * 18 * 16);
    expect(peak / (2 * 23.5e3)).toBeCloseTo(0.75, 1);
  });

  it('shrinks planes as SPEC §1.2: 90×160 → 46×80 → 24×40 → 13×20', () => {
    const sizes = levelSizes(OFFICIAL, 1, 90, 160);
    expect([sizes.h1, sizes.w1, sizes.h2, sizes.w2, sizes.h3, sizes.w3]).toEqual([46, 80, 24, 40, 13, 20]);
  });
});

describe('another config of the family', () => {
  it('has no cross-attention in space without text, and keeps the second attention in time', () => {
    const keys = [...expectedTensors(PLAIN).keys()];
    const second = keys.filter((key) => key.includes('attn2') || key.includes('norm2'));
    expect(second.length).toBeGreaterThan(0);
    expect(second.every((key) => /(\.2|blocks\.0\.1)\.transformer_blocks/.test(key))).toBe(true);
    expect(networkGraph(PLAIN, 'unet').inputs.map(({ name }) => name)).not.toContain('context');
  });

  it('has one residual for each skip and one for the middle, the same in both graphs', () => {
    const control = networkGraph(PLAIN, 'controlnet').outputs;
    const unet = networkGraph(PLAIN, 'unet').inputs.filter(({ name }) => name.startsWith('residual_'));
    expect(control.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `residual_${index}`));
    const byName = new Map(unet.map(({ name, shape }) => [name, shape]));
    for (const { name, shape } of control) expect(byName.get(name)).toEqual(shape);
  });

  it('puts the upsampling right after the ResBlock where a level has no attention', () => {
    const keys = expectedTensors(PLAIN);
    expect(keys.get('output_blocks.1.1.conv.weight')).toEqual([48, 48, 3, 3]);
    expect(keys.get('output_blocks.3.3.conv.weight')).toEqual([32, 32, 3, 3]);
  });

  it('halves planes exactly with plain padding', () => {
    const sizes = levelSizes(PLAIN, 1, 36, 20);
    expect([sizes.h1, sizes.w1, sizes.h2, sizes.w2]).toEqual([18, 10, 9, 5]);
  });
});
