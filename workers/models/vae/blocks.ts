/** Blocks that encoder and decoder share: diffusers' ResnetBlock2D and its one-head attention (SPEC §3). */

import { weigh } from '../onnx/attention.ts';
import type { Value } from '../onnx/graph.ts';
import { convolution, groupNorm, linear, silu } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { fromPixelTokens, pixelTokens } from '../onnx/video-layout.ts';
import type { Autoencoder, Features } from './network.ts';

/** Of every norm over one frame. */
export const FRAME_NORM_EPSILON = 1e-6;

/** A residual block: the plain one, or the one that mixes frames. */
export type ResidualBlock = (vae: Autoencoder, path: string, x: Features, outputs: number) => Features;

export function residualBlock(vae: Autoencoder, path: string, x: Features, outputs: number): Features {
  const unit = (index: 1 | 2, value: Value) => {
    const normal = silu(vae, groupNorm(vae, `${path}.norm${index}`, value, FRAME_NORM_EPSILON));
    return convolution(vae, `${path}.conv${index}`, normal, outputs, { kernel: 3 });
  };
  const change = unit(2, unit(1, x.value));
  const skip =
    x.channels === outputs ? x.value : convolution(vae, `${path}.conv_shortcut`, x.value, outputs, { kernel: 1 });
  return { ...x, value: op.add(vae.g, skip, change), channels: outputs };
}

/** Residual block, attention, residual block, at the latent's plane. */
export function middleBlock(vae: Autoencoder, path: string, x: Features, block: ResidualBlock): Features {
  const before = block(vae, `${path}.resnets.0`, x, x.channels);
  return block(vae, `${path}.resnets.1`, attention(vae, `${path}.attentions.0`, before), x.channels);
}

const ATTENTION_KEYS = {
  current: { query: 'to_q', key: 'to_k', value: 'to_v', output: 'to_out.0' },
  legacy: { query: 'query', key: 'key', value: 'value', output: 'proj_attn' },
} as const;

/** Every frame's pixels attend to one another, in one head as wide as the channels; the residual is added. */
function attention(vae: Autoencoder, path: string, x: Features): Features {
  const { g, config } = vae;
  const keys = ATTENTION_KEYS[config.attentionKeys];
  const tokens = pixelTokens(g, groupNorm(vae, `${path}.group_norm`, x.value, FRAME_NORM_EPSILON));
  const project = (name: string) => linear(vae, `${path}.${name}`, tokens, x.channels);
  const [query, key, value] = [project(keys.query), project(keys.key), project(keys.value)];
  const mixed = g.scoped(path, () => {
    const scaled = op.multiply(g, query, g.scalar(1 / Math.sqrt(x.channels)));
    const oneHead = (each: Value) => op.unsqueeze(g, each, 1);
    return op.squeeze(g, weigh(g, oneHead(scaled), oneHead(op.transpose(g, key, [0, 2, 1])), oneHead(value)), 1);
  });
  const output = linear(vae, `${path}.${keys.output}`, mixed, x.channels);
  return { ...x, value: op.add(g, fromPixelTokens(g, output, x.value), x.value) };
}
