import { describe, expect, it } from 'vitest';
import { VJP, type VjpRule, type VjpTable } from '../../src/autodiff/vjp.ts';
import { judge } from '../../src/gradcheck/trial.ts';
import { gradcheck, type ParamCheck } from '../../src/gradcheck.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId, Op } from '../../src/ir/graph/types.ts';
import { dce } from '../../src/passes/graph/cleanup.ts';
import { model } from '../support/programs.ts';

/** What comes before and after an expression in x: enough that gradients of many sizes pass through it. */
const fn = (body: string): string => `fn f(x) = ${body}\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse`;
const images = (stage: string, out: number): string =>
  `input x: [2, 4, 5]\nlayer Conv2d(2, 2, 1) -> ${stage} -> flatten -> Linear(${out}, 1)\nloss mse`;

/** A program that differentiates each operation: a rule that goes wrong must be found there. */
const PROGRAMS: Partial<Record<Op, string>> = {
  neg: fn('exp(-x)'),
  abs: fn('x * abs(x)'),
  sign: fn('x * x * sign(x)'),
  exp: fn('exp(x)'),
  log: fn('log(2 + sin(x))'),
  log1p: fn('log1p(x * x)'),
  expm1: fn('expm1(x)'),
  sqrt: fn('sqrt(1 + x * x)'),
  sin: fn('sin(x)'),
  cos: fn('cos(x)'),
  atan: fn('atan(x)'),
  tanh: fn('tanh(x)'),
  sigmoid: fn('sigmoid(x)'),
  erf: fn('erf(x)'),
  floor: fn('x - floor(3 * x)'),
  detach: fn('x * detach(x)'),
  add: fn('x + sin(x)'),
  sub: fn('sin(x) - x * x'),
  mul: fn('sin(x) * exp(x)'),
  div: fn('sin(x) / exp(x)'),
  fmod: fn('fmod(3 * x, 1 + x * x)'),
  pow: fn('exp(x) ^ sin(x)'),
  max: fn('max(sin(x), x * x)'),
  min: fn('min(sin(x), x * x)'),
  select: fn('where(x > 0.1, x, sin(x))'),
  reduce_sum: fn('x * sum(x)'),
  reduce_max: images('MaxPool2d(2)', 8),
  contract: fn('x'),
  broadcast: fn('x'),
  reshape: images('tanh', 40),
  permute: images('transpose(1, 2)', 40),
  pad: images('Conv2d(2, 1, 3, padding=1)', 20),
  slice: fn('x').replace('-> f', '-> glu').replace('Linear(4, 2)', 'Linear(2, 2)'),
  concat: fn('concat(sin(x), x)').replace('Linear(4, 2)', 'Linear(8, 2)'),
  // Along one axis: of two, a sign would be lost.
  window: 'input x: [2, 4]\nlayer Conv1d(2, 2, 1) -> Conv1d(2, 1, 3) -> flatten -> Linear(2, 1)\nloss mse',
  unwindow: 'input x: [2, 4]\nlayer Conv1d(2, 2, 1) -> ConvTranspose1d(2, 1, 2) -> flatten -> Linear(5, 1)\nloss mse',
  gather: 'input x: int[3]\nlayer Embedding(4, 2) -> flatten -> Linear(6, 1)\nloss mse',
};

/** Operations that no layer begins with: graphs of one parameter. */
const GRAPHS: Partial<Record<Op, (b: GraphBuilder, w: NodeId) => NodeId>> = {
  mix: (b, w) =>
    b.add('mix', [w], {
      axes: [0],
      matrix: [
        [1, 2, 0],
        [0, -1, 1],
        [0.5, 0, 3],
      ],
    }),
  flip: (b, w) => b.op('mul', w, b.add('flip', [w], { axes: [0] })),
  scatter_add: (b, w) => {
    const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [3] });
    const sum = b.add('scatter_add', [b.op('mod', place, b.full(2, b.type(place))), w], { rows: 3 });
    return b.op('mul', w, sum);
  },
};

function ofGraph(build: (b: GraphBuilder, w: NodeId) => NodeId, table: VjpTable): ParamCheck[] {
  const m = model(fn('x')).model;
  const b = new GraphBuilder('one');
  const w = b.add('param', [], { name: 'w' }, { dtype: 'f32', shape: [3, 2] });
  b.outputs['loss'] = b.sum(b.op('sin', build(b, w)), [0, 1]);
  const params = m.params.slice(0, 1).map((p) => ({ ...p, name: 'w', shape: [3, 2] }));
  return gradcheck({ ...m, params }, b.graph(), { rows: 3, seed: 1, table });
}

const checked = (text: string, table: VjpTable): ParamCheck[] => {
  const m = model(text).model;
  if (!m.training) throw new Error('no loss');
  return gradcheck(m, m.training, { rows: 3, seed: 1, elements: 3, table });
};

/** The rule of an operation with what it says about one operand changed. */
function broken(
  op: Op,
  operand: number,
  change: (g: NodeId | null, cx: Parameters<VjpRule<Op>>[0], ct: NodeId) => NodeId | null,
): VjpTable {
  const rule = VJP[op] as VjpRule<Op>;
  const wrong: VjpRule<Op> = (cx, ct) => rule(cx, ct).map((g, i) => (i === operand ? change(g, cx, ct) : g));
  return { ...VJP, [op]: wrong };
}

const breaks = (op: Op, operand: number): Readonly<Record<string, VjpTable>> => ({
  doubled: broken(op, operand, (g, { b }) => g && b.op('mul', g, b.like(2, g))),
  negated: broken(op, operand, (g, { b }) => g && b.op('neg', g)),
  dropped: broken(op, operand, () => null),
  'a millionth off': broken(op, operand, (g, { b }) => g && b.op('mul', g, b.like(1 + 1e-6, g))),
});

const OPERANDS: Partial<Record<Op, number>> = {
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  fmod: 2,
  pow: 2,
  max: 2,
  min: 2,
  contract: 2,
  concat: 2,
  select: 3,
};

describe.each(Object.entries(GRAPHS) as [Op, (b: GraphBuilder, w: NodeId) => NodeId][])('%s', (op, build) => {
  it('is found broken', () => {
    expect(ofGraph(build, VJP).filter((r) => !r.ok)).toEqual([]);
    const operand = op === 'scatter_add' ? 1 : 0;
    for (const [name, table] of Object.entries(breaks(op, operand)))
      expect(
        ofGraph(build, table).some((r) => !r.ok),
        name,
      ).toBe(true);
  });
});

describe('the table of operations', () => {
  it('has a program for each that has a gradient', () => {
    const without = Object.keys(VJP).filter((op) => !(op in PROGRAMS) && !(op in GRAPHS));
    // Leaves, whole numbers and truth have none; a cast passes on what has its type already; nothing is rounded to halves here. The gradient of
    // a loop is made of those of its body.
    expect(without.join(' ')).toBe(
      'input param state const scalar iota dimsize round_f16 finite not cast idiv mod lt le eq before and or uniform shuffle scan carry pick',
    );
  });
});

describe.each(Object.entries(PROGRAMS) as [Op, string][])('%s', (op, text) => {
  it('is differentiated by the program, which passes', () => {
    expect(model(text).model.training?.nodes.map((n) => n.op)).toContain(op);
    expect(checked(text, VJP).filter((r) => !r.ok)).toEqual([]);
  });

  const first = op === 'select' ? 1 : 0;
  it.each(Array.from({ length: (OPERANDS[op] ?? 1) - first }, (_, i) => i + first))('is found broken, for operand %i', (operand) => {
    if (['sign', 'floor', 'detach'].includes(op)) {
      // It has no gradient: it is given one.
      const through = broken(op, operand, (_g, _cx, ct) => ct);
      expect(checked(text, through).some((r) => !r.ok)).toBe(true);
      return;
    }
    for (const [name, table] of Object.entries(breaks(op, operand)))
      expect(
        checked(text, table).some((r) => !r.ok),
        name,
      ).toBe(true);
  });
});

describe('inside a loop', () => {
  // tanh is in the body, and every value of it goes through three places.
  const LOOP =
    'input x: [4, 3]\nlayer scan(fc: Linear(3, 3) + (h -> hh: Linear(3, 3)) -> tanh, h=zeros(3), last=true) -> Linear(3, 2)\nloss mse';

  it('it is right', () => {
    const graph = dce(model(LOOP).model.training as Graph);
    expect(graph.nodes.map((n) => n.op)).not.toContain('tanh');
    expect(checked(LOOP, VJP).filter((r) => !r.ok)).toEqual([]);
  });

  it.each(['tanh', 'contract', 'add'] as const)('%s is found broken', (op) => {
    for (const [name, table] of Object.entries(breaks(op, 0)))
      expect(
        checked(LOOP, table).some((r) => !r.ok),
        name,
      ).toBe(true);
  });
});

describe('of two losses in turn', () => {
  // tanh is on the way of the second loss alone.
  const TWO = `block Maker() { Linear(3, 4) -> tanh -> Linear(4, 2) }
input real: [2]
let disc = share(Linear(2, 4) -> sin -> Linear(4, 1))
layer randn([3], like=real) -> gen: Maker()
loss mean((disc(detach(pred)) + 1) ^ 2) + mean((disc(real) - 1) ^ 2)
loss mean((disc(pred) - 1) ^ 2)
optim adam params=[disc]
optim adam params=[gen]`;

  it('each is checked for what it trains', () => {
    const of = checked(TWO, VJP).map((r) => [r.param.name.split('.')[0], r.loss.includes('real'), r.ok, r.tried > 0].join(' '));
    expect(of).toEqual([...Array<string>(4).fill('disc true true true'), ...Array<string>(4).fill('gen false true true')]);
  });

  it('the second is found broken', () => {
    const wrong = checked(
      TWO,
      broken('tanh', 0, (g, { b }) => g && b.op('neg', g)),
    ).filter((r) => !r.ok);
    expect(wrong.map((r) => r.param.name)).toEqual(['gen.0.weight', 'gen.0.bias']);
  });
});

describe('where forwards there is no slope', () => {
  const judged = (forwards: number, tied: boolean) =>
    judge({
      what: 'a random direction',
      element: undefined,
      place: { name: 'random', natural: true, state: new Map() },
      symbolic: 1,
      forwards,
      size: Infinity,
      base: 1,
      numeric: { kind: 'smooth', slope: 2, bound: 1e-6, from: 'rounding' },
      tied: () => tied,
    });

  it.each([NaN, Infinity, 1])('differences are believed (%d)', (forwards) => {
    expect(judged(forwards, false)).toMatchObject({ ok: false, kind: 'smooth', numeric: 2, difference: 1, bound: 1e-6 });
    expect(judged(forwards, true)).toMatchObject({ ok: true, kind: 'none', remark: expect.stringContaining('the slope 2.0000') as string });
  });
});
