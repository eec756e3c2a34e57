/**
 * Nano's autoencoder (docs/nano-model.md): the block transform of luma and half-size chroma, as graphs.
 *
 * A factor n gives 1.5·n² latent channels and loses nothing that 4:2:0 video holds. These graphs take and give **raw** latents; the scaled
 * ones, z = (raw − shift)·scale, which the network works on, are made outside. One small convolution each, whose matrices lie
 * in the graph; the decoder may have a learned part besides (refinement.ts). Runs anywhere.
 */

import { dimension, product, shapeOf } from '../onnx/dimension.ts';
import { type Graph, GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/operators.ts';
import { LUMA, type RefinementConfig, refine } from './refinement.ts';

/** Pixels that are decoded at a time where the decoder has a learned part: full HD and a little. */
export const BAND_PIXELS = 2 ** 21;

const CB_SCALE = 0.564;
const CR_SCALE = 0.713;

export type AutoencoderPart = 'vae-encoder' | 'vae-decoder';

export function blockTransformChannels(factor: number): number {
  return factor * factor + 2 * (factor / 2) ** 2;
}

/** Row u holds the orthonormal DCT-II's basis of frequency u. */
function cosineBasis(size: number): readonly (readonly number[])[] {
  return Array.from({ length: size }, (_, u) =>
    Array.from({ length: size }, (_, i) => {
      const norm = Math.sqrt((u === 0 ? 1 : 2) / size);
      return norm * Math.cos(((2 * i + 1) * u * Math.PI) / (2 * size));
    }),
  );
}

/** Value at (y, x) of the block of channel k's basis function; chroma at half size. */
function basisAt(
  factor: number,
  channel: number,
): { plane: 'luma' | 'cb' | 'cr'; at: (y: number, x: number) => number } {
  const half = factor / 2;
  if (channel < factor * factor) {
    const basis = cosineBasis(factor);
    const [v, u] = [Math.floor(channel / factor), channel % factor];
    return { plane: 'luma', at: (y, x) => basis[v]![y]! * basis[u]![x]! };
  }
  const index = channel - factor * factor;
  const basis = cosineBasis(half);
  const [v, u] = [Math.floor((index % (half * half)) / half), index % half];
  const at = (y: number, x: number) => basis[v]![Math.floor(y / 2)]! * basis[u]![Math.floor(x / 2)]!;
  return { plane: index < half * half ? 'cb' : 'cr', at };
}

/** E's weights [Z, 3, n, n]: latents = convolution of RGB with stride n. */
export function analysisWeights(factor: number): Float32Array {
  const [r, g, b] = LUMA;
  const colour = {
    luma: [r, g, b],
    cb: [-CB_SCALE * r, -CB_SCALE * g, CB_SCALE * (1 - b)],
    cr: [CR_SCALE * (1 - r), -CR_SCALE * g, -CR_SCALE * b],
  };
  return weights(factor, (plane, c) => (plane === 'luma' ? colour.luma[c]! : colour[plane][c]! / 4));
}

/** T's weights [Z, 3, n, n]: RGB = transposed convolution of latents with stride n; E∘T is the identity. */
export function synthesisWeights(factor: number): Float32Array {
  const [r, g, b] = LUMA;
  const colour = {
    luma: [1, 1, 1],
    cb: [0, -b / (g * CB_SCALE), 1 / CB_SCALE],
    cr: [1 / CR_SCALE, -r / (g * CR_SCALE), 0],
  };
  return weights(factor, (plane, c) => colour[plane][c]!);
}

function weights(factor: number, colour: (plane: 'luma' | 'cb' | 'cr', channel: number) => number): Float32Array {
  const channels = blockTransformChannels(factor);
  const values = new Float32Array(channels * 3 * factor * factor);
  let at = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    const basis = basisAt(factor, channel);
    for (let c = 0; c < 3; c += 1) {
      for (let y = 0; y < factor; y += 1) {
        for (let x = 0; x < factor; x += 1) values[at++] = colour(basis.plane, c) * basis.at(y, x);
      }
    }
  }
  return values;
}

/**
 * `vae-encoder`: `frames` [F, 3, H, W] → `latents` [F, Z, h, w]. `vae-decoder`: `latents`, `source` [F, 3, H, W] → `frames` =
 * source + T(latents − E(source)), so latents equal to the source's give it back to the last bit; with a refinement, which also takes
 * `conditioning` [1, 2], what that adds, whatever the latents.
 */
export function blockTransformGraph(part: AutoencoderPart, factor: number, refinement?: RefinementConfig): Graph {
  const g = new GraphBuilder(part, () => 'float32');
  const frames = shapeOf('F', 3, 'H', 'W');
  if (part === 'vae-encoder') {
    g.output('latents', analyse(g, g.input('frames', frames), factor));
    return g.finish();
  }
  const latents = g.input('latents', shapeOf('F', blockTransformChannels(factor), 'h', 'w'));
  const source = g.input('source', frames);
  const change = op.subtract(g, latents, analyse(g, source, factor));
  const synthesis = g.floats(
    'synthesis',
    [blockTransformChannels(factor), 3, factor, factor],
    synthesisWeights(factor),
  );
  const pixels = op.blockTransposedConvolution(g, change, synthesis, [dimension('H'), dimension('W')]);
  const changed = op.add(g, source, pixels);
  if (refinement === undefined) {
    g.output('frames', changed);
    return g.finish();
  }
  const conditioning = g.input('conditioning', shapeOf(1, 2));
  const fraction = (size: number) => ['h', 'w'].map((side) => product([dimension(side), dimension(factor / size)]));
  const planes = { half: fraction(2), quarter: fraction(4) };
  g.output('frames', op.add(g, changed, refine(g, refinement, { source, conditioning }, planes)));
  return g.finish();
}

function analyse(g: GraphBuilder, frames: Value, factor: number): Value {
  const dims = [blockTransformChannels(factor), 3, factor, factor];
  const analysis = g.floats('analysis', dims, analysisWeights(factor));
  const plane = [dimension('h'), dimension('w')];
  return op.convolution(g, frames, analysis, null, { stride: factor, padding: [0, 0], plane });
}
