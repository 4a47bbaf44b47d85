import { describe, expect, it } from 'vitest';
import { BATCH, type Shape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { verifyGraph } from '../../src/ir/graph/verify.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import type { Buffer, Kernel } from '../../src/ir/kernel/types.ts';
import { batches } from '../../src/passes/schedule/batch.ts';
import { chooseRoots } from '../../src/passes/schedule/fuse.ts';
import { layOutLoops } from '../../src/passes/schedule/lay-out.ts';
import { Log } from '../../src/passes/schedule/log.ts';
import { mergeRows } from '../../src/passes/schedule/merge.ts';
import { schedule } from '../../src/passes/schedule/schedule.ts';
import type { Fused, Level } from '../../src/passes/schedule/types.ts';
import { runGraph } from '../support/run-graph.ts';
import { verifyOrder, verifySchedule } from '../../src/passes/schedule/verify.ts';

const input = (b: GraphBuilder, name: string, shape: Shape): NodeId => b.add('input', [], { name }, { dtype: 'f32', shape });

describe('chooseRoots', () => {
  /** The operations that are stored, in the order of the graph. */
  const stored = (build: (b: GraphBuilder) => NodeId, level: Level = 1): string[] => {
    const b = new GraphBuilder('roots');
    b.outputs['y'] = build(b);
    const graph = b.graph();
    return [...chooseRoots(layOutLoops(graph, []), level, new Log(graph))].sort((p, q) => p - q).map((id) => b.node(id).op);
  };
  const chain = (b: GraphBuilder): NodeId => b.op('exp', b.op('neg', b.op('abs', input(b, 'x', [8, 8]))));

  it('stores the end of a chain of pointwise operations alone', () => {
    expect(stored(chain)).toEqual(['exp']);
  });

  it('stores everything but views at -O 0', () => {
    expect(stored((b) => b.op('exp', b.permute(chain(b), [1, 0])), 0)).toEqual(['abs', 'neg', 'exp', 'exp']);
  });

  it('computes on from a sum where its only reader takes every element once', () => {
    expect(stored((b) => b.op('tanh', b.sum(input(b, 'x', [8, 8]), [1])))).toEqual(['tanh']);
    expect(stored((b) => b.op('tanh', b.reshape(b.sum(input(b, 'x', [8, 8]), [1]), [2, 4])))).toEqual(['tanh']);
  });

  it('stores a sum that is repeated, or that two read', () => {
    const x = (b: GraphBuilder): NodeId => input(b, 'x', [8, 8]);
    expect(stored((b) => b.op('tanh', b.broadcast(b.sum(x(b), [1]), [8, 8], [0])))).toEqual(['reduce_sum', 'tanh']);
    expect(
      stored((b) => {
        const sum = b.sum(x(b), [1]);
        return b.contract('a,b->ab', b.op('exp', sum), b.op('sin', sum));
      })[0],
    ).toBe('reduce_sum');
  });

  it('stores what is dear and read twice, and computes again what is cheap', () => {
    const times = (b: GraphBuilder, x: NodeId): NodeId => b.op('neg', b.broadcast(x, [2, 4096, 16], [1, 2]));
    expect(stored((b) => times(b, b.op('erf', input(b, 'x', [4096, 16]))))).toEqual(['erf', 'neg']);
    expect(stored((b) => times(b, b.op('abs', input(b, 'x', [4096, 16]))))).toEqual(['neg']);
  });

  it('never stores a random number for its readers', () => {
    const b = new GraphBuilder('draw');
    const scalar = (name: string): NodeId => b.add('scalar', [], { name, expr: 'step' }, { dtype: 'i32', shape: [] });
    const drawn = b.add('uniform', [scalar('seed'), scalar('step')], { stream: 1 }, { dtype: 'f32', shape: [512, 512] });
    b.outputs['y'] = b.op('neg', b.broadcast(drawn, [16, 512, 512], [1, 2]));
    expect(chooseRoots(layOutLoops(b.graph(), []), 1, new Log(b.graph())).has(drawn)).toBe(false);
  });
});

describe('mergeRows', () => {
  /** Groups of one root each, joined. */
  const joined = (graph: Graph, ...roots: readonly NodeId[]): Fused[] =>
    mergeRows(
      layOutLoops(graph, []),
      roots.map((id) => ({ roots: [id], inlined: [], rank: graph.nodes[id]?.type.shape.length ?? 0 })),
      new Log(graph),
    );

  /** x - max(x), row by row. */
  const shifted = (rows: number, axis: 0 | 1): { readonly graph: Graph; readonly max: NodeId; readonly out: NodeId } => {
    const b = new GraphBuilder('rows');
    const x = input(b, 'x', [rows, 64]);
    const max = b.add('reduce_max', [x], { axes: [axis] });
    const out = b.op('sub', x, b.unreduce(max, [rows, 64], [axis]));
    b.outputs['y'] = out;
    return { graph: b.graph(), max, out };
  };

  it('joins what reads a row of another in its own row: threads go through rows', () => {
    const { graph, max, out } = shifted(64, 1);
    expect(joined(graph, max, out)).toEqual([{ roots: [max, out], inlined: [], rank: 1 }]);
  });

  it('keeps apart what reads all rows of another', () => {
    const { graph, max, out } = shifted(64, 0);
    expect(joined(graph, max, out).map((g) => g.roots)).toEqual([[max], [out]]);
  });

  it('keeps apart what has too few rows to keep threads busy', () => {
    const { graph, max, out } = shifted(4, 1);
    expect(joined(graph, max, out)).toHaveLength(2);
  });

  it('lets a product store what is computed from it, but computes no product on the way', () => {
    const b = new GraphBuilder('product');
    const first = b.contract('ab,bc->ac', input(b, 'x', [64, 64]), input(b, 'w', [64, 64]));
    const bent = b.op('tanh', first);
    const second = b.contract('ab,bc->ac', bent, input(b, 'v', [64, 64]));
    b.outputs['y'] = second;
    expect(joined(b.graph(), first, bent, second).map((g) => g.roots)).toEqual([[first, bent], [second]]);
  });

  it('joins nothing around a third group, and puts every group behind what it needs', () => {
    const b = new GraphBuilder('around');
    const x = input(b, 'x', [64, 64]);
    const a = b.op('exp', x);
    const turned = b.op('sin', b.permute(a, [1, 0]));
    const out = b.op('add', a, b.permute(turned, [1, 0]));
    b.outputs['y'] = out;
    expect(joined(b.graph(), a, turned, out).map((g) => g.roots)).toEqual([[a], [turned], [out]]);
  });
});

describe('a part of a value that the same kernel computes', () => {
  // The part lies in the place of the whole, and nobody else reads that: it is in no memory.
  it('is computed, not read from where the whole would lie', async () => {
    const b = new GraphBuilder('part');
    const rows = b.add('input', [], { name: 'rows' }, { dtype: 'i32', shape: [5] });
    const sums = b.add('scatter_add', [rows, input(b, 'x', [5])], { rows: 3 });
    const part = b.add('slice', [sums], { start: [0], size: [2] });
    b.outputs['y'] = b.op('exp', b.add('pad', [part], { low: [0], high: [1], value: 0.5 }));
    const inputs = new Map([
      ['rows', [0, 1, 2, 1, 0]],
      ['x', [1, 0.5, 2, 0.25, 1]],
    ]);
    const { outputs } = await runGraph(b.graph(), 1, 'js', { inputs, state: new Map() });
    expect([...(outputs.get('y') ?? [])].map((v) => Math.log(v).toFixed(3))).toEqual(['2.000', '0.750', '0.500']);
  });
});

describe('batches', () => {
  const kernel = (reads: readonly string[], writes: readonly string[], lanes = 1, extent = 1): Kernel => ({
    name: 'k',
    about: [],
    buffers: [...reads.map((t) => buffer(t, 'read')), ...writes.map((t) => buffer(t, 'write'))],
    axes: [{ name: 'i', extent }],
    lanes,
    subgroup: 1,
    body: [],
  });
  const buffer = (tensor: string, access: Buffer['access'], offset = 0): Buffer => ({
    name: tensor,
    type: 'f32',
    size: 8,
    access,
    tensor,
    offset,
  });
  const device = { bindings: 8, software: false };

  it('holds kernels that do not depend on each other', () => {
    expect(batches([kernel(['x'], ['a']), kernel(['x'], ['b']), kernel(['a', 'b'], ['c'])], device)).toEqual([[0, 1], [2]]);
  });

  it('keeps apart what reads, overwrites or writes again what another writes', () => {
    expect(batches([kernel(['x'], ['a']), kernel(['a'], ['b'])], device)).toEqual([[0], [1]]);
    expect(batches([kernel(['x'], ['a']), kernel(['y'], ['x'])], device)).toEqual([[0], [1]]);
    expect(batches([kernel(['x'], ['a']), kernel(['y'], ['a'])], device)).toEqual([[0], [1]]);
  });

  it('lets kernels share a tensor of which they write different parts', () => {
    const part = (offset: number): Kernel => ({ ...kernel(['x'], []), buffers: [buffer('x', 'read'), buffer('a', 'write', offset)] });
    expect(batches([part(0), part(8)], device)).toEqual([[0, 1]]);
    expect(batches([part(0), part(4)], device)).toEqual([[0], [1]]);
  });

  it('takes a kernel forward past those that it does not depend on, but not far', () => {
    const line = (n: number): Kernel[] => Array.from({ length: n }, (_, i) => kernel([`t${i}`], [`t${i + 1}`]));
    expect(batches([...line(2), kernel(['y'], ['z'])], device)).toEqual([[0, 2], [1]]);
    expect(batches([...line(4), kernel(['y'], ['z'])], device)).toEqual([[0], [1], [2, 4], [3]]);
  });

  it('is full where its kernels would need more bindings than a device has', () => {
    const four = [0, 1, 2, 3].map((i) => kernel([`x${i}`], [`y${i}`]));
    expect(batches(four, { bindings: 4, software: false })).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });
});

describe('what holds of a stage', () => {
  it('after pack: no parameter stands alone', () => {
    const b = new GraphBuilder('packed');
    b.outputs['y'] = b.add('param', [], { name: 'w' }, { dtype: 'f32', shape: [3] });
    expect(() => verifyGraph(b.graph(), 'pack')).not.toThrow();
    expect(() => verifyGraph(b.graph(), 'pack', { packed: true })).toThrow("'w'");
  });

  it('after bind: every dimension is a number', () => {
    const b = new GraphBuilder('bound');
    b.outputs['y'] = input(b, 'x', [BATCH, 3]);
    expect(() => verifyGraph(b.graph(), 'bind')).not.toThrow();
    expect(() => verifyGraph(b.graph(), 'bind', { bound: true })).toThrow('after bind');
  });

  it('after scheduling: kernels compute no views on their way', () => {
    const b = new GraphBuilder('views');
    const turned = b.permute(input(b, 'x', [4, 8]), [1, 0]);
    b.outputs['y'] = b.op('exp', turned);
    const s = schedule(b.graph(), { level: 1, trace: [], chunk: 1 });
    expect(() => verifySchedule(s, 'p')).not.toThrow();
    expect(() => verifySchedule({ ...s, groups: s.groups.map((g) => ({ ...g, inlined: [turned] })) }, 'p')).toThrow('only moves data');
  });

  it('after scheduling: transients are written before they are read', () => {
    const kernel = (access: Buffer['access']): Kernel => ({
      name: access,
      about: [],
      buffers: [{ name: 'a', type: 'f32', size: 1, access, tensor: 'a', offset: 0 }],
      axes: [],
      lanes: 1,
      subgroup: 1,
      body: [],
    });
    const tensors = new Map([['a', { name: 'a', dtype: 'f32', size: 1, kind: 'transient' } as const]]);
    expect(() => verifyOrder([kernel('write'), kernel('read')], tensors, 'p')).not.toThrow();
    expect(() => verifyOrder([kernel('read'), kernel('write')], tensors, 'p')).toThrow('before it is written');
  });
});
