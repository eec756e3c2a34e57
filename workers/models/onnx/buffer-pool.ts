/**
 * What onnxruntime's WebGPU provider keeps in buffers while it runs graphs one after another, weights not included.
 *
 * Its pool hands out buffers of set sizes, the next above what is asked for, and keeps them when they are let go of: a size never gives back, nor
 * serves another. Tensors above the largest size have buffers of their own, which go only when the commands that use them have been handed in, sixteen dispatches at a
 * time. Elementwise nodes write into an input of the same size that nobody needs any more. (onnxruntime 1.30, `buffer_manager.cc`; docs/official.md has it against the
 * runtime's ledger.)
 */

import { dimension, product, type SymbolSizes, sizeOf } from './dimension.ts';
import type { Graph, Value } from './graph.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const SMALL_SIZES = [64, 128, 256, 512, 2048, 4096, 8192, 16384, 32768, 65536].concat(
  [128, 256, 512].map((n) => n * KIB),
);
const LARGE_SIZES = [1, 2, 4, 8, 12, 16, 25, 32]
  .map((n) => n * MIB)
  .concat([44_236_800, 58_982_400, 64 * MIB, 128 * MIB]);
/** The largest size that is kept. */
export const LARGEST_POOLED_BYTES = 160 * MIB;
const SIZES: readonly number[] = [...SMALL_SIZES, ...LARGE_SIZES, LARGEST_POOLED_BYTES];
/** Handed in together. */
const DISPATCHES = 16;

const VIEWS = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity']);
const IN_PLACE = new Set(['Add', 'Sub', 'Mul', 'Sigmoid', 'Gelu']);
/** Of weights alone, or of no size. */
const WITHOUT_BUFFER = new Set(['Cast', 'DequantizeLinear', 'Shape']);

export class BufferPool {
  readonly #free = new Map<number, number>();
  #pending: number[] = [];
  #bytes = 0;
  peakBytes = 0;

  take(bytes: number): number {
    const size = pooledSize(bytes);
    const free = this.#free.get(size) ?? 0;
    if (free > 0) this.#free.set(size, free - 1);
    else this.#bytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.#bytes);
    return size;
  }

  give(size: number): void {
    if (size > LARGEST_POOLED_BYTES) this.#pending.push(size);
    else this.#free.set(size, (this.#free.get(size) ?? 0) + 1);
  }

  /** Commands have been handed in. */
  flush(): void {
    for (const size of this.#pending) this.#bytes -= size;
    this.#pending = [];
  }
}

/** Runs a graph through the pool: inputs, outputs and everything between. */
export function runThrough(pool: BufferPool, graph: Graph, sizes: SymbolSizes): void {
  const owner = new Map<Value, Value>();
  const owned = (value: Value) => owner.get(value) ?? value;
  const lastUse = new Map<Value, number>();
  for (const [index, node] of graph.nodes.entries()) {
    for (const input of node.inputs) if (input !== null) lastUse.set(owned(input), index);
    const first = node.inputs[0];
    if (VIEWS.has(node.op) && first) owner.set(node.outputs[0]!, owned(first));
  }
  for (const value of graph.outputs) lastUse.set(owned(value), graph.nodes.length);
  const bytesOf = (value: Value) => 4 * sizeOf(product([dimension(1), ...value.shape]), sizes);
  const held = new Map<Value, number>(graph.inputs.map((input) => [input, pool.take(bytesOf(input))]));
  for (const [index, node] of graph.nodes.entries()) {
    const dying = node.inputs.flatMap((input) => {
      const value = input && owned(input);
      return value && lastUse.get(value) === index && held.has(value) ? [value] : [];
    });
    if (!VIEWS.has(node.op) && !WITHOUT_BUFFER.has(node.op)) {
      for (const output of node.outputs) {
        const size = pooledSize(bytesOf(output));
        const reused =
          IN_PLACE.has(node.op) && size <= LARGEST_POOLED_BYTES && dying.find((each) => held.get(each) === size);
        if (reused) held.delete(reused);
        held.set(output, reused ? size : pool.take(size));
      }
      if (index % DISPATCHES === 0) pool.flush();
    }
    for (const value of new Set(dying)) {
      const size = held.get(value);
      if (size !== undefined) pool.give(size);
      held.delete(value);
    }
  }
  for (const size of held.values()) pool.give(size);
  pool.flush();
}

/** The largest tensor that a node of the graph makes. */
export function largestTensorBytes(graph: Graph, sizes: SymbolSizes): number {
  const made = graph.nodes.flatMap(({ op, outputs }) => (WITHOUT_BUFFER.has(op) ? [] : outputs));
  return Math.max(...made.map((value) => 4 * sizeOf(product([dimension(1), ...value.shape]), sizes)));
}

function pooledSize(bytes: number): number {
  return SIZES.find((size) => size >= bytes) ?? Math.ceil(bytes / 16) * 16;
}
