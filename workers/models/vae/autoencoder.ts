/**
 * The KL autoencoders of SPEC §3 as graphs `vae-encoder` and `vae-decoder`, over weights named as diffusers names them.
 *
 * Latents are raw: the scale 0.18215 is applied outside. Building costs milliseconds and reads no weight. Runs anywhere.
 * Running costs about 0.26 GFLOP a latent pixel and frame to encode and 0.73 to decode, and attention at the latent plane holds a score for
 * every pair of a frame's latent pixels.
 */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { KlAutoencoderConfig } from '../manifest.ts';
import { type Graph, GraphBuilder, type Storage, type WeightRequest } from '../onnx/graph.ts';
import { decoderGraph } from './decoder.ts';
import { encoderGraph } from './encoder.ts';

export type VaePart = 'vae-encoder' | 'vae-decoder';
export const VAE_PARTS: readonly VaePart[] = ['vae-encoder', 'vae-decoder'];

export interface VaeOptions {
  /** What each weight is stored as; float32 when absent. */
  readonly storage?: (request: WeightRequest) => Storage;
}

/** `stabilityai/stable-video-diffusion-img2vid`/vae, which the released pipeline decodes with. */
export const TEMPORAL_VAE: KlAutoencoderConfig = {
  family: 'kl',
  decoder: 'temporal',
  latentChannels: 4,
  channels: [128, 256, 512, 512],
  blocks: 2,
  groups: 32,
  attentionKeys: 'current',
};

/** Stable Diffusion 2.1's, which the first release decoded with. */
export const IMAGE_VAE: KlAutoencoderConfig = { ...TEMPORAL_VAE, decoder: 'spatial', attentionKeys: 'legacy' };

export function vaeGraph(config: KlAutoencoderConfig, part: VaePart, options: VaeOptions = {}): Graph {
  const g = new GraphBuilder(part, options.storage ?? (() => 'float32'));
  const vae = { g, config, prefix: '' };
  if (part === 'vae-encoder') encoderGraph(vae);
  else decoderGraph(vae);
  return g.finish();
}

/** Every checkpoint key that the graphs read, with its shape in the checkpoint. */
export function vaeTensors(config: KlAutoencoderConfig): ReadonlyMap<string, readonly number[]> {
  const requests = VAE_PARTS.flatMap((part) => vaeGraph(config, part).weights);
  return new Map(requests.map(({ key, shape }) => [key, shape]));
}

/**
 * The config that a checkpoint's keys and shapes speak of, or `null` where it is no such autoencoder. A file may still lack tensors:
 * compare it with {@link vaeTensors}.
 */
export function vaeConfigOf(checkpoint: Pick<Checkpoint, 'has' | 'shape'>): KlAutoencoderConfig | null {
  const outputs = (key: string) => (checkpoint.has(key) ? checkpoint.shape(key)[0] : undefined);
  const channels: number[] = [];
  for (let width: number | undefined; ; channels.push(width)) {
    width = outputs(`encoder.down_blocks.${channels.length}.resnets.0.conv1.weight`);
    if (width === undefined) break;
  }
  const moments = outputs('quant_conv.weight');
  if (channels.length === 0 || moments === undefined || moments % 2 !== 0) return null;
  let blocks = 0;
  while (checkpoint.has(`encoder.down_blocks.0.resnets.${blocks}.conv1.weight`)) blocks += 1;
  const legacy = checkpoint.has('encoder.mid_block.attentions.0.query.weight');
  return {
    family: 'kl',
    decoder: checkpoint.has('decoder.time_conv_out.weight') ? 'temporal' : 'spatial',
    latentChannels: moments / 2,
    channels,
    blocks,
    groups: TEMPORAL_VAE.groups,
    attentionKeys: legacy ? 'legacy' : 'current',
  };
}
