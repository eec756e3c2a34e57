/**
 * What onnxruntime's WebGPU provider keeps in buffers while it runs graphs one after another, weights not included.
 *
 * Its pool hands out buffers of set sizes, the next above what is asked for, and keeps them when they are let go of, up to a number: a size never serves
 * another. Tensors above the largest size have buffers of their own, which go only when the commands that use them have been handed in, sixteen dispatches at a
 * time. Elementwise nodes write into an input of the same size that nobody needs any more. Restored weights are tensors like any others. Convolutions run with
 * channels last: a copy of what goes in, of what comes out, and of a restored weight. What a graph is given stays until its run is over; and where its
 * outputs stay on the device, until its next run begins, since its inputs are then bound to the session.
 * (onnxruntime 1.30, `buffer_manager.cc`, and its dispatches one by one; docs/official.md has it against the runtime's ledger.)
 */

import { dimension, product, type SymbolSizes, sizeOf } from './dimension.ts';
import type { Graph, GraphNode, Value } from './graph.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** Sizes, and how many buffers of each are kept. */
const POOLED: readonly (readonly [bytes: number, kept: number])[] = [
  [64, 250],
  [128, 200],
  [256, 200],
  [512, 200],
  [2 * KIB, 230],
  [4 * KIB, 200],
  [8 * KIB, 50],
  [16 * KIB, 50],
  [32 * KIB, 50],
  [64 * KIB, 50],
  [128 * KIB, 50],
  [256 * KIB, 50],
  [512 * KIB, 50],
  [MIB, 50],
  [2 * MIB, 30],
  [4 * MIB, 20],
  [8 * MIB, 10],
  [12 * MIB, 10],
  [16 * MIB, 10],
  [25 * MIB, 15],
  [32 * MIB, 22],
  [44_236_800, 2],
  [58_982_400, 6],
  [64 * MIB, 6],
  [128 * MIB, 6],
  [160 * MIB, 6],
];
const KEPT = new Map(POOLED);
/** The largest size that is kept. */
export const LARGEST_POOLED_BYTES = POOLED.at(-1)![0];
/** Handed in together. */
const DISPATCHES = 16;

const VIEWS = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity']);
const IN_PLACE = new Set(['Add', 'Sub', 'Mul', 'Sigmoid', 'Gelu']);
/** Folded into weights when a session is made, or of no size. */
const WITHOUT_BUFFER = new Set(['Cast', 'Shape']);

const CONVOLUTIONS = new Set(['Conv', 'ConvTranspose']);

/** Buffers in use at once, at most, while graphs run one after another. */
export interface Footprint {
  readonly pooled: ReadonlyMap<number, number>;
  /** Of tensors larger than the pool's. */
  readonly otherBytes: number;
  /** In use from the first run on, whatever else runs. */
  readonly bound: ReadonlyMap<number, number>;
}

/**
 * Graphs that run one after another, each with what the one before gave out, which stays on the device; the sizes are those of all.
 * @param inPlace whether nodes write into inputs that nobody needs any more: not where a session doesn't know that sizes are the same.
 */
export function footprintOf(graphs: readonly Graph[], sizes: SymbolSizes, inPlace = true): Footprint {
  const use = new Use();
  const bound = new Map<number, number>();
  for (const [index, graph] of graphs.entries()) {
    runThrough(use, graph, sizes, inPlace);
    if (index === graphs.length - 1) break;
    for (const input of graph.inputs) {
      const size = pooledSize(bytesOf(input, sizes));
      use.take(size);
      bound.set(size, (bound.get(size) ?? 0) + 1);
    }
  }
  return { pooled: use.most, otherBytes: use.mostOtherBytes, bound };
}

/** The peak where these take turns over one pool: what each needs, what the others have left behind, and what stays bound to them. */
export function pooledPeakBytes(footprints: readonly Footprint[]): number {
  const needs = footprints.map((own) => {
    const needed = new Map(own.pooled);
    for (const other of footprints) {
      if (other === own) continue;
      for (const [size, count] of other.bound) needed.set(size, (needed.get(size) ?? 0) + count);
    }
    return { needed, otherBytes: own.otherBytes };
  });
  const left = new Map<number, number>();
  for (const { needed } of needs) {
    for (const [size, count] of needed) left.set(size, Math.max(left.get(size) ?? 0, Math.min(count, kept(size))));
  }
  return Math.max(
    0,
    ...needs.map(({ needed, otherBytes }) => {
      const sizes = new Set([...left.keys(), ...needed.keys()]);
      const held = (size: number) => size * Math.max(left.get(size) ?? 0, needed.get(size) ?? 0);
      return [...sizes].reduce((sum, size) => sum + held(size), otherBytes);
    }),
  );
}

function kept(size: number): number {
  return KEPT.get(size) ?? 0;
}

/** The largest tensor that a node of the graph makes. */
export function largestTensorBytes(graph: Graph, sizes: SymbolSizes): number {
  const made = graph.nodes.flatMap(({ op, outputs }) => (WITHOUT_BUFFER.has(op) ? [] : outputs));
  return Math.max(...made.map((value) => bytesOf(value, sizes)));
}

/** The largest of the graph's inputs and outputs: they pass through a buffer of their own size from and to the processor. */
export function largestExchangedBytes({ inputs, outputs }: Graph, sizes: SymbolSizes): number {
  return Math.max(...[...inputs, ...outputs].map((value) => bytesOf(value, sizes)));
}

class Use {
  readonly most = new Map<number, number>();
  mostOtherBytes = 0;
  readonly #now = new Map<number, number>();
  #otherBytes = 0;
  #late = 0;

  take(size: number): void {
    if (size > LARGEST_POOLED_BYTES) {
      this.#otherBytes += size;
      this.mostOtherBytes = Math.max(this.mostOtherBytes, this.#otherBytes);
      return;
    }
    const now = (this.#now.get(size) ?? 0) + 1;
    this.#now.set(size, now);
    if (now > (this.most.get(size) ?? 0)) this.most.set(size, now);
  }

  give(size: number): void {
    if (size > LARGEST_POOLED_BYTES) this.#late += size;
    else this.#now.set(size, this.#now.get(size)! - 1);
  }

  /** Commands have been handed in. */
  flush(): void {
    this.#otherBytes -= this.#late;
    this.#late = 0;
  }
}

function runThrough(use: Use, graph: Graph, sizes: SymbolSizes, inPlace: boolean): void {
  const owner = new Map<Value, Value>();
  const owned = (value: Value) => owner.get(value) ?? value;
  const lastUse = new Map<Value, number>();
  for (const [index, node] of graph.nodes.entries()) {
    for (const input of node.inputs) if (input !== null) lastUse.set(owned(input), index);
    const first = node.inputs[0];
    if (VIEWS.has(node.op) && first) owner.set(node.outputs[0]!, owned(first));
  }
  for (const value of [...graph.inputs, ...graph.outputs]) lastUse.set(owned(value), graph.nodes.length);
  const held = new Map<Value, number>();
  const sizeOfValue = (value: Value) => pooledSize(bytesOf(value, sizes));
  const hold = (value: Value, size = sizeOfValue(value)) => {
    use.take(size);
    held.set(value, size);
  };
  const letGo = (value: Value) => {
    const size = held.get(value);
    if (size !== undefined) use.give(size);
    held.delete(value);
  };
  let dispatches = 0;
  const dispatched = (count: number) => {
    const before = Math.floor(dispatches / DISPATCHES);
    dispatches += count;
    if (Math.floor(dispatches / DISPATCHES) > before) use.flush();
  };
  for (const input of graph.inputs) hold(input);
  for (const [index, node] of graph.nodes.entries()) {
    const dying = dyingAt(index, node);
    if (CONVOLUTIONS.has(node.op)) {
      convolve(node, dying);
    } else if (!VIEWS.has(node.op) && !WITHOUT_BUFFER.has(node.op)) {
      for (const output of node.outputs) {
        const size = sizeOfValue(output);
        const mayReuse = inPlace && IN_PLACE.has(node.op) && size <= LARGEST_POOLED_BYTES;
        const reused = mayReuse && dying.find((each) => held.get(each) === size);
        if (reused) held.delete(reused);
        if (reused) held.set(output, size);
        else hold(output, size);
      }
      dispatched(node.op === 'InstanceNormalization' ? 2 : 1);
    }
    dying.forEach(letGo);
  }
  for (const value of [...held.keys()]) letGo(value);
  use.flush();

  function dyingAt(index: number, { inputs }: GraphNode): readonly Value[] {
    const values = inputs.flatMap((input) => (input ? [owned(input)] : []));
    return [...new Set(values)].filter((value) => lastUse.get(value) === index && held.has(value));
  }

  /** With channels last, in copies: of a weight too, where it was restored for this run. */
  function convolve({ inputs, outputs }: GraphNode, dying: readonly Value[]): void {
    const copies: number[] = [];
    for (const value of inputs.slice(0, 2)) {
      if (!value || !held.has(owned(value))) continue;
      const size = sizeOfValue(value);
      use.take(size);
      copies.push(size);
      dispatched(1);
      if (dying.includes(owned(value))) letGo(owned(value));
    }
    const [output] = outputs as [Value];
    const size = sizeOfValue(output);
    use.take(size);
    dispatched(1);
    for (const each of copies) use.give(each);
    hold(output, size);
    dispatched(1);
    use.give(size);
  }
}

function bytesOf({ shape }: Value, sizes: SymbolSizes): number {
  return 4 * sizeOf(product([dimension(1), ...shape]), sizes);
}

function pooledSize(bytes: number): number {
  return POOLED.find(([size]) => size >= bytes)?.[0] ?? Math.ceil(bytes / 16) * 16;
}
