import { at } from '../../base/errors.ts';
import type { NodeOf } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { Summing } from './sums.ts';
import { isWide, perLane } from './views.ts';

/** The value of an index that is the same for all threads. */
const known = (v: ix.Index): number | undefined => (v.terms.length === 0 ? v.constant : undefined);

const keyOf = (point: ix.Point): string => point.map(ix.showIndex).join();

/**
 * Linear combinations, one axis after the other: what the points of a tile have in common is computed once. Where the row of the matrix is only
 * known at run time, all rows are computed and one is chosen.
 */
export function mixAt(s: Summing, node: NodeOf<'mix'>, points: readonly ix.Point[]): Expr[] {
  const { axes, matrix } = node.attrs;
  const columns = at(matrix, 0).length;
  if (points.some((p) => axes.some((axis) => ix.isWide(at(p, axis)))))
    return points.map((p) => perLane(p, (q) => at(mixAt(s, node, [q]), 0)));
  /** The values behind the first `done` axes, of which the others are still those of the operand. */
  const along = (done: number, wanted: readonly ix.Point[]): Expr[] => {
    if (done === 0) return s.values(at(node.inputs, 0), wanted);
    const axis = at(axes, done - 1);
    const from = new Map<string, ix.Point>();
    const operand = (p: ix.Point, column: number): ix.Point => p.map((v, i) => (i === axis ? ix.constant(column) : v));
    for (const p of wanted)
      for (let column = 0; column < columns; column++)
        if (uses(at(p, axis), column)) from.set(keyOf(operand(p, column)), operand(p, column));
    const values = along(done - 1, [...from.values()]);
    const value = new Map([...from.keys()].map((key, i) => [key, at(values, i)]));
    const made = new Map<string, Expr>();
    return wanted.map((p) => {
      const key = keyOf(p);
      const before = made.get(key);
      if (before) return before;
      const row = at(p, axis);
      const sum = (r: number): Expr => combined(at(matrix, r), (column) => value.get(keyOf(operand(p, column))) as Expr, isWide(p));
      const fixed = known(row);
      const result =
        fixed !== undefined
          ? sum(fixed)
          : matrix
              .map((_, r) => s.out.define('m', sum(r)))
              .reduce((other, value, r) => call('select', call('eq', ix.toExpr(row), literal('u32', r)), value, other));
      const name = s.out.define('m', result);
      made.set(key, name);
      return name;
    });
  };
  const uses = (row: ix.Index, column: number): boolean => {
    const fixed = known(row);
    return fixed === undefined ? matrix.some((r) => r[column] !== 0) : at(at(matrix, fixed), column) !== 0;
  };
  return along(axes.length, points);
}

/** A sum with constant factors, of which those that are 1 or -1 need no product. */
function combined(row: readonly number[], value: (column: number) => Expr, wide: boolean): Expr {
  const terms = row.flatMap((c, column) => (c === 0 ? [] : [{ c, column }])).sort((a, b) => Number(a.c < 0) - Number(b.c < 0));
  let sum: Expr | undefined;
  for (const { c, column } of terms) {
    const x = value(column);
    const size = Math.abs(c) === 1 ? x : call('mul', x, literal('f32', Math.abs(c)));
    if (sum === undefined) sum = c > 0 ? size : call('neg', size);
    else sum = call(c > 0 ? 'add' : 'sub', sum, size);
  }
  return sum ?? (wide ? call('splat', literal('f32', 0)) : literal('f32', 0));
}
