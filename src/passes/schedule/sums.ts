import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels, summedLabels } from '../../ir/graph/contract.ts';
import type { Graph, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import { isVector } from '../../ir/kernel/functions.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { BlockWriter, Unroll } from './block-writer.ts';
import { summedShape } from './lanes.ts';
import type { Tiling } from './tiling.ts';
import { isWide, lanesOf } from './views.ts';

/** What writing a sum depends on. */
export interface Summing {
  readonly graph: Graph;
  readonly out: BlockWriter;
  readonly tiling: Tiling;
  readonly values: (id: NodeId, points: readonly ix.Point[]) => Expr[];
}

const LOWEST = -3.4028234663852886e38;

interface Accumulation {
  readonly start: Expr;
  readonly fn: 'add' | 'max';
  readonly shape: readonly number[];
}

/** The next values of the accumulators of points. */
type Round = (points: readonly ix.Point[], k: ix.Point, accs: readonly Expr[]) => readonly Expr[];

/** The loops of a sum, which give each accumulator its next value in every round. */
function inRounds(
  s: Summing,
  points: readonly ix.Point[],
  accs: readonly Expr[],
  { shape, unroll }: { readonly shape: readonly number[]; readonly unroll: Unroll },
  round: Round,
): void {
  s.out.loopOver(shape, { lanes: s.tiling.lanes, unroll }, (k) => {
    round(points, k, accs).forEach((value, i) => s.out.assign(at(accs, i), value));
  });
}

/** Accumulates along vectors: the sums of their elements, which have no names yet. */
function overVectors(s: Summing, points: readonly ix.Point[], { start, fn, shape }: Accumulation, round: Round): Expr[] {
  const accs = points.map(() => s.out.variable('acc', call('splat', start)));
  inRounds(s, points, accs, { shape, unroll: 'vector' }, round);
  return accs.map((acc) => call(fn === 'add' ? 'sum4' : 'max4', acc));
}

/** One loop nest for all points: each has an accumulator, and `round` returns their next values. */
function accumulate(s: Summing, points: readonly ix.Point[], how: Accumulation, round: Round): Expr[] {
  const { start, fn, shape } = how;
  // Vectors along the sum, and then four sums as one vector for what is computed from them.
  if (s.tiling.vector >= 0 && s.tiling.unroll === 'vector' && at(shape, shape.length - 1, 'axis') % 4 === 0 && points.every(isWide)) {
    const sums = overVectors(s, points.flatMap(lanesOf), how, round);
    return points.map((_, i) => s.out.define('s', call('vec4', ...sums.slice(4 * i, 4 * i + 4))));
  }
  // The loop is vectorised only if the points themselves are not wide.
  const unroll = s.tiling.unroll === 'vector' && points.some(isWide) ? 'four' : s.tiling.unroll;
  if (unroll === 'vector' && at(shape, shape.length - 1, 'axis') % 4 === 0)
    return overVectors(s, points, how, round).map((sum) => s.out.define('s', sum));
  const accs = points.map((p) => s.out.variable('acc', isWide(p) ? call('splat', start) : start));
  inRounds(s, points, accs, { shape, unroll: unroll === 'vector' ? 'four' : unroll }, round);
  for (const acc of accs) if (s.tiling.lanes > 1 && acc.kind === 'ref') s.out.emit({ kind: 'combine', name: acc.name, fn });
  return accs;
}

export function reduceAt(s: Summing, node: NodeOf<'reduce_sum' | 'reduce_max'>, points: readonly ix.Point[]): Expr[] {
  const { axes } = node.attrs;
  const input = at(node.inputs, 0);
  const rank = at(s.graph.nodes, input).type.shape.length;
  const max = node.op === 'reduce_max';
  const start = literal(node.type.dtype, max ? (node.type.dtype === 'f32' ? LOWEST : -2147483648) : 0);
  const fn = max ? 'max' : 'add';
  return accumulate(s, points, { start, fn, shape: summedShape(s.graph, node) }, (each, k, accs) => {
    const full = each.map((p) => {
      let kept = 0;
      return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? at(k, axes.indexOf(i)) : at(p, kept++)));
    });
    return s.values(input, full).map((value, i) => call(fn, at(accs, i), value));
  });
}

export function contractAt(s: Summing, node: NodeOf<'contract'>, points: readonly ix.Point[]): Expr[] {
  const l = contractLabels(node.attrs.spec);
  const summed = summedLabels(node.attrs.spec);
  const pick = (labels: string, p: ix.Point, k: ix.Point): ix.Point =>
    [...labels].map((c) => (l.out.includes(c) ? at(p, l.out.indexOf(c)) : at(k, summed.indexOf(c))));
  return accumulate(s, points, { start: literal('f32', 0), fn: 'add', shape: summedShape(s.graph, node) }, (each, k, accs) => {
    const side = (i: number, labels: string): Expr[] =>
      s.values(
        at(node.inputs, i),
        each.map((p) => pick(labels, p, k)),
      );
    const [a, b] = [side(0, l.a), side(1, l.b)];
    return accs.map((acc, i) => call('fma', at(a, i), at(b, i), acc));
  });
}

/** Groups points by their index along an axis, so that tests on that index are written once. */
function alike(points: readonly ix.Point[], axis: number): readonly (readonly number[])[] {
  const byIndex = new Map<string, number[]>();
  points.forEach((p, i) => {
    const key = ix.showIndex(at(p, axis));
    byIndex.set(key, [...(byIndex.get(key) ?? []), i]);
  });
  return [...byIndex.values()];
}

/** Calls `sum` for each group of points with the same index along an axis. If that index is wide, each lane is computed separately. */
function grouped(s: Summing, id: NodeId, points: readonly ix.Point[], axis: number, sum: (points: readonly ix.Point[]) => Expr[]): Expr[] {
  if (points.some((p) => ix.isWide(at(p, axis)))) return points.map((p) => call('vec4', ...s.values(id, lanesOf(p))));
  const result: Expr[] = [];
  for (const members of alike(points, axis)) {
    const values = sum(members.map((i) => at(points, i)));
    members.forEach((i, j) => (result[i] = at(values, j)));
  }
  return result;
}

const zeros = (s: Summing, node: { readonly type: { readonly dtype: 'f32' | 'i32' | 'bool' } }, points: readonly ix.Point[]): Expr[] =>
  points.map((p) => {
    const zero = literal(node.type.dtype, 0);
    return s.out.variable('acc', isWide(p) ? call('splat', zero) : zero);
  });

const addTo = (s: Summing, acc: Expr, value: Expr): void =>
  s.out.assign(acc, call('add', acc, isVector(acc.type) && !isVector(value.type) ? call('splat', value) : value));

/** For each element, sums over the windows that cover it. */
export function unwindowAt(s: Summing, node: NodeOf<'unwindow'>, all: readonly ix.Point[]): Expr[] {
  const { axis, stride, dilation } = node.attrs;
  const input = at(node.inputs, 0);
  const inShape = fixedShape(at(s.graph.nodes, input).type.shape);
  const places = at(inShape, axis);
  return grouped(s, node.id, all, axis, (points) => {
    const accs = zeros(s, node, points);
    const p = at(at(points, 0), axis);
    s.out.loopOver([at(inShape, inShape.length - 1)], { lanes: s.tiling.lanes, unroll: 'none' }, ([k = ix.ZERO]) => {
      // The window's position is (p - k dilation) / stride, if that divides evenly.
      const shift = ix.scale(k, dilation);
      s.out.guarded(call('le', ix.toExpr(shift), ix.toExpr(p)), () => {
        const from = s.out.define('q', ix.toExpr(ix.add(p, ix.scale(shift, -1))));
        const position = ix.runtimeValue(from, from.kind === 'ref' ? from.name : '', Math.max(1, ix.range(p)[1]));
        const place = ix.div(position, stride);
        const tests = [call('lt', ix.toExpr(place), literal('u32', places))];
        if (stride > 1) tests.push(call('eq', ix.toExpr(ix.mod(position, stride)), literal('u32', 0)));
        s.out.guarded(
          tests.reduce((a, b) => call('and', a, b)),
          () => {
            const full = points.map((q) => [...q.map((v, i) => (i === axis ? place : v)), k]);
            s.values(input, full).forEach((value, i) => addTo(s, at(accs, i), value));
          },
        );
      });
    });
    return accs;
  });
}

/** Each result searches for its updates: slower than atomics for large tables, but deterministic. */
export function scatterAt(s: Summing, node: NodeOf<'scatter_add'>, all: readonly ix.Point[]): Expr[] {
  const [rows, updates] = [at(node.inputs, 0), at(node.inputs, 1)];
  const shape = fixedShape(at(s.graph.nodes, rows).type.shape);
  return grouped(s, node.id, all, 0, (points) => {
    const accs = zeros(s, node, points);
    const row = call('i32', ix.toExpr(at(at(points, 0), 0)));
    s.out.loopOver(shape, { lanes: s.tiling.lanes, unroll: 'none' }, (k) => {
      s.out.guarded(call('eq', at(s.values(rows, [k]), 0), row), () => {
        const full = points.map((p) => [...k, ...p.slice(1)]);
        s.values(updates, full).forEach((value, i) => addTo(s, at(accs, i), value));
      });
    });
    return accs;
  });
}
