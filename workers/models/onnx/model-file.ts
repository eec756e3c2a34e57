/**
 * A graph as the bytes of an `.onnx` file, its weights referred to by file, offset and length.
 *
 * The file holds nodes and small constants only, so it stays far below protobuf's 2 GB limit. Field numbers are those of onnx.proto.
 */

import { type Shape, text } from './dimension.ts';
import { type Attribute, type ElementType, type Graph, type GraphNode, scaleValue, type Value } from './graph.ts';
import { INT4_OPSET, OPSET } from './operators.ts';
import { ProtoWriter } from './protobuf.ts';

/** ONNX 1.15's, which opset 20 came with, and 1.16's, which brought int4. */
const IR_VERSION = 9;
const INT4_IR_VERSION = 10;

export const DATA_TYPES: { readonly [type in ElementType]: number } = {
  float32: 1,
  int8: 3,
  int32: 6,
  int64: 7,
  float16: 10,
  int4: 22,
};

/** Where an initializer's bytes lie. */
export interface Placement {
  readonly location: string;
  readonly offset: number;
  readonly bytes: number;
}

/** @throws RangeError when a weight has no placement. */
export function modelFile(graph: Graph, placements: ReadonlyMap<string, Placement>): Uint8Array {
  const model = new ProtoWriter();
  const int4 = graph.weights.some(({ storage }) => storage === 'int4');
  model.integer(1, int4 ? INT4_IR_VERSION : IR_VERSION).string(2, 'venhancer-web');
  model.message(8, (opset) => opset.string(1, '').integer(2, int4 ? INT4_OPSET : OPSET));
  model.message(7, (proto) => {
    for (const node of inFileOrder(graph)) proto.message(1, (nested) => writeNode(nested, node));
    proto.string(2, graph.name);
    for (const { value, data } of graph.constants) {
      proto.message(5, (tensor) => {
        writeTensorHead(tensor, value);
        tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      });
    }
    for (const value of weightValues(graph)) {
      const placement = placements.get(value.name);
      if (placement === undefined) throw new RangeError(`${value.name} has no place in the package`);
      proto.message(5, (tensor) => {
        writeTensorHead(tensor, value);
        const entries = { location: placement.location, offset: placement.offset, length: placement.bytes };
        for (const [key, entry] of Object.entries(entries)) {
          tensor.message(13, (pair) => pair.string(1, key).string(2, String(entry)));
        }
        tensor.integer(14, 1);
      });
    }
    for (const input of graph.inputs) proto.message(11, (info) => writeValueInfo(info, input));
    for (const output of graph.outputs) proto.message(12, (info) => writeValueInfo(info, output));
  });
  return model.finish();
}

/**
 * What depends on weights alone comes first. onnxruntime runs nodes in an order of its own, from the graph's end backwards, of a node's inputs the one
 * made by the latest node first: a linear's weight that stood after what it is multiplied with would be restored before all of the network
 * that lies before it, and so would every other's (docs/official.md).
 */
export function inFileOrder({ nodes, constants, weights }: Graph): readonly GraphNode[] {
  const known = new Set([
    ...constants.map(({ value }) => value.name),
    ...weights.flatMap((weight) => [weight.name, scaleValue(weight)?.name]),
  ]);
  const restoring = new Set<GraphNode>();
  for (const node of nodes) {
    if (!node.inputs.every((input) => input === null || known.has(input.name))) continue;
    restoring.add(node);
    for (const { name } of node.outputs) known.add(name);
  }
  return [...restoring, ...nodes.filter((node) => !restoring.has(node))];
}

/** Every initializer that lies in external data, in the order in which it is written. */
export function weightValues(graph: Graph): readonly Value[] {
  return graph.weights.flatMap((weight) => {
    const shape: Shape = weight.storedDims.map((factor) => ({ factor, symbols: [] }));
    const stored: Value = { name: weight.name, type: weight.storage, shape };
    const scale = scaleValue(weight);
    return scale === undefined ? [stored] : [stored, scale];
  });
}

function writeTensorHead(tensor: ProtoWriter, value: Value): void {
  for (const size of value.shape) tensor.integer(1, size.factor);
  tensor.integer(2, DATA_TYPES[value.type]).string(8, value.name);
}

function writeNode(proto: ProtoWriter, node: GraphNode): void {
  for (const input of node.inputs) proto.string(1, input?.name ?? '');
  for (const output of node.outputs) proto.string(2, output.name);
  proto.string(3, node.name).string(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    proto.message(5, (nested) => writeAttribute(nested.string(1, name), attribute));
  }
}

function writeAttribute(proto: ProtoWriter, attribute: Attribute): void {
  if (typeof attribute === 'number') proto.integer(3, attribute).integer(20, 2);
  else if (typeof attribute === 'string') proto.string(4, attribute).integer(20, 3);
  else if ('float' in attribute) proto.float(2, attribute.float).integer(20, 1);
  else {
    for (const item of attribute) proto.integer(8, item);
    proto.integer(20, 7);
  }
}

function writeValueInfo(proto: ProtoWriter, value: Value): void {
  proto.string(1, value.name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.integer(1, DATA_TYPES[value.type]).message(2, (shape) => {
        for (const size of value.shape) {
          shape.message(1, (dim) => {
            if (size.symbols.length === 0) dim.integer(1, size.factor);
            else dim.string(2, text(size));
          });
        }
      }),
    ),
  );
}
