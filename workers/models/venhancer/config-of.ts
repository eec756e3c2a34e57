/** The config that a checkpoint's own keys and shapes speak of. Reads no weight. */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { NetworkConfig } from '../manifest.ts';

/** SPEC §1.1; the same as configs/venhancer.json. */
export const OFFICIAL_NETWORK: NetworkConfig = {
  family: 'venhancer',
  latentChannels: 4,
  dim: 320,
  multipliers: [1, 2, 4, 4],
  blocks: 2,
  headDim: 64,
  firstTemporalHeads: 8,
  attentionLevels: [0, 1, 2],
  contextDim: 1024,
  contextLength: 77,
  groups: 32,
  padding: 'reference',
};

type Shapes = Pick<Checkpoint, 'has' | 'shape'>;

/**
 * The network of a UNet-and-ControlNet checkpoint, or null where the file is something else. At the official width it is the official
 * config whatever is missing, so that what is missing can be named. What no shape tells is as in the reference: eight heads in the
 * first temporal transformer, 32 groups, its padding, a context of 77.
 */
export function networkConfigOf(checkpoint: Shapes): NetworkConfig | null {
  if (!checkpoint.has('VideoControlNet.input_blocks.0.0.weight')) return null;
  const size = (key: string, axis: number) => (checkpoint.has(key) ? checkpoint.shape(key)[axis] : undefined);
  const dim = size('input_blocks.0.0.weight', 0);
  const latentChannels = size('input_blocks.0.0.weight', 1);
  const inner = size('input_blocks.0.1.proj_in.weight', 0);
  if (dim === OFFICIAL_NETWORK.dim) return OFFICIAL_NETWORK;
  if (!dim || !latentChannels || !inner) return null;

  const widths: number[] = [];
  const attentionLevels: number[] = [];
  let blocks = 0;
  for (let index = 1, level = 0, inLevel = 0; ; index += 1) {
    const path = `input_blocks.${index}`;
    const width = size(`${path}.0.in_layers.2.weight`, 0);
    if (width !== undefined) {
      widths[level] = width;
      inLevel += 1;
      blocks = Math.max(blocks, inLevel);
      if (checkpoint.has(`${path}.1.proj_in.weight`) && !attentionLevels.includes(level)) attentionLevels.push(level);
    } else if (checkpoint.has(`${path}.op.weight`)) {
      level += 1;
      inLevel = 0;
    } else break;
  }
  const contextDim = size('middle_block.1.transformer_blocks.0.attn2.to_k.weight', 1) ?? 0;
  const { firstTemporalHeads, groups, padding, contextLength } = OFFICIAL_NETWORK;
  const multipliers = Array.from(widths, (width) => (width ?? 0) / dim);
  const headDim = inner / firstTemporalHeads;
  const whole = [headDim, dim / groups, ...multipliers].every((each) => Number.isInteger(each) && each > 0);
  if (multipliers.length === 0 || !whole) return null;
  return {
    family: 'venhancer',
    latentChannels,
    dim,
    multipliers,
    blocks,
    headDim,
    firstTemporalHeads,
    attentionLevels,
    contextDim,
    contextLength: contextDim === 0 ? 0 : contextLength,
    groups,
    padding,
  };
}
