/**
 * The operations that models are made of, as tiny graphs with answers computed here in plain loops.
 *
 * Each is written the way `models/` writes it, so that a provider that passes computes our graphs right. Sizes are small
 * enough for a software GPU (well under a million multiply-adds in all) and awkward enough (odd sides) to catch edge bugs.
 */

import { dimension, shapeOf } from '../models/onnx/dimension.ts';
import { type Graph, GraphBuilder, scaleName, type Value } from '../models/onnx/graph.ts';
import { modelFile, type Placement, weightValues } from '../models/onnx/model-file.ts';
import { convolution, instanceNormalization, matMul, softmax, transpose } from '../models/onnx/operators.ts';
import { type Tensor, tensor } from '../tensor.ts';
import type { PartSource } from './session.ts';

export interface SelfTestCase {
  readonly name: string;
  readonly source: PartSource;
  readonly input: Tensor;
  readonly expected: Float32Array;
}

const DATA_FILE = 'self-test.bin';

export function selfTestCases(): readonly SelfTestCase[] {
  return [convolutionCase(), groupNormCase(), attentionCase(), quantisedLinearCase()];
}

/** A 3×3 convolution from c to c channels over `size`² pixels, and what it costs. */
export function speedCase(
  channels: number,
  size: number,
): { readonly source: PartSource; readonly input: Tensor; readonly gigaflops: number } {
  const dims = [1, channels, size, size];
  const weights = pattern(channels * channels * 9, 3, 0.05);
  const source = singleGraph('speed', dims, (g, x) =>
    convolution(g, x, g.floats('w', [channels, channels, 3, 3], weights), null, { padding: [1, 1] }),
  );
  return {
    source,
    input: tensor(dims, pattern(channels * size * size, 1)),
    gigaflops: (2 * 9 * channels * channels * size * size) / 1e9,
  };
}

/** The first Conv over a graph input with more than 3 channels: wrong on some drivers (onnxruntime#29651). */
function convolutionCase(): SelfTestCase {
  const [frames, input, output, height, width] = [2, 7, 5, 9, 6];
  const x = pattern(frames * input * height * width, 1);
  const w = pattern(output * input * 9, 2, 0.2);
  const b = pattern(output, 3);
  const expected = new Float32Array(frames * output * height * width);
  for (let f = 0; f < frames; f += 1) {
    for (let o = 0; o < output; o += 1) {
      for (let y = 0; y < height; y += 1) {
        for (let xx = 0; xx < width; xx += 1) {
          let sum = b[o]!;
          for (let i = 0; i < input; i += 1) {
            for (let ky = 0; ky < 3; ky += 1) {
              for (let kx = 0; kx < 3; kx += 1) {
                const sy = y + ky - 1;
                const sx = xx + kx - 1;
                if (sy < 0 || sx < 0 || sy >= height || sx >= width) continue;
                sum += x[((f * input + i) * height + sy) * width + sx]! * w[((o * input + i) * 3 + ky) * 3 + kx]!;
              }
            }
          }
          expected[((f * output + o) * height + y) * width + xx] = sum;
        }
      }
    }
  }
  const dims = [frames, input, height, width];
  const source = singleGraph('convolution', dims, (g, value) =>
    convolution(g, value, g.floats('w', [output, input, 3, 3], w), g.floats('b', [output], b), { padding: [1, 1] }),
  );
  return { name: 'convolution', source, input: tensor(dims, x), expected };
}

function groupNormCase(): SelfTestCase {
  const [frames, groups, length] = [2, 3, 70];
  const x = pattern(frames * groups * length, 4, 3);
  const epsilon = 1e-5;
  const expected = new Float32Array(x.length);
  for (let row = 0; row < frames * groups; row += 1) {
    const values = x.subarray(row * length, (row + 1) * length);
    const mean = values.reduce((sum, value) => sum + value, 0) / length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length;
    for (let i = 0; i < length; i += 1)
      expected[row * length + i] = (values[i]! - mean) / Math.sqrt(variance + epsilon);
  }
  const dims = [frames, groups, length];
  const source = singleGraph('group-norm', dims, (g, value) => instanceNormalization(g, value, epsilon));
  return { name: 'group normalisation', source, input: tensor(dims, x), expected };
}

function attentionCase(): SelfTestCase {
  const [heads, tokens, width] = [2, 21, 8];
  const x = pattern(heads * tokens * width, 5, 2);
  const expected = new Float32Array(x.length);
  for (let h = 0; h < heads; h += 1) {
    const head = x.subarray(h * tokens * width, (h + 1) * tokens * width);
    for (let q = 0; q < tokens; q += 1) {
      const scores = Array.from({ length: tokens }, (_, k) => {
        let dot = 0;
        for (let c = 0; c < width; c += 1) dot += head[q * width + c]! * head[k * width + c]!;
        return dot;
      });
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let c = 0; c < width; c += 1) {
        let sum = 0;
        for (let k = 0; k < tokens; k += 1) sum += (weights[k]! / total) * head[k * width + c]!;
        expected[(h * tokens + q) * width + c] = sum;
      }
    }
  }
  const dims = [heads, tokens, width];
  const source = singleGraph('attention', dims, (g, value) =>
    matMul(g, softmax(g, matMul(g, value, transpose(g, value, [0, 2, 1]))), value),
  );
  return { name: 'attention', source, input: tensor(dims, x), expected };
}

function quantisedLinearCase(): SelfTestCase {
  const [rows, input, output] = [5, 24, 11];
  const x = pattern(rows * input, 6);
  const quantised = Int8Array.from(pattern(input * output, 7), (value) => Math.round(value * 127));
  const scales = Float32Array.from({ length: output }, (_, channel) => 0.01 + 0.003 * channel);
  const expected = new Float32Array(rows * output);
  for (let r = 0; r < rows; r += 1) {
    for (let o = 0; o < output; o += 1) {
      let sum = 0;
      for (let i = 0; i < input; i += 1) sum += x[r * input + i]! * quantised[i * output + o]! * scales[o]!;
      expected[r * output + o] = sum;
    }
  }
  const g = new GraphBuilder('quantised-linear', () => 'int8');
  const value = g.input('x', shapeOf(rows, input));
  const weight = g.weight({ key: 'w', shape: [output, input], role: 'linear', layout: 'transposed' });
  g.output('y', matMul(g, value, weight));
  const graph = g.finish();
  const bytes = new Uint8Array(quantised.length + scales.byteLength + 4);
  const scaleOffset = Math.ceil(quantised.length / 4) * 4;
  bytes.set(new Uint8Array(quantised.buffer), 0);
  bytes.set(new Uint8Array(scales.buffer), scaleOffset);
  const placements = new Map<string, Placement>([
    ['w', { location: DATA_FILE, offset: 0, bytes: quantised.length }],
    [scaleName(graph.weights[0]!), { location: DATA_FILE, offset: scaleOffset, bytes: scales.byteLength }],
  ]);
  const source = { graph: modelFile(graph, placements), data: [{ name: DATA_FILE, bytes }] };
  return { name: 'quantised linear', source, input: tensor([rows, input], x), expected };
}

function singleGraph(name: string, dims: readonly number[], build: (g: GraphBuilder, x: Value) => Value): PartSource {
  const g = new GraphBuilder(name, () => 'float32');
  const value = g.input(
    'x',
    dims.map((size) => dimension(size)),
  );
  g.output('y', build(g, value));
  const graph: Graph = g.finish();
  if (weightValues(graph).length > 0) throw new RangeError('a self-test graph keeps its weights inside');
  return { graph: modelFile(graph, new Map()), data: [] };
}

/** Repeatable values in −scale…scale without a generator's state. */
function pattern(count: number, seed: number, scale = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => {
    const h = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
    const mixed = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    return (((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 31 - 1) * scale;
  });
}
