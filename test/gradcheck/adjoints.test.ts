import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { VJP, type VjpRule } from '../../src/autodiff/vjp.ts';
import { count, fixedShape, type Shape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { NodeId, Op } from '../../src/ir/graph/types.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { movesOf, productsOf, shapes } from '../support/small-graphs.ts';

/**
 * The rules of what is linear in an operand, proved on all small shapes: the vjp is exactly the transposed matrix. Both matrices are written
 * down column by column, from unit vectors, in whole numbers, so that equal is equal.
 */
interface Linear {
  readonly op: Op;
  readonly x: Shape;
  /** Other operands, of fixed whole numbers. */
  readonly y?: Shape;
  readonly build: (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId;
}

const unit = (n: number, i: number): Float64Array => Float64Array.from({ length: n }, (_, k) => (k === i ? 1 : 0));
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The largest difference between the rule's matrix and the transposed one. */
function apart({ x, y = [], build }: Linear, table = VJP): number {
  const b = new GraphBuilder('linear');
  const v = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: x });
  const w = b.add('input', [], { name: 'y' }, { dtype: 'f32', shape: y });
  const out = build(b, v, w);
  const shape = fixedShape(b.shape(out));
  const ct = b.add('input', [], { name: 'ct' }, { dtype: 'f32', shape });
  const total = b.sum(b.op('mul', out, ct), range(shape.length));
  const [g = -1] = gradient(b, total, [v], table);
  b.outputs['out'] = out;
  b.outputs['g'] = g;
  const graph = b.graph();
  const [n, m] = [count(fixedShape(x)), count(shape)];
  const fixed = Float64Array.from({ length: count(fixedShape(y)) }, (_, i) => 2 * i - 3);
  const run = (xs: Float64Array, cts: Float64Array) =>
    evaluate(graph, {
      inputs: new Map([
        ['x', xs],
        ['y', fixed],
        ['ct', cts],
      ]),
      state: new Map(),
      scalars: { step: 0, seed: 0, total: 1 },
    });
  // What is added whatever x is (padding with a value) has no part in the matrix.
  const constant = run(new Float64Array(n), new Float64Array(m))(out).data;
  const columns = range(n).map((i) => run(unit(n, i), new Float64Array(m))(out).data);
  let worst = 0;
  for (let j = 0; j < m; j++) {
    const row = run(new Float64Array(n), unit(m, j))(g).data;
    for (let i = 0; i < n; i++) worst = Math.max(worst, Math.abs((row[i] ?? NaN) - ((columns[i]?.[j] ?? NaN) - (constant[j] ?? NaN))));
  }
  return worst;
}

/** All moves of all small shapes, apart from what is not linear. */
function* moves(): Iterable<Linear> {
  const all = [...shapes(2, 3), ...shapes(3, 2).filter((s) => s.length === 3)];
  for (const x of all)
    for (const move of movesOf(x)) {
      const b = new GraphBuilder('op');
      const id = move.add(b, b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: x }));
      const { op } = b.node(id);
      if (op !== 'reduce_max' && op !== 'const' && op !== 'input') yield { op, x, build: (c, v) => move.add(c, v) };
    }
}

function* products(): Iterable<Linear> {
  for (const p of productsOf()) {
    yield { op: 'contract', x: p.x, y: p.y, build: (b, x, y) => p.add(b, x, y) };
    yield { op: 'contract', x: p.y, y: p.x, build: (b, x, y) => p.add(b, y, x) };
  }
}

/** Rows by every index that counts up or down, or names one row again and again. */
function* rows(): Iterable<Linear> {
  for (const n of [1, 2, 3])
    for (const extent of [1, 2, 3, 4])
      for (const [start, step] of [
        [0, 1],
        [extent - 1, -1],
        [0, 0],
        [extent - 1, 0],
      ] as const) {
        const last = start + step * (n - 1);
        if (last < 0 || last >= extent) continue;
        const index = (b: GraphBuilder): NodeId => {
          const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] });
          return b.op('add', b.like(start, place), b.op('mul', b.like(step, place), place));
        };
        yield { op: 'gather', x: [extent, 2], build: (b, x) => b.op('gather', x, index(b)) };
        yield { op: 'scatter_add', x: [n, 2], build: (b, x) => b.add('scatter_add', [index(b), x], { rows: extent }) };
      }
}

/** Operations on numbers that are linear in one operand, or in each. */
function* pointwise(): Iterable<Linear> {
  const x = [2, 2];
  const one = (op: Op, build: Linear['build']): Linear => ({ op, x, y: x, build });
  yield one('neg', (b, v) => b.op('neg', v));
  yield one('add', (b, v, w) => b.op('add', v, w));
  yield one('add', (b, v) => b.op('add', v, v));
  yield one('sub', (b, v, w) => b.op('sub', w, v));
  yield one('sub', (b, v, w) => b.op('sub', v, w));
  yield one('mul', (b, v, w) => b.op('mul', v, w));
  yield one('mul', (b, v, w) => b.op('mul', w, v));
  yield one('div', (b, v) => b.op('div', v, b.like(4, v)));
  yield one('select', (b, v, w) => b.op('select', b.op('lt', w, b.like(0, w)), v, w));
  yield one('select', (b, v, w) => b.op('select', b.op('lt', w, b.like(0, w)), w, v));
}

const CASES = [...moves(), ...products(), ...rows(), ...pointwise()];
const OPS = [...new Set(CASES.map((c) => c.op))].sort();

describe('the vjp of what is linear', () => {
  it.each(OPS)('%s is its transposed matrix, on all small shapes', (op) => {
    const of = CASES.filter((c) => c.op === op);
    expect(of.length).toBeGreaterThan(0);
    for (const c of of) expect(apart(c), `${op} of [${c.x.join(', ')}]`).toBe(0);
  });

  it('is proved of every operation that is', () => {
    expect(OPS).toMatchInlineSnapshot(`
      [
        "add",
        "broadcast",
        "concat",
        "contract",
        "div",
        "flip",
        "gather",
        "mix",
        "mul",
        "neg",
        "pad",
        "permute",
        "reduce_sum",
        "reshape",
        "scatter_add",
        "select",
        "slice",
        "sub",
        "unwindow",
        "window",
      ]
    `);
    expect(CASES.length).toBeGreaterThan(2000);
  });

  it('that is wrong is seen', () => {
    for (const op of OPS) {
      const rule = VJP[op] as VjpRule<Op>;
      const wrong: VjpRule<Op> = (cx, ct) => rule(cx, ct).map((g) => g && cx.b.op('mul', g, cx.b.like(2, g)));
      // The sum that the test adds, and its product, have rules as well.
      expect(
        CASES.filter((c) => c.op === op).some((c) => apart(c, { ...VJP, [op]: wrong }) > 0),
        op,
      ).toBe(true);
    }
  });
});
