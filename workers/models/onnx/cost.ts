/** What a graph costs to run: parameters, work, and the peak of its live activations. */

import { dimension, product, type SymbolSizes, sizeOf } from './dimension.ts';
import type { Graph, Value } from './graph.ts';

export function parameterCount(graph: Graph): number {
  return graph.weights.reduce((sum, { storedDims }) => sum + storedDims.reduce((total, size) => total * size, 1), 0);
}

/**
 * 2·MAC per pixel of the plane [h, w] and frame, for planes large enough that borders do not count.
 * Work that grows faster (attention's scores) or slower (embeddings, text) is left out.
 */
export function flopsPerPixel(graph: Graph): number {
  let multiplyAdds = 0;
  for (const { multiplyAdds: work } of graph.nodes) {
    if (work === undefined) continue;
    const rows = work.symbols.filter((symbol) => symbol.startsWith('h'));
    const frames = work.symbols.filter((symbol) => symbol === 'F');
    if (rows.length !== 1 || frames.length !== 1) continue;
    const scale = 0.25 ** Number(rows[0]!.slice(1));
    multiplyAdds += work.factor * scale;
  }
  return 2 * multiplyAdds;
}

/** 2·MAC of one run at given sizes, everything counted. */
export function totalFlops(graph: Graph, sizes: SymbolSizes): number {
  return graph.nodes.reduce((sum, node) => sum + (node.multiplyAdds ? 2 * sizeOf(node.multiplyAdds, sizes) : 0), 0);
}

/** Operators whose output is their input's buffer. */
const VIEWS = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity']);
/** Nodes that compute from weights alone count with the weights. */
const RESTORING = new Set(['Cast', 'DequantizeLinear']);

/**
 * Bytes of float32 activations alive at once, at most, when nodes run in order and a buffer is freed after its last use: graph
 * inputs and outputs included, weights not, no buffer reused in place.
 */
export function peakActivationBytes(graph: Graph, sizes: SymbolSizes): number {
  const owner = new Map<Value, Value>();
  const lastUse = new Map<Value, number>();
  for (const [index, node] of graph.nodes.entries()) {
    for (const input of node.inputs) if (input !== null) lastUse.set(owner.get(input) ?? input, index);
    const first = node.inputs[0];
    if (VIEWS.has(node.op) && first) owner.set(node.outputs[0]!, owner.get(first) ?? first);
  }
  for (const value of [...graph.outputs, ...graph.inputs]) lastUse.set(owner.get(value) ?? value, graph.nodes.length);
  const bytes = (value: Value) => 4 * sizeOf(product([dimension(1), ...value.shape]), sizes);
  let live = graph.inputs.reduce((sum, input) => sum + bytes(input), 0);
  let peak = live;
  const dying = new Map<number, Value[]>();
  for (const [value, at] of lastUse) dying.set(at, [...(dying.get(at) ?? []), value]);
  const alive = new Set<Value>();
  for (const [index, node] of graph.nodes.entries()) {
    if (!VIEWS.has(node.op) && !RESTORING.has(node.op)) {
      for (const output of node.outputs) {
        alive.add(output);
        live += bytes(output);
      }
    }
    peak = Math.max(peak, live);
    for (const value of dying.get(index) ?? []) if (alive.delete(value)) live -= bytes(value);
  }
  return peak;
}
