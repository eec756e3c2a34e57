/**
 * The decoders: Stable Video Diffusion's, whose residual blocks mix frames and whose last convolution runs along time,
 * and Stable Diffusion's, frame by frame (SPEC §3).
 *
 * The temporal one's norms pool over all frames of a run, so a clip decoded in windows differs a little from one decoded whole.
 */

import { dimension } from '../onnx/dimension.ts';
import { convolution, groupNorm, silu, temporalConvolution } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { overSpace, overTime } from '../onnx/video-layout.ts';
import { FRAME_NORM_EPSILON, middleBlock, residualBlock } from './blocks.ts';
import { type Autoencoder, type Features, planeOf } from './network.ts';

/** Of norms that pool over the frames. */
const CLIP_NORM_EPSILON = 1e-5;

/** `latents` [F, Z, h, w] → `frames` [F, 3, H, W], H = h·2^(levels − 1). */
export function decoderGraph(vae: Autoencoder): void {
  const { g, config } = vae;
  const temporal = config.decoder === 'temporal';
  const block = temporal ? frameMixingBlock : residualBlock;
  const edge = { kernel: 3, role: 'edge-convolution' } as const;
  const widths = [...config.channels].reverse();
  const level = widths.length - 1;
  const shape = [dimension('F'), dimension(config.latentChannels), ...planeOf(config, level)];
  const latents = g.input('latents', shape);
  const start = temporal
    ? latents
    : convolution(vae, 'post_quant_conv', latents, config.latentChannels, { ...edge, kernel: 1 });
  const first = convolution(vae, 'decoder.conv_in', start, widths[0]!, edge);
  let x: Features = { value: first, channels: widths[0]!, level };
  x = middleBlock(vae, 'decoder.mid_block', x, block);
  for (const [index, width] of widths.entries()) {
    const path = `decoder.up_blocks.${index}`;
    for (let at = 0; at <= config.blocks; at += 1) x = block(vae, `${path}.resnets.${at}`, x, width);
    if (x.level > 0) x = doubled(vae, `${path}.upsamplers.0.conv`, x);
  }
  const normal = silu(vae, groupNorm(vae, 'decoder.conv_norm_out', x.value, FRAME_NORM_EPSILON));
  const pictures = convolution(vae, 'decoder.conv_out', normal, 3, edge);
  if (temporal) {
    const mixed = temporalConvolution(vae, 'decoder.time_conv_out', overTime(g, pictures), 'edge-convolution');
    g.output('frames', overSpace(g, mixed, pictures));
  } else g.output('frames', pictures);
}

function doubled(vae: Autoencoder, path: string, x: Features): Features {
  const level = x.level - 1;
  const value = vae.g.scoped(path, () => op.doubled(vae.g, x.value, planeOf(vae.config, level)));
  return { ...x, value: convolution(vae, path, value, x.channels, { kernel: 3 }), level };
}

/**
 * y = the plain block; with r the residual block along time, out = (1 − s)·y + s·(y + r(y)) = y + s·r(y), s = sigmoid(mix_factor).
 */
function frameMixingBlock(vae: Autoencoder, path: string, x: Features, outputs: number): Features {
  const { g, prefix } = vae;
  const y = residualBlock(vae, `${path}.spatial_res_block`, x, outputs);
  let change = overTime(g, y.value);
  for (const index of [1, 2]) {
    const temporal = `${path}.temporal_res_block`;
    const normal = groupNorm(vae, `${temporal}.norm${index}`, change, CLIP_NORM_EPSILON);
    change = temporalConvolution(vae, `${temporal}.conv${index}`, silu(vae, normal));
  }
  const value = g.scoped(`${path}.time_mixer`, () => {
    const key = `${prefix}${path}.time_mixer.mix_factor`;
    const share = op.sigmoid(g, g.weight({ key, shape: [1], role: 'norm', layout: 'as-is' }));
    return op.add(g, y.value, overSpace(g, op.multiply(g, change, share), y.value));
  });
  return { ...y, value };
}
