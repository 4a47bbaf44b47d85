import { at } from '../../base/errors.ts';
import type { Matrix } from '../../base/matrix.ts';
import type { NodeOf } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { Summing } from './sums.ts';
import { isWide, perLane } from './views.ts';

/** Columns of a sum: one, or the sum or the difference of two. */
interface Term {
  readonly factor: number;
  readonly column: number;
  readonly with?: { readonly fn: 'add' | 'sub'; readonly column: number };
}

/** A row of a matrix as a sum: what it has in common with another row, and what that one has with the other sign. */
interface Row {
  readonly common: readonly Term[];
  readonly turned: readonly Term[];
  /** The sign of the second part. */
  readonly fn: 'add' | 'sub';
  /** The first of the two rows. */
  readonly first: number;
}

const RECIPES = new WeakMap<Matrix, readonly Row[]>();

/**
 * How the rows of a matrix are summed. Matrices of points p and -p have columns and rows that differ in signs alone; what these share is computed
 * once. Only the matrix decides, so a number has the same bits however the points of a kernel are tiled.
 */
function recipeOf(matrix: Matrix): readonly Row[] {
  const known = RECIPES.get(matrix);
  if (known) return known;
  const column = (j: number): number[] => matrix.map((row) => at(row, j));
  const alike = (a: readonly number[], b: readonly number[]): boolean => a.every((v, i) => Math.abs(v) === Math.abs(at(b, i)));
  /** The partner of each index that has one: the next free one after it. */
  const pairs = (all: readonly (readonly number[])[]): ReadonlyMap<number, number> => {
    const partner = new Map<number, number>();
    all.forEach((a, i) => {
      if (partner.has(i)) return;
      const j = all.findIndex((b, k) => k > i && !partner.has(k) && alike(a, b));
      if (j > 0) partner.set(i, j).set(j, i);
    });
    return partner;
  };
  const columns = pairs(at(matrix, 0).map((_, j) => column(j)));
  const terms = (row: readonly number[]): Term[] =>
    row.flatMap((factor, j) => {
      const other = columns.get(j);
      if (factor === 0 || (other !== undefined && other < j)) return [];
      return [
        { factor, column: j, ...(other === undefined ? {} : { with: { fn: row[other] === factor ? 'add' : 'sub', column: other } }) },
      ];
    });
  const rows = pairs(matrix);
  const recipe = matrix.map((row, r): Row => {
    const mine = terms(row);
    const other = rows.get(r);
    const theirs = other === undefined ? [] : terms(at(matrix, other));
    const same = (t: Term, i: number): boolean => theirs[i]?.column === t.column && theirs[i].with?.fn === t.with?.fn;
    if (other === undefined || theirs.length !== mine.length || !mine.every(same)) return { common: mine, turned: [], fn: 'add', first: r };
    const first = r < other ? mine : theirs;
    const agrees = (_: Term, i: number): boolean => mine[i]?.factor === theirs[i]?.factor;
    return {
      common: first.filter(agrees),
      turned: first.filter((t, i) => !agrees(t, i)),
      fn: r < other ? 'add' : 'sub',
      first: Math.min(r, other),
    };
  });
  RECIPES.set(matrix, recipe);
  return recipe;
}

const keyOf = (point: ix.Point): string => point.map(ix.showIndex).join();

/** The value of an index that is the same for all threads. */
const fixed = (v: ix.Index): number | undefined => (v.terms.length === 0 ? v.constant : undefined);

/**
 * Linear combinations, one axis after the other. Where the row of the matrix is only known at run time, all rows are computed and one is chosen.
 */
export function mixAt(s: Summing, node: NodeOf<'mix'>, points: readonly ix.Point[]): Expr[] {
  const { axes, matrix } = node.attrs;
  if (points.some((p) => axes.some((axis) => ix.isWide(at(p, axis)))))
    return points.map((p) => perLane(p, (q) => at(mixAt(s, node, [q]), 0)));
  /** The values behind the first `done` axes, of which the others are still those of the operand. */
  const along = (done: number, wanted: readonly ix.Point[]): Expr[] => {
    if (done === 0) return s.values(at(node.inputs, 0), wanted);
    const axis = at(axes, done - 1);
    const operand = (p: ix.Point, column: number): ix.Point => p.map((v, i) => (i === axis ? ix.constant(column) : v));
    const from = new Map<string, ix.Point>();
    for (const p of wanted) {
      const row = fixed(at(p, axis));
      at(matrix, 0).forEach((_, column) => {
        const read = row === undefined ? matrix.some((r) => r[column] !== 0) : at(at(matrix, row), column) !== 0;
        if (read) from.set(keyOf(operand(p, column)), operand(p, column));
      });
    }
    const values = along(done - 1, [...from.values()]);
    const value = new Map([...from.keys()].map((key, i) => [key, at(values, i)]));
    const lines = new Map<string, (row: number) => Expr>();
    return wanted.map((p) => {
      const key = keyOf(operand(p, 0));
      const rowOf = lines.get(key) ?? lineOf(s, matrix, (column) => value.get(keyOf(operand(p, column))) as Expr, isWide(p));
      lines.set(key, rowOf);
      const row = fixed(at(p, axis));
      if (row !== undefined) return rowOf(row);
      const index = ix.toExpr(at(p, axis));
      return matrix.map((_, r) => rowOf(r)).reduce((other, v, r) => call('select', call('eq', index, literal('u32', r)), v, other));
    });
  };
  return along(axes.length, points);
}

/** The rows of a matrix times a column of values, each computed once. */
function lineOf(s: Summing, matrix: Matrix, value: (column: number) => Expr, wide: boolean): (row: number) => Expr {
  const known = new Map<string, Expr>();
  const once = (key: string, make: () => Expr): Expr => {
    const before = known.get(key);
    if (before) return before;
    const name = s.out.define('m', make());
    known.set(key, name);
    return name;
  };
  const operand = ({ column, with: other }: Term): Expr =>
    other ? once(`${column}${other.fn}`, () => call(other.fn, value(column), value(other.column))) : value(column);
  const sum = (terms: readonly Term[]): Expr => {
    let total: Expr | undefined;
    // A sum starts with a term that is not negative, if there is one.
    for (const t of [...terms].sort((a, b) => Number(a.factor < 0) - Number(b.factor < 0))) {
      const size = Math.abs(t.factor) === 1 ? operand(t) : call('mul', operand(t), literal('f32', Math.abs(t.factor)));
      if (total === undefined) total = t.factor > 0 ? size : call('neg', size);
      else total = call(t.factor > 0 ? 'add' : 'sub', total, size);
    }
    return total ?? (wide ? call('splat', literal('f32', 0)) : literal('f32', 0));
  };
  const recipe = recipeOf(matrix);
  return (row) =>
    once(`row ${row}`, () => {
      const { common, turned, fn, first } = at(recipe, row);
      if (turned.length === 0) return sum(common);
      const second = once(`turned ${first}`, () => sum(turned));
      if (common.length === 0) return fn === 'add' ? second : call('neg', second);
      return call(
        fn,
        once(`common ${first}`, () => sum(common)),
        second,
      );
    });
}
