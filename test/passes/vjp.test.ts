import { describe, expect, it } from 'vitest';
import { count, fixedShape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { OPS } from '../../src/ir/graph/ops.ts';
import type { NodeId, Op } from '../../src/ir/graph/types.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { Random } from '../support/random.ts';

/** Builds one operation on float operands; the values stay clear of kinks unless the case is about one. */
interface Case {
  readonly name: string;
  readonly op: Op;
  readonly shapes: readonly (readonly number[])[];
  readonly build: (b: GraphBuilder, xs: readonly NodeId[]) => NodeId;
  readonly low?: number;
  readonly high?: number;
  /** Second derivatives are checked too. */
  readonly smooth?: boolean;
}

const x0 = (xs: readonly NodeId[]): NodeId => xs[0] ?? -1;
const x1 = (xs: readonly NodeId[]): NodeId => xs[1] ?? -1;
const unary = (
  op:
    | 'neg'
    | 'abs'
    | 'sign'
    | 'exp'
    | 'log'
    | 'log1p'
    | 'expm1'
    | 'sqrt'
    | 'sin'
    | 'cos'
    | 'atan'
    | 'tanh'
    | 'sigmoid'
    | 'erf'
    | 'floor'
    | 'detach',
  low = -2,
  high = 2,
): Case => ({
  name: op,
  op,
  shapes: [[3, 4]],
  build: (b, xs) => b.op(op, x0(xs)),
  low,
  high,
  smooth: !['abs', 'sign', 'floor', 'detach'].includes(op),
});
const binary = (op: 'add' | 'sub' | 'mul' | 'div' | 'fmod' | 'pow' | 'max' | 'min', low = -2, high = 2): Case => ({
  name: op,
  op,
  shapes: [
    [2, 3],
    [2, 3],
  ],
  build: (b, xs) => b.op(op, x0(xs), x1(xs)),
  low,
  high,
  smooth: !['max', 'min', 'fmod'].includes(op),
});
const index = (b: GraphBuilder, n: number): NodeId => {
  const i = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] });
  return b.op('mod', b.op('mul', i, b.full(2, { dtype: 'i32', shape: [n] })), b.full(3, { dtype: 'i32', shape: [n] }));
};

const CASES: readonly Case[] = [
  ...(['neg', 'abs', 'sign', 'exp', 'expm1', 'sin', 'cos', 'atan', 'tanh', 'sigmoid', 'erf', 'floor', 'detach'] as const).map((op) =>
    unary(op),
  ),
  unary('log', 0.3, 3),
  unary('log1p', -0.5, 3),
  unary('sqrt', 0.3, 3),
  ...(['add', 'sub', 'mul', 'max', 'min'] as const).map((op) => binary(op)),
  binary('div', 0.5, 2),
  binary('fmod', 0.5, 2),
  binary('pow', 0.5, 2),
  {
    name: 'pow of a negative base',
    op: 'pow',
    shapes: [[5]],
    build: (b, xs) => b.op('pow', x0(xs), b.like(3, x0(xs))),
    low: -2,
    high: -0.5,
  },
  {
    name: 'select',
    op: 'select',
    shapes: [[6], [6]],
    build: (b, xs) => b.op('select', b.op('lt', x0(xs), b.like(0.1, x0(xs))), x0(xs), b.op('mul', x1(xs), x1(xs))),
  },
  {
    name: 'scan',
    op: 'scan',
    shapes: [[4, 3], [3, 3], [3]],
    // Three results of h = tanh(w h + x), which is also carried on by a state that nothing reads but itself.
    build: (b, [x = -1, w = -1, h = -1]) => {
      const body = new GraphBuilder('cell');
      const [mine, weight] = [body.add('input', [], { name: 'x' }, b.type(h)), body.add('input', [], { name: 'w' }, b.type(w))];
      const [before, sum] = ['h', 's'].map((name) => body.add('state', [], { name }, b.type(h))) as [NodeId, NodeId];
      const next = body.op('tanh', body.op('add', body.contract('yz,z->y', weight, before), mine));
      body.writes.push({ state: 'h', value: next }, { state: 's', value: body.op('add', body.op('mul', sum, sum), next) });
      body.outputs['y'] = body.op('mul', next, before);
      const operands = new Map([
        ['x', x],
        ['w', w],
        ['h', h],
        ['s', b.op('mul', h, b.like(0.3, h))],
      ]);
      const loop = b.loop(body.graph(), operands, { length: 4, reverse: false, each: ['x'] });
      return b.add('concat', [loop.each('y'), b.reshape(loop.last('h'), [1, 3]), b.reshape(loop.last('s'), [1, 3])], { axis: 0 });
    },
    low: -0.5,
    high: 0.5,
    smooth: true,
  },
  { name: 'cast', op: 'cast', shapes: [[4]], build: (b, xs) => b.add('cast', [x0(xs)], { dtype: 'f32' }), smooth: true },
  ...[[0], [1], [2], [0, 2], [0, 1, 2]].map((axes): Case => ({
    name: `reduce_sum ${axes.join()}`,
    op: 'reduce_sum',
    shapes: [[2, 3, 4]],
    build: (b, xs) => b.sum(x0(xs), axes),
    smooth: true,
  })),
  ...[[0], [1], [0, 2]].map((axes): Case => ({
    name: `reduce_max ${axes.join()}`,
    op: 'reduce_max',
    shapes: [[2, 3, 4]],
    build: (b, xs) => b.add('reduce_max', [x0(xs)], { axes }),
  })),
  ...(
    [
      ['ab,bc->ac', [2, 3], [3, 4]],
      ['ab,cb->ac', [2, 3], [4, 3]],
      ['ab,ac->bc', [3, 2], [3, 4]],
      ['abc,acd->abd', [2, 3, 4], [2, 4, 2]],
      ['a,a->', [5], [5]],
      ['a,b->ab', [2], [3]],
      ['abz,yz->aby', [2, 3, 4], [5, 4]],
    ] as const
  ).map(([spec, a, c]): Case => ({
    name: `contract ${spec}`,
    op: 'contract',
    shapes: [a, c],
    build: (b, xs) => b.contract(spec, x0(xs), x1(xs)),
    smooth: true,
  })),
  { name: 'broadcast', op: 'broadcast', shapes: [[3]], build: (b, xs) => b.broadcast(x0(xs), [2, 3, 4], [1]), smooth: true },
  { name: 'reshape', op: 'reshape', shapes: [[2, 6]], build: (b, xs) => b.reshape(x0(xs), [3, 4]), smooth: true },
  { name: 'permute', op: 'permute', shapes: [[2, 3, 4]], build: (b, xs) => b.permute(x0(xs), [2, 0, 1]), smooth: true },
  { name: 'flip', op: 'flip', shapes: [[2, 3, 4]], build: (b, xs) => b.add('flip', [x0(xs)], { axes: [0, 2] }), smooth: true },
  {
    name: 'pad',
    op: 'pad',
    shapes: [[2, 3]],
    build: (b, xs) => b.add('pad', [x0(xs)], { low: [1, 0], high: [2, 3], value: 0.5 }),
    smooth: true,
  },
  {
    name: 'slice',
    op: 'slice',
    shapes: [[4, 5]],
    build: (b, xs) => b.add('slice', [x0(xs)], { start: [1, 2], size: [2, 3] }),
    smooth: true,
  },
  {
    name: 'concat',
    op: 'concat',
    shapes: [
      [2, 3],
      [2, 2],
    ],
    build: (b, xs) => b.add('concat', [x0(xs), x1(xs), x0(xs)], { axis: 1 }),
    smooth: true,
  },
  ...(
    [
      [1, 3, 1, 1],
      [0, 2, 2, 1],
      [1, 2, 3, 2],
      [1, 7, 1, 1],
    ] as const
  ).map(([axis, size, stride, dilation]): Case => ({
    name: `window ${[axis, size, stride, dilation].join()}`,
    op: 'window',
    shapes: [[5, 7]],
    build: (b, xs) => b.add('window', [x0(xs)], { axis, size, stride, dilation }),
    smooth: true,
  })),
  {
    name: 'mix along one axis',
    op: 'mix',
    shapes: [[2, 3, 4]],
    build: (b, xs) =>
      b.add('mix', [x0(xs)], {
        axes: [1],
        matrix: [
          [1, -1, 0],
          [0.5, 2, -3],
        ],
      }),
    smooth: true,
  },
  {
    name: 'mix along two axes',
    op: 'mix',
    shapes: [[3, 2, 3]],
    build: (b, xs) =>
      b.add('mix', [x0(xs)], {
        axes: [2, 0],
        matrix: [
          [1, 0, -1],
          [0, 0, 0],
          [0, 1, 1],
          [0.5, 0.5, 0.5],
        ],
      }),
    smooth: true,
  },
  ...(
    [
      [3, 1, 1, 3],
      [8, 2, 1, 3],
      [9, 3, 2, 2],
    ] as const
  ).map(([length, stride, dilation, size]): Case => ({
    name: `unwindow ${[length, stride, dilation].join()}`,
    op: 'unwindow',
    shapes: [[2, Math.floor((length - dilation * (size - 1) - 1) / stride) + 1, size]],
    build: (b, xs) => b.add('unwindow', [x0(xs)], { axis: 1, length, stride, dilation }),
    smooth: true,
  })),
  { name: 'gather', op: 'gather', shapes: [[3, 2]], build: (b, xs) => b.op('gather', x0(xs), index(b, 5)), smooth: true },
  {
    name: 'scatter_add',
    op: 'scatter_add',
    shapes: [[5, 2]],
    build: (b, xs) => b.add('scatter_add', [index(b, 5), x0(xs)], { rows: 4 }),
    smooth: true,
  },
];

/** Operations that nothing can flow through: their results are labels, truth values or random numbers. */
const NO_GRADIENT: readonly Op[] = [
  'carry',
  'pick',
  'input',
  'param',
  'state',
  'const',
  'scalar',
  'iota',
  'dimsize',
  'not',
  'finite',
  'idiv',
  'mod',
  'before',
  'lt',
  'le',
  'eq',
  'and',
  'or',
  'uniform',
  'shuffle',
];

/** sum(f(x) * c) with fixed random weights c, so that every element of the result matters differently. */
function objective(c: Case, r: Random): { b: GraphBuilder; xs: NodeId[]; loss: NodeId; inputs: Map<string, Float64Array> } {
  const b = new GraphBuilder('case');
  const inputs = new Map<string, Float64Array>();
  const xs = c.shapes.map((shape, i) => {
    inputs.set(`x${i}`, r.floats(count(shape), c.low ?? -2, c.high ?? 2));
    return b.add('input', [], { name: `x${i}` }, { dtype: 'f32', shape });
  });
  const y = c.build(b, xs);
  const shape = fixedShape(b.shape(y));
  inputs.set('weights', r.floats(count(shape), 0.5, 1.5));
  const weights = b.add('input', [], { name: 'weights' }, { dtype: 'f32', shape });
  const loss = b.sum(
    b.op('mul', y, weights),
    shape.map((_, i) => i),
  );
  return { b, xs, loss, inputs };
}

/** Compares symbolic gradients of `loss` with central differences for every element of every input. */
function compare(
  b: GraphBuilder,
  loss: NodeId,
  xs: readonly NodeId[],
  grads: readonly NodeId[],
  inputs: Map<string, Float64Array>,
  tolerance: number,
): void {
  const graph = b.graph();
  const run = () => evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 1, total: 1 } });
  const exact = run();
  xs.forEach((_x, i) => {
    const data = inputs.get(`x${i}`) ?? new Float64Array(0);
    const g = exact(grads[i] ?? -1).data;
    expect(g).toHaveLength(data.length);
    data.forEach((v, j) => {
      const h = 1e-5;
      data[j] = v + h;
      const up = run()(loss).data[0] ?? NaN;
      data[j] = v - h;
      const down = run()(loss).data[0] ?? NaN;
      data[j] = v;
      expect(Math.abs((up - down) / (2 * h) - (g[j] ?? NaN)), `x${i}[${j}]`).toBeLessThan(tolerance);
    });
  });
}

describe('gradients against float64 central differences', () => {
  it.each(CASES)('$name', (c) => {
    for (const seed of [1, 2]) {
      const { b, xs, loss, inputs } = objective(c, new Random(seed * 31));
      // Detached values, signs and floors are constants for the derivative and are not for differences.
      const grads = gradient(b, loss, xs);
      if (c.op === 'detach') {
        const zeros = evaluate(b.graph(), { inputs, state: new Map(), scalars: { step: 0, seed: 1, total: 1 } })(grads[0] ?? -1).data;
        expect(zeros.every((v) => v === 0)).toBe(true);
      } else compare(b, loss, xs, grads, inputs, 1e-6);
    }
  });

  it.each(CASES.filter((c) => c.smooth))('$name, twice', (c) => {
    const { b, xs, loss, inputs } = objective(c, new Random(77));
    const first = gradient(b, loss, xs);
    // sum of squared gradients, so that the second derivative does not vanish for linear operations in a product
    const total = first
      .map((g) => {
        const sq = b.op('mul', g, g);
        return b.sum(
          sq,
          b.shape(sq).map((_, i) => i),
        );
      })
      .reduce((a, g) => b.op('add', a, g));
    compare(b, total, xs, gradient(b, total, xs), inputs, 2e-4);
  });

  it('rounding passes the cotangent on, as a cast does', () => {
    const b = new GraphBuilder('round_f16');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [2] });
    const h = b.op('round_f16', x);
    const [g = -1] = gradient(b, b.sum(b.op('mul', h, h), [0]), [x]);
    const run = evaluate(b.graph(), { inputs: new Map([['x', [0.1, -3]]]), state: new Map(), scalars: { step: 0, seed: 0, total: 1 } });
    expect([...run(g).data]).toEqual([...run(h).data].map((v) => 2 * v));
  });

  it('every operation has a case, or nothing can flow through it', () => {
    const covered = new Set<Op>([...CASES.map((c) => c.op), ...NO_GRADIENT, 'round_f16']);
    expect(Object.keys(OPS).filter((op) => !covered.has(op as Op))).toEqual([]);
  });

  it('shares the cotangent among ties, as PyTorch does', () => {
    const b = new GraphBuilder('ties');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [4] });
    const y = b.add('input', [], { name: 'y' }, { dtype: 'f32', shape: [4] });
    const loss = b.op('add', b.sum(b.op('max', x, y), [0]), b.add('reduce_max', [x], { axes: [0] }));
    const [gx = -1, gy = -1] = gradient(b, loss, [x, y]);
    const inputs = new Map([
      ['x', [1, 3, 3, 0]],
      ['y', [1, 2, 5, 0]],
    ]);
    const run = evaluate(b.graph(), { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } });
    expect([...run(gx).data]).toEqual([0.5, 1.5, 0.5, 0.5]);
    expect([...run(gy).data]).toEqual([0.5, 0, 1, 0.5]);
  });
});
