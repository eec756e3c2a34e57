import { describe, expect, it } from 'vitest';
import { shapeOf } from './dimension.ts';
import { GraphBuilder, type GraphNode } from './graph.ts';
import { linear } from './layers.ts';
import { inFileOrder, modelFile } from './model-file.ts';
import * as op from './operators.ts';
import { ProtoWriter } from './protobuf.ts';

describe('protobuf', () => {
  it('writes integers, negative ones in ten bytes, floats, strings and nested messages', () => {
    const bytes = new ProtoWriter()
      .integer(1, 300)
      .integer(2, -1)
      .float(3, 1)
      .message(20, (nested) => nested.string(1, 'é'))
      .finish();
    expect([...bytes]).toEqual([
      ...[0x08, 0xac, 0x02],
      ...[0x10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
      ...[0x1d, 0, 0, 0x80, 0x3f],
      ...[0xa2, 0x01, 4, 0x0a, 2, 0xc3, 0xa9],
    ]);
  });

  it('refuses what is no integer', () => {
    expect(() => new ProtoWriter().integer(1, 0.5)).toThrow(RangeError);
  });
});

describe('a graph', () => {
  const builder = () => new GraphBuilder('test', () => 'float32');

  it('cuts a tensor by nodes of seven pieces at most, whose buffers every GPU can bind', () => {
    const g = builder();
    const sizes = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
    const pieces = op.splitAt(g, g.input('x', shapeOf(1, 44)), 1, sizes);
    expect(pieces.map(({ shape }) => shape)).toEqual(sizes.map((size) => shapeOf(1, size)));
    for (const piece of pieces) g.output(piece.name, piece);
    const { nodes } = g.finish();
    expect(nodes.length).toBeGreaterThan(1);
    for (const node of nodes) expect(node.outputs.length).toBeLessThanOrEqual(7);
  });

  it('refuses operands that do not fit', () => {
    const g = builder();
    const x = g.input('x', shapeOf('F', 4, 'h', 'w'));
    const y = g.input('y', shapeOf('F', 4, 'h', 'h'));
    expect(() => op.add(g, x, y)).toThrow(/\[F, 4, h, w\] and \[F, 4, h, h\]/);
    expect(() => op.concat(g, [x, y], 1)).toThrow(RangeError);
    expect(() => op.reshape(g, x, [0, -1], shapeOf('F', 'h'))).toThrow(RangeError);
  });

  it('stores a weight that is asked for twice once, and one in parts by part', () => {
    const g = builder();
    const request = { key: 'k', shape: [4, 2], role: 'linear', layout: 'as-is' } as const;
    expect(g.weight(request)).toBe(g.weight(request));
    g.weight({ ...request, part: { index: 0, count: 2 } });
    g.weight({ ...request, part: { index: 1, count: 2 } });
    expect(g.finish().weights.map(({ name, storedDims }) => [name, storedDims])).toEqual([
      ['k', [4, 2]],
      ['k#0', [2, 2]],
      ['k#1', [2, 2]],
    ]);
  });

  it('gives an input that is also an output a node of its own', () => {
    const g = builder();
    g.output('y', g.input('x', shapeOf(1)));
    const { nodes, outputs } = g.finish();
    expect(nodes.map((node) => node.op)).toEqual(['Identity']);
    expect(outputs[0]!.name).toBe('y');
  });

  it('has every weight restored just before it is used, by the order in which onnxruntime runs', () => {
    const g = new GraphBuilder('test', ({ role }) => (role === 'linear' ? 'int8' : 'float32'));
    let x = g.input('x', shapeOf('F', 4));
    for (const path of ['a', 'b', 'c']) x = op.gelu(g, linear({ g, prefix: '' }, path, x, 4));
    g.output('y', x);
    const ran = executed(inFileOrder(g.finish())).map(({ op }) => op);
    expect(ran).toEqual(['a', 'b', 'c'].flatMap(() => ['DequantizeLinear', 'MatMul', 'Add', 'Gelu']));
  });

  it('will not be written while a weight has no place', () => {
    const g = builder();
    g.output(
      'y',
      op.add(g, g.input('x', shapeOf(2)), g.weight({ key: 'k', shape: [2], role: 'bias', layout: 'as-is' })),
    );
    expect(() => modelFile(g.finish(), new Map())).toThrow(/k has no place/);
  });
});

/** As onnxruntime orders a graph's nodes: from its end backwards, of a node's inputs the one made by the latest node first. */
function executed(nodes: readonly GraphNode[]): GraphNode[] {
  const maker = new Map(nodes.flatMap((node, index) => node.outputs.map(({ name }) => [name, index] as const)));
  const ran = new Set<number>();
  const visit = (index: number) => {
    if (ran.has(index)) return;
    const before = nodes[index]!.inputs.flatMap((input) => maker.get(input?.name ?? '') ?? []);
    for (const each of before.sort((a, b) => b - a)) visit(each);
    ran.add(index);
  };
  visit(nodes.length - 1);
  return [...ran].map((index) => nodes[index]!);
}
