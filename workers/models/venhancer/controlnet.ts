/** The video ControlNet (SPEC §1.4): the key frames' hint in, one residual per skip and one for the middle out. */

import { dimension, shapeOf } from '../onnx/dimension.ts';
import type { Value } from '../onnx/graph.ts';
import { convolution, linear, silu } from '../onnx/layers.ts';
import * as op from '../onnx/operators.ts';
import { encoder } from './encoder.ts';
import { embedding } from './layers.ts';
import { FRAMES, type Network, planeOf, timeWidth } from './network.ts';

export interface ControlNetInputs {
  /** [F, Z, h, w] */
  readonly sample: Value;
  /** [F, Z, h, w] */
  readonly hint: Value;
  /** [F]: 1 or 0 */
  readonly keyFrames: Value;
  /** [1, dim] each */
  readonly timestepFeatures: Value;
  readonly hintTimestepFeatures: Value;
  readonly scaleFeatures: Value;
  readonly context: Value | null;
}

/** Residuals in the order of the skips, the middle's last. */
export function controlNet(network: Network, inputs: ControlNetInputs): readonly Value[] {
  const { g, config, mark } = network;
  const encoded = encoder(network, {
    sample: inputs.sample,
    context: inputs.context,
    activatedEmbedding: silu(network, frameEmbedding(network, inputs)),
    addToFirst: (features) => {
      const hint = convolution(network, 'input_hint_block', inputs.hint, config.dim, { kernel: 3, role: 'hint' });
      mark('input_hint_block', hint);
      const one = dimension(1);
      const perFrame = op.reshape(g, inputs.keyFrames, [-1, 1, 1, 1], [FRAMES, one, one, one]);
      return op.add(g, features, op.multiply(g, hint, perFrame));
    },
  });
  const projected = { kernel: 1, role: 'zero-convolution' } as const;
  const residuals = encoded.skips.map((skip, index) =>
    convolution(network, `zero_convs.${index}.0`, skip.value, skip.channels, projected),
  );
  const { value, channels } = encoded.middle;
  return [...residuals, convolution(network, 'middle_block_out.0', value, channels, projected)];
}

/** e_f = TE(t) + [f is a key frame]·(Linear_hint(TE(t_hint)) + scale_cond(s)), [F, 4·dim]. */
function frameEmbedding(network: Network, inputs: ControlNetInputs): Value {
  const { g, config, mark } = network;
  const width = timeWidth(config);
  const time = embedding(network, 'time_embed', inputs.timestepFeatures, width);
  mark('time_embed#0', time);
  const hintTime = embedding(network, 'time_embed', inputs.hintTimestepFeatures, width);
  mark('time_embed#1', hintTime);
  const ofHint = linear(network, 'hint_time_zero_linear', hintTime, width, { role: 'embedding' });
  mark('hint_time_zero_linear', ofHint);
  const ofScale = embedding(network, 'scale_cond', inputs.scaleFeatures, width);
  mark('scale_cond', ofScale);
  const perFrame = op.reshape(g, inputs.keyFrames, [-1, 1], [FRAMES, dimension(1)]);
  return op.add(g, op.multiply(g, perFrame, op.add(g, ofHint, ofScale)), time);
}

/** The graph `controlnet` (DESIGN "Graph interface"). */
export function controlNetGraph(network: Network): void {
  const { g, config } = network;
  const latents = [FRAMES, dimension(config.latentChannels), ...planeOf(0)];
  const features = shapeOf(1, config.dim);
  const residuals = controlNet(network, {
    sample: g.input('sample', latents),
    hint: g.input('hint', latents),
    keyFrames: g.input('key_frames', [FRAMES]),
    timestepFeatures: g.input('timestep_features', features),
    hintTimestepFeatures: g.input('hint_timestep_features', features),
    scaleFeatures: g.input('scale_features', features),
    context: config.contextDim > 0 ? g.input('context', shapeOf(config.contextLength, config.contextDim)) : null,
  });
  for (const [index, residual] of residuals.entries()) g.output(`residual_${index}`, residual);
}
