import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { BATCH, count, fixedShape, type Shape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { flopsOf } from '../../src/ir/graph/flops.ts';
import { OPS, operandTypes, recordOf } from '../../src/ir/graph/ops.ts';
import type { Unknowns } from '../../src/ir/graph/op-record.ts';
import type { Node, NodeId } from '../../src/ir/graph/types.ts';
import { literal } from '../../src/ir/kernel/build.ts';
import * as ix from '../../src/ir/kernel/index-math.ts';
import { evaluate } from '../../src/reference/evaluate.ts';

const input = (b: GraphBuilder, name: string, shape: Shape, dtype: 'f32' | 'i32' = 'f32'): NodeId =>
  b.add('input', [], { name }, { dtype, shape });

/** One node over inputs `x`, `y`, ... */
function made(build: (b: GraphBuilder) => NodeId): { readonly node: Node; readonly b: GraphBuilder } {
  const b = new GraphBuilder('one');
  const id = build(b);
  return { node: b.node(id), b };
}

const none: Unknowns = {
  loop: () => {
    throw new Error('no loop');
  },
  data: () => {
    throw new Error('no data');
  },
};

const x = (b: GraphBuilder): NodeId => input(b, 'x', [2, 3, 4]);
const VIEWS: Readonly<Record<string, (b: GraphBuilder) => NodeId>> = {
  broadcast: (b) => b.add('broadcast', [x(b)], { shape: [2, 5, 3, 4], axes: [0, 2, 3] }),
  reshape: (b) => b.reshape(x(b), [4, 6]),
  permute: (b) => b.permute(x(b), [2, 0, 1]),
  pad: (b) => b.add('pad', [x(b)], { low: [0, 2, 1], high: [1, 0, 2], value: 0 }),
  slice: (b) => b.add('slice', [x(b)], { start: [1, 0, 2], size: [1, 3, 2] }),
  flip: (b) => b.add('flip', [x(b)], { axes: [0, 2] }),
  window: (b) => b.add('window', [x(b)], { axis: 1, size: 2, stride: 1, dilation: 2 }),
};

describe('where views read', () => {
  it('has a case for every view', () => {
    // `pick` depends on the place of a loop besides.
    const views = Object.entries(OPS).flatMap(([op, { family }]) => (family === 'view' && op !== 'pick' ? [op] : []));
    expect(Object.keys(VIEWS).sort()).toEqual(views.sort());
  });

  it.each(Object.entries(VIEWS))('%s reads the elements that the reference gives', (_, build) => {
    const { node, b } = made(build);
    const graph = b.graph();
    const data = Float64Array.from({ length: 24 }, (_, i) => i + 1);
    const out = evaluate(graph, { inputs: new Map([['x', data]]), state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(
      node.id,
    ).data;
    const shape = fixedShape(node.type.shape);
    const inner = [2, 3, 4];
    for (let i = 0; i < count(shape); i++) {
      const point = ix.delinear(ix.constant(i), shape).map((v) => ix.constant(v.constant));
      const [read] = recordOf(node).reads(node, point, operandTypes(graph, node), none);
      const where = (read?.point ?? []).map((v) => v.constant);
      const inside = where.every((v, axis) => v >= 0 && v < at(inner, axis));
      expect(inside ? data[where.reduce((n, v, axis) => n * at(inner, axis) + v, 0)] : 0).toBe(out[i]);
    }
  });
});

describe('pick', () => {
  it.each([false, true])('reads the current place of a loop (from the end: %s)', (reverse) => {
    const { node, b } = made((b) => b.add('pick', [input(b, 'x', [5, 3])], { reverse }));
    expect(node.type.shape).toEqual([3]);
    const [read] = recordOf(node).reads(node, [ix.variable('i', 3)], operandTypes(b.graph(), node), none);
    expect(read?.point.map(ix.showIndex)).toEqual([reverse ? '-1*loop_place+4' : '1*loop_place+0', '1*i+0']);
    expect(read?.point.map((v) => ix.range(v))[0]).toEqual([0, 4]);
  });
});

describe('what else operations read', () => {
  /** Variables of loops are l0, l1, ..., data are ?. */
  const readsOf = (build: (b: GraphBuilder) => NodeId): string[] => {
    const { node, b } = made(build);
    let loops = 0;
    const unknown: Unknowns = {
      loop: (extent) => ix.variable(`l${loops++}`, extent),
      data: (extent) => ix.runtimeValue(literal('u32', 0), '?', extent - 1),
    };
    const point = node.type.shape.map((d, i) => ix.variable(`p${i}`, d as number));
    const show = (v: ix.Index): string => ix.showIndex(v).replace(/\+0$/, '').replaceAll('1*', '');
    return recordOf(node)
      .reads(node, point, operandTypes(b.graph(), node), unknown)
      .map((r) => `${r.operand}[${r.point.map(show).join(', ')}]`);
  };
  const index = (b: GraphBuilder): NodeId => input(b, 'i', [5], 'i32');

  it.each<readonly [string, readonly string[], (b: GraphBuilder) => NodeId]>([
    ['add', ['0[p0, p1]', '1[p0, p1]'], (b) => b.op('add', input(b, 'x', [2, 3]), input(b, 'y', [2, 3]))],
    ['reduce_max', ['0[p0, l0, p1]'], (b) => b.add('reduce_max', [x(b)], { axes: [1] })],
    ['contract', ['0[p0, l0]', '1[p1, l0]'], (b) => b.contract('ab,cb->ac', input(b, 'x', [2, 3]), input(b, 'y', [4, 3]))],
    ['concat', ['0[p0, p1]', '1[p0, p1+-3]'], (b) => b.add('concat', [input(b, 'x', [2, 3]), input(b, 'y', [2, 4])], { axis: 1 })],
    ['gather', ['1[p0]', '0[?, p1]'], (b) => b.op('gather', input(b, 'x', [7, 3]), index(b))],
    ['scatter_add', ['0[l0]', '1[l0, p1]'], (b) => b.add('scatter_add', [index(b), input(b, 'x', [5, 3])], { rows: 7 })],
    ['mix', ['0[p0, ?, ?]'], (b) => b.add('mix', [input(b, 'x', [2, 3, 3])], { axes: [1, 2], matrix: [[1, 0, -1]] })],
    ['unwindow', ['0[p0, ?, l0]'], (b) => b.add('unwindow', [input(b, 'x', [3, 2, 3])], { axis: 1, length: 5, stride: 2, dilation: 1 })],
  ])('%s', (_, expected, build) => {
    expect(readsOf(build)).toEqual(expected);
  });
});

describe('floating-point operations of a graph', () => {
  const flops = (build: (b: GraphBuilder) => void, batch?: number): number => {
    const b = new GraphBuilder('flops');
    build(b);
    return flopsOf(b.nodes, b.nodes, batch);
  };

  it('are none of views, leaves, concatenations and gathers', () => {
    for (const build of Object.values(VIEWS)) expect(flops(build)).toBe(0);
    expect(flops((b) => b.add('concat', [x(b), x(b)], { axis: 0 }))).toBe(0);
    expect(flops((b) => b.op('gather', x(b), input(b, 'i', [5], 'i32')))).toBe(0);
  });

  it('are two for each multiply-add of a product', () => {
    expect(flops((b) => b.contract('ab,cb->ac', input(b, 'x', [2, 3]), input(b, 'y', [4, 3])))).toBe(2 * 2 * 3 * 4);
  });

  it('are one for each term of a sum, and for each element of a function', () => {
    expect(flops((b) => b.sum(x(b), [0, 2]))).toBe(24);
    expect(flops((b) => b.op('tanh', x(b)))).toBe(24);
    expect(flops((b) => b.add('unwindow', [input(b, 'x', [2, 3])], { axis: 0, length: 4, stride: 1, dilation: 1 }))).toBe(6);
    // Along the first axis 5 times 2 terms, and then along the second one 2 times 2.
    expect(
      flops((b) =>
        b.add('mix', [input(b, 'x', [5, 5])], {
          axes: [0, 1],
          matrix: [
            [1, 0, -1, 0, 0],
            [0, 0, 0, 0, 0],
          ],
        }),
      ),
    ).toBe(14);
    expect(flops((b) => b.add('scatter_add', [input(b, 'i', [5], 'i32'), input(b, 'x', [5, 3])], { rows: 7 }))).toBe(15);
  });

  it('are none where nothing is computed in f32: choices, comparisons, integers', () => {
    expect(flops((b) => b.op('select', b.op('lt', x(b), x(b)), x(b), x(b)))).toBe(0);
    expect(flops((b) => b.op('add', input(b, 'i', [5], 'i32'), input(b, 'j', [5], 'i32')))).toBe(0);
    expect(flops((b) => b.op('detach', x(b)))).toBe(0);
  });

  it('are those of so many examples where the batch is open', () => {
    const build = (b: GraphBuilder): void => void b.op('exp', input(b, 'x', [BATCH, 3]));
    expect(flops(build)).toBe(3);
    expect(flops(build, 7)).toBe(21);
  });
});
