import { afterAll, describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { count, fixedShape, type Shape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { LAWS, simplify, type LawName } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { EXAMPLES, type Build } from '../support/laws.ts';
import { movesOf, productsOf, shapes } from '../support/small-graphs.ts';
import { closeSolver, provedEqual, type Theory } from '../support/smt.ts';

/**
 * A proof of every law of the simplifier; one without a proof does not compile. Laws of numbers are theorems, for all float32 numbers
 * where they are exact, and for all real ones where they round differently. Laws of shapes are tried on every graph of a family of small
 * ones, with whole numbers, so that equal is equal.
 */
type Proof =
  | { readonly over: Theory; readonly where?: string; readonly builds?: readonly Build[] }
  | { readonly family: () => Iterable<Small>; readonly least: number };

/** Adds a graph over the input x of a shape, and perhaps y; gives its result. */
interface Small {
  readonly x: Shape;
  readonly y?: Shape;
  readonly build: (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId;
}

const constant = (b: GraphBuilder, v: number): NodeId => b.full(v, { dtype: 'f32', shape: [3, 4] });
const FINITE = '(not (or (fp.isNaN x) (fp.isInfinite x)))';
/** Products of two constants, of either sign, large and small. */
const factors: readonly Build[] = [3, -0.5, 0.125, 4096].flatMap((p) =>
  [2, -8, 0.25].map(
    (q): Build =>
      (b, x) =>
        b.op('mul', b.op('mul', x, constant(b, p)), constant(b, q)),
  ),
);

/** Two operations that move elements, one after the other. */
function* pairs(): Iterable<Small> {
  for (const x of shapes(2, 3)) for (const first of movesOf(x)) yield* then(x, first);
  for (const x of shapes(3, 2).filter((s) => s.length === 3)) for (const first of movesOf(x, 'few')) yield* then(x, first);
}

function* then(x: Shape, first: ReturnType<typeof movesOf>[number]): Iterable<Small> {
  for (const second of movesOf(first.shape, first.shape.length > 2 || count(first.shape) > 9 ? 'few' : 'all'))
    yield { x, build: (b, v) => second.add(b, first.add(b, v)) };
}

/** A product, of operands that may be permuted, repeated or windows, and perhaps an operation on its result. */
function* products(): Iterable<Small> {
  for (const p of productsOf()) {
    yield { x: p.x, y: p.y, build: (b, x, y) => p.add(b, x, y) };
    for (const move of movesOf(p.shape, 'few')) yield { x: p.x, y: p.y, build: (b, x, y) => move.add(b, p.add(b, x, y)) };
  }
}

/** Parts of products that have axes of a single element. */
function* parts(): Iterable<Small> {
  for (const n of [1, 2, 3])
    for (const m of [1, 2, 4])
      for (const shape of [
        [1, n, m],
        [n, 1, m],
        [n, m, 1],
        [1, n, 1, m],
      ])
        for (const { add } of movesOf(shape).filter((move) => move.shape.length === shape.length))
          yield { x: [n, 2], y: [m, 2], build: (b, x, y) => add(b, b.reshape(b.contract('ac,bc->ab', x, y), shape)) };
}

/**
 * Adjoints of windows, with and without strides, of products, of which parts may be taken or whose other axes are seen as others; elements may be left
 * over behind the windows.
 */
function* adjoints(): Iterable<Small> {
  for (const places of [1, 2, 3])
    for (const size of [1, 2, 3, 4, 5])
      for (const stride of [1, 2, 3, 4])
        for (const dilation of [1, 2])
          for (let rest = 0; rest < stride; rest++) {
            const length = (places - 1) * stride + dilation * (size - 1) + 1 + rest;
            const adjoint = (b: GraphBuilder, v: NodeId, axis: number): NodeId =>
              b.add('unwindow', [v], { axis, length, stride, dilation });
            const given = { x: [4, places, 2], y: [2, size] };
            const product = (b: GraphBuilder, x: NodeId, y: NodeId): NodeId => b.contract('npo,ok->npk', x, y);
            yield { ...given, build: (b, x, y) => adjoint(b, product(b, x, y), 1) };
            yield { ...given, build: (b, x, y) => adjoint(b, b.contract('ok,npo->npk', y, x), 1) };
            const seen = [
              { shape: [2, 2, places, size], axis: 2, part: [1, 2, places, size] },
              { shape: [4, 1, places, size], axis: 2, part: [2, 1, places, size] },
              { shape: [4, places, 1, size], axis: 1, part: [3, places, 1, size] },
            ];
            for (const { shape, axis, part } of seen) {
              const whole = (b: GraphBuilder, x: NodeId, y: NodeId): NodeId => b.reshape(product(b, x, y), shape);
              const start = part.map((d, i) => (d === shape[i] ? 0 : 1));
              yield { ...given, build: (b, x, y) => adjoint(b, whole(b, x, y), axis) };
              const some = (b: GraphBuilder, x: NodeId, y: NodeId): NodeId => b.add('slice', [whole(b, x, y)], { start, size: part });
              yield { ...given, build: (b, x, y) => adjoint(b, some(b, x, y), axis) };
              const merged = [part.slice(0, 2).reduce((n, d) => n * d, 1), ...part.slice(2)];
              for (const to of [merged, part.filter((d) => d > 1), [...part.slice(0, 2), places * size].slice(0, part.length)])
                if (count(to) === count(part)) yield { ...given, build: (b, x, y) => b.op('exp', b.reshape(some(b, x, y), to)) };
            }
          }
}

/** Rows that are gathered or added up by every index that counts down, and by others. */
function* rows(): Iterable<Small> {
  for (const n of [1, 2, 3, 4])
    for (const extent of [1, 2, 3, 4])
      for (const last of [n - 2, n - 1, n, extent - 1].filter((v) => v >= n - 1)) {
        const index = (b: GraphBuilder): NodeId => {
          const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] });
          return b.op('sub', b.like(last, place), place);
        };
        if (last < extent) yield { x: [extent, 2], build: (b, x) => b.op('gather', x, index(b)) };
        for (const total of [last + 1, last + 2])
          yield { x: [n, 2], build: (b, x) => b.add('scatter_add', [index(b), x], { rows: total }) };
      }
}

/** Sums of products with values that are the same along some axes, and of values less their mean; sizes that divide exactly. */
function* sums(): Iterable<Small> {
  for (const x of shapes(3, 4).filter((s) => s.every((d) => d !== 3)) as readonly (readonly number[])[]) {
    const all = x.map((_, i) => i);
    for (let chosen = 1; chosen < 2 ** x.length; chosen++) {
      const axes = all.filter((i) => (chosen >> i) & 1);
      const kept = all.filter((i) => !axes.includes(i));
      const y = kept.map((i) => at(x, i));
      const n = axes.reduce((size, i) => size * at(x, i), 1);
      const wide = (b: GraphBuilder, v: NodeId): NodeId => b.broadcast(v, x, kept);
      // Of either sign, and exact to divide by.
      const power = (b: GraphBuilder, v: NodeId): NodeId => b.op('select', b.op('lt', v, b.like(0, v)), b.like(-2, v), b.like(4, v));
      /** A factor that differs along the sum. */
      const varies = (b: GraphBuilder, v: NodeId): NodeId => b.broadcast(b.sum(v, kept), x, axes);
      const centred =
        (by: number) =>
        (b: GraphBuilder, v: NodeId): NodeId => {
          const mean = b.op('div', b.sum(v, axes), b.full(by, { dtype: 'f32', shape: y }));
          return b.op('sub', v, wide(b, mean));
        };
      const terms: readonly ((b: GraphBuilder, v: NodeId, w: NodeId) => NodeId)[] = [
        (b, v) => b.op('neg', v),
        (b, v) => centred(n)(b, v),
        (b, v) => centred(2 * n)(b, v),
        (b, v, w) => b.op('mul', centred(n)(b, v), wide(b, w)),
        (b, v, w) => b.op('mul', v, wide(b, w)),
        (b, v, w) => b.op('mul', wide(b, w), b.op('neg', v)),
        (b, v, w) => b.op('div', b.op('mul', v, wide(b, w)), wide(b, power(b, w))),
        (b, v, w) => b.op('mul', b.op('div', v, wide(b, power(b, w))), b.op('mul', v, b.full(3, { dtype: 'f32', shape: x }))),
        (b, v, w) => b.op('mul', b.op('mul', v, wide(b, w)), varies(b, v)),
        (b, v) => b.op('mul', v, varies(b, v)),
        (b, v, w) => b.op('div', wide(b, w), b.op('select', b.op('lt', v, b.like(6, v)), b.like(2, v), b.like(8, v))),
      ];
      for (const term of terms) yield { x, y, build: (b, v, w) => b.sum(term(b, v, w), axes) };
    }
  }
}

const moved = (least: number): Proof => ({ family: pairs, least });
const multiplied = (least: number): Proof => ({ family: products, least });

const PROOFS: { readonly [K in LawName]: Proof } = {
  'x + -y is x - y': { over: 'float32' },
  'x + 0 is x': { over: 'float32' },
  '0 + x is x': { over: 'float32' },
  'x + x is 2 x': { over: 'float32' },
  'x - 0 is x': { over: 'float32' },
  '0 - x is -x': { over: 'float32' },
  'x * 1 is x': { over: 'float32' },
  '1 * x is x': { over: 'float32' },
  'x * 0 is 0': {
    over: 'float32',
    where: FINITE,
    builds: [(b, x) => b.op('mul', x, constant(b, 0)), (b, x) => b.op('mul', constant(b, 0), x)],
  },
  'a constant factor stands on the right': { over: 'float32' },
  '(x * a) * b is x * (a b)': { over: 'real', builds: factors },
  'x / 1 is x': { over: 'float32' },
  '0 / x is 0': {
    over: 'float32',
    where: '(and (not (fp.isZero x)) (not (fp.isNaN x)))',
    builds: [(b, x) => b.op('div', constant(b, 0), x)],
  },
  '-(-x) is x': { over: 'float32' },
  'x ^ 2 is x * x': { over: 'real' },
  'x ^ 1 is x': { over: 'real' },
  'a known choice is made': { over: 'float32' },
  'the same choice twice is one': { over: 'float32' },
  'detach is only for gradients': { over: 'float32' },
  'a cast to the same type is nothing': { over: 'float32' },
  'a view of a constant is a constant': moved(500),
  'a view that changes nothing is nothing': moved(500),
  'reshape of reshape is one reshape': moved(20),
  'permute of permute is one permute': moved(5),
  'broadcast of broadcast is one broadcast': moved(100),
  'a concatenation of one is that one': moved(20),
  'a sum over nothing is nothing': moved(100),
  'a sum of one element is a reshape': moved(100),
  'a sum of repetitions is a product': moved(100),
  'a sum of -x is minus the sum of x': { family: sums, least: 100 },
  'centred values sum to 0': { family: sums, least: 50 },
  'what is the same along a sum goes before it': { family: sums, least: 300 },
  'a contract reads through a permute': multiplied(100),
  'axes of one element say nothing in a contract': multiplied(100),
  'windows of single elements only add an axis': moved(100),
  'windows side by side are put in order': moved(20),
  'padding passes below windows': moved(100),
  'the adjoint of windows of a product is a product of windows': multiplied(20),
  'a part of a product of windows is a product of parts': multiplied(40),
  'the adjoint of strided windows of a product is products of windows side by side': { family: adjoints, least: 100 },
  'the adjoint of windows of a product passes below a reshape': { family: adjoints, least: 100 },
  'the adjoint of windows of a product passes below a part': { family: adjoints, least: 100 },
  'a reshape beside a part of a product is a part of a reshape': { family: adjoints, least: 100 },
  'a part of a product passes below axes of a single element': { family: parts, least: 100 },
  'a part of windows is windows of a part': moved(100),
  'a part of padded values needs less padding': moved(100),
  'rows in the opposite order are turned around': { family: rows, least: 4 },
  'sums into rows in the opposite order are turned around': { family: rows, least: 4 },
  'a contract over single elements is a product': multiplied(50),
};

function graphOf({ x, y, build }: Small): Graph {
  const b = new GraphBuilder('small');
  const px = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: x });
  const py = b.add('input', [], { name: 'y' }, { dtype: 'f32', shape: y ?? [1] });
  b.outputs['out'] = build(b, px, py);
  return b.graph();
}

/** Whole numbers that are all different, so that an element that is out of place shows. */
const numbers = (shape: Shape, from: number): Float64Array => Float64Array.from({ length: count(shape) }, (_, i) => from + 3 * i);

function valueOf(graph: Graph, { x, y }: Small): { readonly shape: readonly number[]; readonly data: Float64Array } {
  const inputs = new Map([
    ['x', numbers(x, 2)],
    ['y', numbers(y ?? [1], -7)],
  ]);
  return evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['out'] ?? -1);
}

/** Tries every graph of a family; gives how often each law was applied, alone or with others. */
function tried(family: () => Iterable<Small>): {
  readonly graphs: number;
  readonly hits: ReadonlyMap<LawName, number>;
  readonly wrong: string[];
} {
  const hits = new Map<LawName, number>();
  const wrong: string[] = [];
  let graphs = 0;
  for (const small of family()) {
    const before = graphOf(small);
    const used = new Set<LawName>();
    const after = simplify(before, (law) => used.add(law));
    graphs++;
    const [want, got] = [valueOf(before, small), valueOf(after, small)];
    for (const law of used) hits.set(law, (hits.get(law) ?? 0) + 1);
    if (fixedShape(want.shape).join() !== got.shape.join() || want.data.some((v, i) => v !== got.data[i]))
      wrong.push(`${[...used].join(' and ')} on ${before.nodes.map((n) => `${n.op} ${JSON.stringify(n.attrs)}`).join('; ')}`);
  }
  return { graphs, hits, wrong: wrong.slice(0, 5) };
}

const names = LAWS.map((l) => l.name);
const theorems = names.flatMap((name) => {
  const proof = PROOFS[name];
  return 'over' in proof ? [{ name, proof }] : [];
});

// The solver's threads do not stand being started again in one process, as `npm run mutate` would.
describe.skipIf(process.env['NNC_TEST_DEVICES'] !== undefined)('a law of numbers', () => {
  afterAll(closeSolver);

  it.each(theorems)('$name: proved for all $proof.over numbers', async ({ name, proof }) => {
    for (const build of proof.builds ?? [EXAMPLES[name][0]]) {
      const graph = graphOf({ x: [3, 4], y: [3, 4], build });
      const used = new Set<LawName>();
      const after = simplify(graph, (law) => used.add(law));
      expect([...used]).toContain(name);
      expect(await provedEqual(graph, after, proof.over, proof.where)).toBe('proved');
    }
  });

  it('that is wrong is refuted', async () => {
    const of = (build: Build): Graph => graphOf({ x: [1], y: [1], build });
    const [sum, other] = [of((b, x, y) => b.op('add', x, y)), of((b, x, y) => b.op('sub', x, b.op('neg', b.op('mul', y, y))))];
    expect(await provedEqual(sum, other, 'real')).toMatch(/^sat/);
    // Not for infinities.
    const zero = of((b, x) => b.op('mul', x, b.like(0, x)));
    expect(await provedEqual(zero, simplify(zero), 'float32')).toMatch(/^sat/);
  });
});

describe('a law of shapes', () => {
  const families = [pairs, products, parts, adjoints, rows, sums].map((family) => ({ family, ...tried(family) }));

  it('holds on every small graph', () => {
    for (const { family, graphs, wrong } of families) expect([family.name, graphs, wrong]).toEqual([family.name, graphs, []]);
    expect(families.reduce((n, f) => n + f.graphs, 0)).toBeGreaterThan(300_000);
  });

  it.each(names.flatMap((name) => ('family' in PROOFS[name] ? [name] : [])))('%s: is applied in its family', (name) => {
    const proof = PROOFS[name] as Extract<Proof, { family: unknown }>;
    const { hits } = at(
      families.filter((f) => f.family === proof.family),
      0,
    );
    expect(hits.get(name) ?? 0).toBeGreaterThanOrEqual(proof.least);
  });
});
