/** The encoder, the same for both decoders: frames to the posterior's mean and log-variance, frame by frame (SPEC §3). */

import { shapeOf } from '../onnx/dimension.ts';
import { convolution, groupNorm, silu } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { FRAME_NORM_EPSILON, middleBlock, residualBlock } from './blocks.ts';
import { type Autoencoder, type Features, planeOf } from './network.ts';

const LEAST_LOG_VARIANCE = -30;
const MOST_LOG_VARIANCE = 20;

/** `frames` [F, 3, H, W] → `mean`, `logvar` [F, Z, h, w]; H and W are multiples of the latent factor. */
export function encoderGraph(vae: Autoencoder): void {
  const { g, config } = vae;
  const { channels, latentChannels } = config;
  const edge = { kernel: 3, role: 'edge-convolution' } as const;
  const frames = g.input('frames', shapeOf('F', 3, 'H', 'W'));
  const plane = planeOf(config, 0);
  const first = convolution(vae, 'encoder.conv_in', frames, channels[0]!, { ...edge, plane });
  let x: Features = { value: first, channels: channels[0]!, level: 0 };
  for (const [level, width] of channels.entries()) {
    const path = `encoder.down_blocks.${level}`;
    for (let block = 0; block < config.blocks; block += 1) {
      x = residualBlock(vae, `${path}.resnets.${block}`, x, width);
    }
    if (level < channels.length - 1) x = halved(vae, `${path}.downsamplers.0.conv`, x);
  }
  x = middleBlock(vae, 'encoder.mid_block', x, residualBlock);
  const normal = silu(vae, groupNorm(vae, 'encoder.conv_norm_out', x.value, FRAME_NORM_EPSILON));
  const output = convolution(vae, 'encoder.conv_out', normal, 2 * latentChannels, edge);
  const moments = convolution(vae, 'quant_conv', output, 2 * latentChannels, { ...edge, kernel: 1 });
  g.output('mean', op.channels(g, moments, 0, latentChannels));
  const logVariance = op.channels(g, moments, latentChannels, 2 * latentChannels);
  g.output('logvar', op.clamp(g, logVariance, LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE));
}

/** Stride 2, padded on the right and at the bottom only. */
function halved(vae: Autoencoder, path: string, x: Features): Features {
  const level = x.level + 1;
  const plane = planeOf(vae.config, level);
  const value = convolution(vae, path, x.value, x.channels, { kernel: 3, stride: 2, padding: [0, 0, 1, 1], plane });
  return { ...x, value, level };
}
