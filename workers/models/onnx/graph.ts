/**
 * A graph under construction: typed values with symbolic shapes, nodes, constants, and weights by their checkpoint's names.
 *
 * Weights are only named here. What each is stored as is asked of the `storage` function once, and the node that
 * turns it back into float32 (`Cast`, `DequantizeLinear`) is placed; bytes are read when the package is written.
 * Costs: a few hundred bytes a node. Runs anywhere.
 */

import type { Dimension } from './dimension.ts';
import { type Shape, sameShape, shapeOf, shapeText } from './dimension.ts';

export type ElementType = 'float32' | 'float16' | 'int8' | 'int4' | 'int32' | 'int64';

export interface Value {
  name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface GraphNode {
  readonly op: string;
  readonly name: string;
  /** `null`: an optional input left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: { readonly [name: string]: Attribute };
  /** Multiply-adds of one run; absent where there are none worth counting. */
  readonly multiplyAdds?: Dimension;
}

/** What a weight is for; precision is decided by it. */
export type WeightRole =
  | 'convolution'
  | 'linear'
  /** Everything at full resolution, whose errors reach the output unblurred, and the first temporal transformer. */
  | 'full-resolution'
  | 'skip-convolution'
  | 'edge-convolution'
  | 'zero-convolution'
  | 'hint'
  | 'embedding'
  | 'norm'
  | 'bias';

/** `int4`: signed, in blocks of {@link INT4_BLOCK} inputs with a scale each; for transposed linears only. */
export type Storage = 'float32' | 'float16' | 'int8' | 'int4';

/** Inputs that share a scale: WebGPU's kernels for larger blocks are 20 to 60 times slower (docs/models.md). */
export const INT4_BLOCK = 32;

/** Which checkpoint tensor a node wants and how it wants it laid out. */
export interface WeightRequest {
  readonly key: string;
  /** As the checkpoint has it. */
  readonly shape: readonly number[];
  readonly role: WeightRole;
  /** `transposed`: a linear's [out, in] as MatMul's [in, out]. */
  readonly layout: 'as-is' | 'transposed';
  /** Part `index` of `count` equal parts along the checkpoint's first axis. */
  readonly part?: { readonly index: number; readonly count: number };
  /** Shape in the graph, where it differs by a reshape from the laid-out checkpoint shape. */
  readonly dims?: readonly number[];
}

export interface Weight extends WeightRequest {
  /** The initializer's name: the checkpoint's key, with `#part` where only a part is stored. */
  readonly name: string;
  readonly storage: Storage;
  readonly storedDims: readonly number[];
  /** Axis of `storedDims` that counts output channels: the quantiser's axis. */
  readonly channelAxis: number;
}

export interface Constant {
  readonly value: Value;
  readonly data: Float32Array | BigInt64Array;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly Constant[];
  readonly weights: readonly Weight[];
}

export class GraphBuilder {
  readonly #name: string;
  readonly #storage: (request: WeightRequest) => Storage;
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #weights = new Map<string, { readonly weight: Weight; readonly value: Value }>();
  /** With the number after which an unused suffix is looked for. */
  readonly #names = new Map<string, number>();
  #scope = '';

  constructor(name: string, storage: (request: WeightRequest) => Storage) {
    this.#name = name;
    this.#storage = storage;
  }

  /** Names of nodes made inside `build` begin with `path`. */
  scoped<T>(path: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = outer === '' ? path : `${outer}/${path}`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  input(name: string, shape: Shape): Value {
    const value: Value = { name: this.#unique(name), type: 'float32', shape };
    this.#inputs.push(value);
    return value;
  }

  /** Makes a value an output under that name. */
  output(name: string, value: Value): void {
    const taken = this.#inputs.includes(value) || this.#outputs.includes(value);
    const output = taken ? this.node('Identity', [value], value.shape) : value;
    output.name = this.#unique(name);
    this.#outputs.push(output);
  }

  node(
    op: string,
    inputs: readonly (Value | null)[],
    shape: Shape,
    attributes: { readonly [name: string]: Attribute } = {},
    options: { readonly type?: ElementType; readonly multiplyAdds?: Dimension } = {},
  ): Value {
    const name = this.#unique(this.#scope === '' ? op : `${this.#scope}/${op}`);
    // Short, since every consumer repeats it: with the node's own name graphs were twice the size.
    const output: Value = { name: this.#unique(`t${this.#nodes.length}`), type: options.type ?? 'float32', shape };
    const cost = options.multiplyAdds === undefined ? {} : { multiplyAdds: options.multiplyAdds };
    this.#nodes.push({ op, name, inputs, outputs: [output], attributes, ...cost });
    return output;
  }

  /** A node with several outputs of those shapes. */
  nodes(
    op: string,
    inputs: readonly (Value | null)[],
    shapes: readonly Shape[],
    attributes: { readonly [name: string]: Attribute },
  ): readonly Value[] {
    const name = this.#unique(this.#scope === '' ? op : `${this.#scope}/${op}`);
    const outputs = shapes.map(
      (shape): Value => ({ name: this.#unique(`t${this.#nodes.length}`), type: 'float32', shape }),
    );
    this.#nodes.push({ op, name, inputs, outputs, attributes });
    return outputs;
  }

  /** An int64 list, such as a Reshape's target. */
  integers(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant(`integers[${values.join(',')}]`, 'int64', [values.length], data);
  }

  /** Float constants of the architecture itself, as opposed to weights. */
  floats(name: string, dims: readonly number[], data: Float32Array): Value {
    return this.#constant(name, 'float32', dims, data);
  }

  filled(size: number, value: number): Value {
    return this.#constant(`filled[${size}]=${value}`, 'float32', [size], new Float32Array(size).fill(value));
  }

  scalar(value: number): Value {
    return this.#constant(`scalar=${value}`, 'float32', [], Float32Array.of(value));
  }

  /** A checkpoint tensor as float32, whatever it is stored as; asked for twice, it is stored once. */
  weight(request: WeightRequest): Value {
    const name = request.part === undefined ? request.key : `${request.key}#${request.part.index}`;
    const known = this.#weights.get(name);
    if (known !== undefined) return known.value;
    const part = request.part?.count ?? 1;
    const sliced = [request.shape[0]! / part, ...request.shape.slice(1)];
    const laidOut = request.layout === 'transposed' ? [...sliced].reverse() : sliced;
    const storedDims = request.dims ?? laidOut;
    if (count(storedDims) !== count(laidOut)) throw new RangeError(`${name}: [${storedDims}] is not [${laidOut}]`);
    const channelAxis = request.layout === 'transposed' ? storedDims.length - 1 : 0;
    const weight: Weight = { ...request, name, storage: this.#storage(request), storedDims, channelAxis };
    const value = this.scoped(name, () => this.#restored(weight));
    this.#weights.set(name, { weight, value });
    return value;
  }

  finish(): Graph {
    return {
      name: this.#name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      nodes: this.#nodes,
      constants: [...this.#constants.values()],
      weights: [...this.#weights.values()].map(({ weight }) => weight),
    };
  }

  #restored(weight: Weight): Value {
    const shape = shapeOf(...weight.storedDims);
    const stored: Value = { name: weight.name, type: weight.storage, shape };
    if (weight.storage === 'float32') return stored;
    if (weight.storage === 'float16') return this.node('Cast', [stored], shape, { to: 1 });
    const scale = scaleValue(weight)!;
    if (weight.storage === 'int8') {
      return this.node('DequantizeLinear', [stored, scale], shape, { axis: weight.channelAxis });
    }
    // Half-precision scales would make a half-precision weight; their Cast is folded when a session loads.
    const scales = this.node('Cast', [scale], scale.shape, { to: 1 });
    return this.node('DequantizeLinear', [stored, scales], shape, { axis: 0, block_size: INT4_BLOCK });
  }

  #constant(name: string, type: ElementType, dims: readonly number[], data: Float32Array | BigInt64Array): Value {
    const known = this.#constants.get(name);
    const shape = shapeOf(...dims);
    if (known !== undefined) {
      if (!sameShape(known.value.shape, shape)) throw new RangeError(`${name} is ${shapeText(known.value.shape)}`);
      return known.value;
    }
    const value: Value = { name: this.#unique(name), type, shape };
    this.#constants.set(name, { value, data });
    return value;
  }

  #unique(name: string): string {
    let unique = name;
    let n = this.#names.get(name) ?? 0;
    for (; this.#names.has(unique); n += 1) unique = `${name}_${n + 1}`;
    this.#names.set(unique, this.#names.get(unique) ?? 0);
    this.#names.set(name, n);
    return unique;
  }
}

/** The initializer that holds a quantised weight's scales. */
export function scaleName({ name }: Pick<Weight, 'name'>): string {
  return `${name}.scale`;
}

/** What {@link scaleName} names; `undefined` for one that is not quantised. */
export function scaleValue(weight: Weight): Value | undefined {
  const { storage, storedDims, channelAxis } = weight;
  const name = scaleName(weight);
  if (storage === 'int8') {
    return { name, type: 'float32', shape: shapeOf(storedDims[channelAxis]!) };
  }
  if (storage !== 'int4') return undefined;
  const [inputs, outputs] = storedDims as [number, number];
  if (storedDims.length !== 2 || channelAxis !== 1 || inputs % INT4_BLOCK !== 0) {
    throw new RangeError(`${weight.name}: [${storedDims}] has no blocks of ${INT4_BLOCK} inputs`);
  }
  return { name, type: 'float16', shape: shapeOf(inputs / INT4_BLOCK, outputs) };
}

function count(dims: readonly number[]): number {
  return dims.reduce((total, size) => total * size, 1);
}
