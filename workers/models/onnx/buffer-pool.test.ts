/** What was seen in a trace of onnxruntime's dispatches, each by itself; the sums are held to the ledger by e2e/official-gpu.spec.ts. */

import { describe, expect, it } from 'vitest';
import { footprintOf, pooledPeakBytes } from './buffer-pool.ts';
import { shapeOf } from './dimension.ts';
import { type Graph, GraphBuilder, type Storage, type Value } from './graph.ts';
import * as op from './operators.ts';

const KIB = 2 ** 10;

function graphOf(build: (g: GraphBuilder, x: Value) => Value, storage: Storage = 'float32'): Graph {
  const g = new GraphBuilder('test', () => storage);
  // 64 KiB.
  const x = g.input('x', shapeOf(1, 16, 32, 32));
  g.output('y', build(g, x));
  return g.finish();
}

const counts = (graphs: readonly Graph[], inPlace = true) =>
  Object.fromEntries(footprintOf(graphs, {}, inPlace).pooled);
const convolution = (channels: number) => (g: GraphBuilder, x: Value) => {
  const shape = [channels, 16, 3, 3];
  const weight = g.weight({ key: 'weight', shape, role: 'convolution', layout: 'as-is' });
  return op.convolution(g, x, weight, null, { padding: [1, 1] });
};

describe('buffers of a run', () => {
  it('takes the next size above', () => {
    const graph = graphOf((g, x) => op.gelu(g, op.concat(g, [x, x, x], 1)));
    expect(counts([graph])).toEqual({ [64 * KIB]: 1, [256 * KIB]: 1 });
    expect(counts([graph], false)).toEqual({ [64 * KIB]: 1, [256 * KIB]: 2 });
  });

  it('keeps what it was given until it is over', () => {
    // The input, and two that take turns.
    const chain = graphOf((g, x) => op.softmax(g, op.softmax(g, op.softmax(g, x))));
    expect(counts([chain])).toEqual({ [64 * KIB]: 3 });
  });

  it('copies what goes into a convolution and comes out of it, and a restored weight', () => {
    const wide = graphOf(convolution(64));
    expect(counts([wide])).toEqual({ [64 * KIB]: 2, [256 * KIB]: 2 });
    // 64×16×3×3 floats, restored and turned.
    const restored = graphOf(convolution(64), 'int8');
    expect(counts([restored])).toEqual({ [64 * KIB]: 4, [256 * KIB]: 2 });
    // Half precision is made whole when the session is.
    expect(counts([graphOf(convolution(64), 'float16')])).toEqual({ [64 * KIB]: 2, [256 * KIB]: 2 });
  });
});

describe('buffers of several', () => {
  it('keeps bound what a graph was given whose outputs stay on the device, whatever runs after', () => {
    const single = graphOf((g, x) => op.softmax(g, x));
    expect(counts([single])).toEqual({ [64 * KIB]: 2 });
    expect(counts([single, single])).toEqual({ [64 * KIB]: 3 });
    const pair = footprintOf([single, single], {});
    expect(Object.fromEntries(pair.bound)).toEqual({ [64 * KIB]: 1 });
    const four = footprintOf([graphOf((g, x) => op.add(g, op.softmax(g, x), op.softmax(g, op.softmax(g, x))))], {});
    expect(Object.fromEntries(four.pooled)).toEqual({ [64 * KIB]: 4 });
    expect(pooledPeakBytes([four])).toBe(4 * 64 * KIB);
    expect(pooledPeakBytes([pair, four])).toBe(5 * 64 * KIB);
  });

  it('adds up sizes that do not serve one another', () => {
    const small = footprintOf([graphOf((g, x) => op.softmax(g, x))], {});
    const large = footprintOf([graphOf((g, x) => op.softmax(g, op.concat(g, [x, x], 1)))], {});
    expect(pooledPeakBytes([small, large])).toBe((2 * 64 + 2 * 128) * KIB);
  });
});
