import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { isPointwise, pointwise } from '../../src/ir/graph/pointwise.ts';
import type { Graph, NodeId, Op } from '../../src/ir/graph/types.ts';
import { EGraph, constantOp } from '../../src/math/egraph.ts';
import { formulaOf } from '../../src/math/formula.ts';
import { IDENTITIES, REORDERINGS, rules, type Pattern } from '../../src/math/identities.ts';
import { shorten } from '../../src/math/shorten.ts';
import { cse, select } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { LAYERS } from '../../src/sema/layers/registry.ts';
import { derivativeGraph, derivativesText } from '../../scripts/derivatives.ts';
import { Random } from '../support/random.ts';

/** The value of a side of an identity. */
function valueOf(p: Pattern, values: ReadonlyMap<string, number>): number {
  if (p.kind === 'number') return p.value;
  if (p.kind === 'var') return values.get(p.name) ?? NaN;
  if (!isPointwise(p.op as Op)) throw new Error(`${p.op} is no operation`);
  return pointwise(p.op as Parameters<typeof pointwise>[0])(...p.args.map((a) => valueOf(a, values)));
}

const variables = (p: Pattern): string[] => (p.kind === 'var' ? [p.name] : p.kind === 'op' ? p.args.flatMap(variables) : []);

describe('identities', () => {
  it.each(rules([...IDENTITIES, ...REORDERINGS]))('$text', ({ left, right }) => {
    expect(new Set(variables(left))).toEqual(new Set([...variables(left), ...variables(right)]));
    const r = new Random(1);
    let tried = 0;
    for (let i = 0; i < 2000; i++) {
      const scale = at([0.1, 1, 3], i % 3);
      const values = new Map(variables(left).map((name) => [name, r.between(-scale, scale)]));
      const [p, q] = [valueOf(left, values), valueOf(right, values)];
      if (!Number.isFinite(p) || !Number.isFinite(q)) continue;
      tried++;
      const size = Math.max(1, Math.abs(p), Math.abs(q));
      // A quotient of numbers near 0 is large, and so is what cancels in it.
      if (size < 1e4) expect(Math.abs(p - q), `${JSON.stringify([...values])}`).toBeLessThan(1e-9 * size);
    }
    expect(tried).toBeGreaterThan(1900);
  });

  it('that is wrong is seen', () => {
    const [{ left, right } = { left: undefined, right: undefined }] = rules(['mul a (add b 1) = add (mul a b) 1']);
    const values = new Map([
      ['a', 2],
      ['b', 3],
    ]);
    expect(left && valueOf(left, values)).not.toBe(right && valueOf(right, values));
  });
});

describe('an e-graph', () => {
  const empty = (): EGraph => new EGraph((op, values) => pointwise(op as 'add')(...values));

  it('knows that equal operands give equal results', () => {
    const e = empty();
    const [a, b] = [e.add('%a'), e.add('%b')];
    const [fa, fb] = [e.add('exp', [e.add('exp', [a])]), e.add('exp', [e.add('exp', [b])])];
    expect(e.find(fa)).not.toBe(e.find(fb));
    e.union(a, b);
    e.rebuild();
    expect(e.find(fa)).toBe(e.find(fb));
  });

  it('computes constants', () => {
    const e = empty();
    const five = e.add('add', [e.add(constantOp(2)), e.add(constantOp(3))]);
    expect(e.constantOf(five)).toBe(5);
    const unknown = e.add('%x');
    const sum = e.add('add', [unknown, five]);
    expect(e.constantOf(sum)).toBeUndefined();
    e.union(unknown, e.add(constantOp(1)));
    e.rebuild();
    expect(e.constantOf(sum)).toBe(6);
  });
});

/** A formula of a graph of x. */
const shown = (build: (b: GraphBuilder, x: NodeId) => NodeId): string | undefined => {
  const b = new GraphBuilder('x');
  const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [] });
  b.outputs['y'] = build(b, x);
  return formulaOf(b.graph(), 'y');
};
const number = (b: GraphBuilder, v: number): NodeId => b.full(v, { dtype: 'f32', shape: [] });

describe('formulas', () => {
  it('tell cases apart, and what is known in each', () => {
    // |x| as where(0 < x, x, -x), and its square.
    const size = (b: GraphBuilder, x: NodeId): NodeId => b.op('select', b.op('lt', number(b, 0), x), x, b.op('neg', x));
    expect(shown((b, x) => b.op('mul', size(b, x), size(b, x)))).toBe('x^2');
    // x > 3 says that x > 1, too.
    const above = (b: GraphBuilder, x: NodeId, v: number): NodeId => b.op('lt', number(b, v), x);
    expect(shown((b, x) => b.op('select', above(b, x, 3), b.op('select', above(b, x, 1), x, number(b, 7)), number(b, 0)))).toBe(
      'where(3 < x, x, 0)',
    );
    // Of -x, the other way round.
    expect(
      shown((b, x) => b.op('select', above(b, x, 3), b.op('select', b.op('le', b.op('neg', x), number(b, -3)), x, number(b, 7)), x)),
    ).toBe('x');
    // The border belongs to the same case as before.
    expect(shown((b, x) => b.op('select', b.op('le', x, number(b, 0)), number(b, 0), number(b, 1)))).toBe('where(x <= 0, 0, 1)');
  });

  it('stay as they are where nothing is shorter', () => {
    expect(shown((b, x) => b.op('mul', b.op('sigmoid', x), b.op('sub', number(b, 1), b.op('sigmoid', x))))).toBe(
      'sigmoid(x)*(1 - sigmoid(x))',
    );
  });

  const functions = Object.entries(LAYERS).flatMap(([name, layer]) => {
    const graph = derivativeGraph(layer);
    return graph ? [{ name, graph }] : [];
  });

  it.each(functions)('the derivative of $name has its value', ({ graph }) => {
    const before = cse(simplify(select(graph, ['dx'])));
    const after = shorten(before);
    const at64 = (g: Graph, x: number): number =>
      at(
        evaluate(g, { inputs: new Map([['x', [x]]]), state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(g.outputs['dx'] ?? -1)
          .data as unknown as number[],
        0,
      );
    for (let i = 0; i < 200; i++) {
      const x = i < 20 ? i / 2 - 5 : -4.9 + 0.0531 * i;
      const [p, q] = [at64(before, x), at64(after, x)];
      if (Number.isFinite(p) && Math.abs(p) < 1e6)
        expect(Math.abs(p - q), `at ${x}: ${p} and ${q}`).toBeLessThan(1e-6 * Math.max(1, Math.abs(p)));
    }
  });

  it('src/library/derivatives.ts is fresh (npm run docs)', () => {
    expect(readFileSync('src/library/derivatives.ts', 'utf8')).toBe(derivativesText());
  });
});
