import { at } from '../../src/base/errors.ts';
import { count, type Shape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { windowPlaces } from '../../src/ir/graph/views.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';

/** Every small graph of a kind, to try laws on all of them. */

/** An operation on one operand. */
export interface Move {
  readonly shape: Shape;
  readonly add: (b: GraphBuilder, x: NodeId) => NodeId;
}

/** All shapes with up to so many axes of up to so many elements. */
export function shapes(rank: number, most: number): Shape[] {
  if (rank === 0) return [];
  const sizes = range(most).map((i) => i + 1);
  const longest = sizes.flatMap((d) =>
    rank === 1
      ? [[d]]
      : shapes(rank - 1, most)
          .filter((s) => s.length === rank - 1)
          .map((s) => [d, ...(s as number[])]),
  );
  return [...shapes(rank - 1, most), ...longest];
}

const range = (n: number): number[] => Array.from({ length: Math.max(0, n) }, (_, i) => i);

/** Every choice of one of each list. */
function choices<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((all, list) => all.flatMap((c) => list.map((v) => [...c, v])), [[]]);
}

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((p) => range(n).map((i) => [...p.slice(0, i), n - 1, ...p.slice(i)]));
}

const subsets = (n: number): number[][] => range(2 ** n).map((bits) => range(n).filter((i) => bits & (1 << i)));

/** The moves of a shape, each with its result's shape; `few` leaves out what multiplies without end. */
export function movesOf(shape: Shape, how: 'all' | 'few' = 'all'): Move[] {
  const dims = shape as readonly number[];
  const rank = dims.length;
  const total = count(dims);
  const all = how === 'all';
  const out: Move[] = [];
  const put = (build: (b: GraphBuilder, x: NodeId) => NodeId): void => {
    const b = new GraphBuilder('shape');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: dims });
    out.push({ shape: b.shape(build(b, x)), add: build });
  };
  // A constant in the operand's place: what is known of constants.
  put((b, x) => b.like(5, x));
  for (const [axis, extra] of choices([range(rank + 1), all ? [1, 2] : [2]]))
    put((b, x) =>
      b.broadcast(
        x,
        dims.toSpliced(axis ?? 0, 0, extra ?? 1),
        range(rank).map((i) => (i < (axis ?? 0) ? i : i + 1)),
      ),
    );
  for (const s of [...shapes(all ? 3 : 2, 4)].filter((s) => count(s) === total)) put((b, x) => b.reshape(x, s));
  for (const perm of permutations(rank)) put((b, x) => b.permute(x, perm));
  for (const axes of subsets(rank)) put((b, x) => b.add('flip', [x], { axes }));
  for (const axes of subsets(rank)) {
    put((b, x) => b.add('reduce_sum', [x], { axes }));
    if (all) put((b, x) => b.add('reduce_max', [x], { axes }));
  }
  if (rank > 0) {
    put((b, x) => b.add('concat', [x], { axis: 0 }));
    put((b, x) => b.add('concat', [x, x], { axis: rank - 1 }));
  }
  const parts = dims.map((d) => range(d).flatMap((start) => range(d - start).map((n) => [start, n + 1] as const)));
  for (const c of all ? choices(parts) : choices(parts.map((p) => [at(p, 0), at(p, p.length - 1)])))
    put((b, x) => b.add('slice', [x], { start: c.map(([s]) => s), size: c.map(([, n]) => n) }));
  const ends = [0, 1, 2];
  for (const value of [0, 9])
    for (const axis of range(rank))
      for (const [low, high] of choices([ends, ends]))
        put((b, x) =>
          b.add('pad', [x], {
            low: dims.map((_, i) => (i === axis ? (low ?? 0) : 0)),
            high: dims.map((_, i) => (i === axis ? (high ?? 0) : 0)),
            value,
          }),
        );
  for (const axis of range(rank))
    for (const [size, stride, dilation] of choices([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2],
    ])) {
      const [k, s, d] = [size ?? 1, stride ?? 1, dilation ?? 1];
      if (windowPlaces(at(dims, axis), k, s, d) >= 1) put((b, x) => b.add('window', [x], { axis, size: k, stride: s, dilation: d }));
    }
  for (const axes of subsets(rank).filter((s) => s.length > 0 && s.every((a) => dims[a] === dims[at(s, 0)])))
    for (const rows of [1, 3]) {
      // Columns and rows of which some differ in signs alone.
      const matrix = range(rows).map((r) => range(at(dims, at(axes, 0))).map((c) => [1, -1, 0, 2, 1, -2][(3 * r + c) % 6] ?? 0));
      put((b, x) => b.add('mix', [x], { axes, matrix }));
    }
  // The adjoint, where the last axis can be that of a window.
  const size = dims.at(-1) ?? 0;
  for (const axis of range(rank - 1))
    for (const [stride, dilation, more] of choices([
      [1, 2, 3],
      [1, 2],
      [0, 1],
    ])) {
      const length = (at(dims, axis) - 1) * (stride ?? 1) + (dilation ?? 1) * (size - 1) + 1 + (more ?? 0);
      if (windowPlaces(length, size, stride ?? 1, dilation ?? 1) === at(dims, axis))
        put((b, x) => b.add('unwindow', [x], { axis, length, stride: stride ?? 1, dilation: dilation ?? 1 }));
    }
  return out;
}

/** A product of two operands. */
export interface Product {
  readonly x: Shape;
  readonly y: Shape;
  readonly shape: Shape;
  readonly add: (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId;
}

const SPECS = [
  'a,a->a',
  'a,b->ab',
  'ab,b->a',
  'ab,bc->ac',
  'ab,bc->ca',
  'ab,cb->ac',
  'ba,bc->ac',
  'gab,gbc->gac',
  'ab,ab->',
  'ab,ab->b',
  'ab,bc->abc',
  'abc,cd->abd',
];

/** Products with every extent of one or two (or of three) elements: of the operands as they are, permuted, or as windows. */
export function productsOf(): Product[] {
  const out: Product[] = [];
  for (const spec of SPECS) {
    const [operands = '', result = ''] = spec.split('->');
    const [a = '', c = ''] = operands.split(',');
    const labels = [...new Set(a + c)];
    for (const sizes of choices(labels.map(() => (labels.length > 3 ? [1, 2] : [1, 2, 3])))) {
      const of = (some: string): number[] => [...some].map((l) => at(sizes, labels.indexOf(l)));
      const shape = of(result);
      out.push({ x: of(a), y: of(c), shape, add: (b, x, y) => b.contract(spec, x, y) });
      for (const p of permutations(a.length)) {
        // The operand as it is before the permutation.
        const given = range(a.length).map((i) => at(of(a), p.indexOf(i)));
        if (a.length > 1) out.push({ x: given, y: of(c), shape, add: (b, x, y) => b.contract(spec, b.permute(x, p), y) });
      }
    }
  }
  // Convolutions: windows of x in a product with a kernel.
  for (const [length, size, stride, dilation] of choices([
    [3, 4],
    [1, 2, 3],
    [1, 2],
    [1, 2],
  ])) {
    const [n, k, s, d] = [length ?? 1, size ?? 1, stride ?? 1, dilation ?? 1];
    const places = windowPlaces(n, k, s, d);
    if (places < 1) continue;
    const windows = (b: GraphBuilder, x: NodeId): NodeId => b.add('window', [x], { axis: 1, size: k, stride: s, dilation: d });
    out.push({ x: [2, n], y: [2, k], shape: [2, places, 2], add: (b, x, y) => b.contract('npk,ck->npc', windows(b, x), y) });
  }
  return out;
}
