import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { expectedTensors } from '../venhancer/architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { misfit, recogniseCheckpoint, requireTensors } from './fit.ts';

type Shapes = { readonly [key: string]: readonly number[] };

const keys: Shapes = JSON.parse(
  readFileSync(new URL('../fixtures/venhancer-keys.json', import.meta.url)).toString(),
) as Shapes;
const config = JSON.parse(readFileSync(new URL('../configs/venhancer.json', import.meta.url)).toString()) as unknown;

function checkpointOf(shapes: Shapes): Checkpoint {
  return {
    keys: () => Object.keys(shapes),
    has: (key) => Object.hasOwn(shapes, key),
    shape: (key) => shapes[key]!,
    type: () => 'float16',
    read: () => Promise.reject(new Error('no weight is needed')),
  };
}

const without = (pattern: RegExp): Shapes =>
  Object.fromEntries(Object.entries(keys).filter(([key]) => !pattern.test(key)));
const vae: Shapes = { 'encoder.conv_in.weight': [128, 3, 3, 3], 'decoder.conv_in.weight': [512, 4, 3, 3] };
const blocks = (count: number): Shapes =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`transformer.resblocks.${i}.attn.in_proj_weight`, [3072, 1024]]),
  );

describe('what a file looks like', () => {
  it.each<[Shapes, string | null, RegExp]>([
    [keys, 'network', /VEnhancer's UNet and ControlNet/],
    [{ ...keys, 'input_blocks.0.0.weight': [32, 4, 3, 3] }, 'network', /another size/],
    [without(/^VideoControlNet/), null, /without VEnhancer's ControlNet/],
    [without(/^(?!VideoControlNet)/), null, /without its UNet/],
    [{ ...vae, 'decoder.time_conv_out.weight': [3, 3, 3, 1, 1] }, 'autoencoder', /temporal decoder/],
    [{ ...vae, 'decoder.up_blocks.0.resnets.0.conv1.weight': [512, 512, 3, 3] }, 'autoencoder', /image VAE/],
    [vae, null, /first Stable Diffusion/],
    [{ 'token_embedding.weight': [49408, 1024], ...blocks(24) }, 'text-encoder', /ViT-H-14/],
    [{ 'token_embedding.weight': [49408, 768], ...blocks(12) }, null, /other than ViT-H-14/],
    [{ 'text_model.embeddings.token_embedding.weight': [49408, 1024] }, null, /OpenCLIP is needed/],
    [{}, null, /without tensors/],
    [{ 'model.layers.0.weight': [1] }, null, /begin with model\.layers\.0/],
  ])('is told by its keys (%#)', (shapes, kind, description) => {
    const recognised = recogniseCheckpoint(checkpointOf(shapes));
    expect(recognised).toEqual({ kind, description: expect.stringMatching(description) });
  });
});

describe('the wrong file', () => {
  const expected = expectedTensors(parseConfig(config));

  it('is named', () => {
    const textEncoder = checkpointOf({ 'token_embedding.weight': [49408, 1024], ...blocks(24) });
    expect(() => requireTensors(textEncoder, expected)).toThrow(
      /2180 of 2180 tensors are missing \(.*\)\. The file looks like OpenCLIP ViT-H-14\./,
    );
  });

  it('is a part of the right one', () => {
    const partial = checkpointOf(without(/^out\./));
    expect(misfit(partial, expected).missing).toEqual(['out.0.weight', 'out.0.bias', 'out.2.weight', 'out.2.bias']);
    expect(() => requireTensors(partial, expected)).toThrow(/: 4 of 2180 tensors are missing \(.*, …\)\.$/);
  });

  it('is the right one at another size', () => {
    const other = misfit(checkpointOf({ ...keys, 'out.2.weight': [4, 32, 3, 3] }), expected);
    expect(other.misshapen).toEqual([{ key: 'out.2.weight', shape: [4, 32, 3, 3], expected: [4, 320, 3, 3] }]);
  });

  it('says where its own names lead, for a model of other names', () => {
    const own = new Map([['encoder.conv_in.weight', [128, 3, 3, 3]]]);
    const { strays } = misfit(checkpointOf({ ...vae, 'visual.proj': [1] }), own, { owned: /^(en|de)coder\./ });
    expect(strays).toEqual(['decoder.conv_in.weight']);
  });
});
