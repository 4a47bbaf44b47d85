import { at } from '../base/errors.ts';
import type { Shape } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { argmax, part } from './functions.ts';

/** Elimination in the last two axes, written out step by step. Each step is plain arithmetic, so all derivatives are exact. */
type B = GraphBuilder;

/** Transposes the last two axes. */
export function turned(b: B, x: NodeId): NodeId {
  const rank = b.shape(x).length;
  return b.permute(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
}

/** Ones on the diagonal, zeros elsewhere. */
export function eye(b: B, shape: Shape): NodeId {
  const place = (axis: number): NodeId => b.add('iota', [], { axis }, { dtype: 'i32', shape });
  return b.cast(b.op('eq', place(shape.length - 2), place(shape.length - 1)), 'f32');
}

/** One row or column, with its axis removed. */
function line(b: B, x: NodeId, axis: number, i: number): NodeId {
  return b.reshape(
    part(b, x, axis, i, 1),
    b.shape(x).filter((_, a) => a !== axis),
  );
}

interface Eliminated {
  /** The columns after the first n, eliminated: the solution. */
  readonly rest: NodeId;
  readonly pivots: readonly NodeId[];
  /** 1, or -1 where an odd number of rows was exchanged. */
  readonly sign: NodeId;
}

/**
 * Gauss-Jordan elimination of the first n columns of [..., n, m] with partial pivoting (Golub and Van Loan, Matrix Computations, 3.4). Rows
 * are chosen by selects, so that every matrix of a batch can have its own pivots. With `singular` it goes on after a pivot of 0, so that
 * the product of the pivots is 0.
 */
export function eliminate(b: B, x: NodeId, n: number, singular = false): Eliminated {
  const rank = b.shape(x).length;
  const [row, column] = [rank - 2, rank - 1];
  const pivots: NodeId[] = [];
  let rest = x;
  let sign: NodeId | undefined;
  for (let k = 0; k < n; k++) {
    const first = line(b, rest, column, 0);
    const places = b.add('iota', [], { axis: row }, { dtype: 'i32', shape: b.shape(first) });
    const free = b.op('select', b.op('lt', places, b.like(k, places)), b.like(-1, first), b.op('abs', first));
    const best = argmax(b, b.op('detach', free), row);
    const shape = b.shape(rest);
    const place = b.add('iota', [], { axis: row }, { dtype: 'i32', shape });
    const hit = b.op('eq', place, b.unreduce(best, shape, [row, column]));
    const chosen = b.sum(b.op('select', hit, rest, b.like(0, rest)), [row]);
    const exchanged = b.op('select', hit, b.unreduce(line(b, rest, row, k), shape, [row]), rest);
    const pivot = line(b, chosen, row, 0);
    pivots.push(pivot);
    const stays = b.op('eq', best, b.like(k, best));
    const turn = b.op('select', stays, b.like(1, pivot), b.like(-1, pivot));
    sign = sign === undefined ? turn : b.op('mul', sign, turn);
    const width = at(shape, column) as number;
    if (width === 1) break;
    // Divide the pivot's row by the pivot and subtract it from all other rows.
    const behind = (v: NodeId, axis: number): NodeId => part(b, v, axis, 1, width - 1);
    const tail = behind(chosen, row);
    const divisor = singular ? b.op('select', b.op('eq', pivot, b.like(0, pivot)), b.like(1, pivot), pivot) : pivot;
    const unit = b.op('div', tail, b.unreduce(divisor, b.shape(tail), [row]));
    const others = behind(exchanged, column);
    const smaller = b.shape(others);
    const factor = b.unreduce(line(b, exchanged, column, 0), smaller, [column]);
    const spread = b.unreduce(unit, smaller, [row]);
    const here = b.add('iota', [], { axis: row }, { dtype: 'i32', shape: smaller });
    rest = b.op('select', b.op('eq', here, b.like(k, here)), spread, b.op('sub', others, b.op('mul', factor, spread)));
  }
  return { rest, pivots, sign: sign ?? b.full(1, { dtype: 'f32', shape: [] }) };
}

/** Determinants of up to this many rows are computed without division. */
const WITHOUT_DIVISION = 4;

/**
 * Small determinants are polynomials. Larger ones are products of pivots, which round less. But where a pivot is 0, the product loses the
 * gradient of the other rows, so singular matrices take their gradient from the polynomial.
 */
export function determinant(b: B, x: NodeId, n: number): NodeId {
  if (n <= WITHOUT_DIVISION) return polynomial(b, x, n);
  const { pivots, sign } = eliminate(b, x, n, true);
  const product = pivots.reduce((p, q) => b.op('mul', p, q), sign);
  const singular = pivots.map((p) => b.op('eq', p, b.like(0, p))).reduce((p, q) => b.op('or', p, q));
  const shape = b.shape(x);
  // The powers of other matrices might overflow and spoil the gradient, so those become 0.
  const asked = b.op('select', b.unreduce(singular, shape, [shape.length - 2, shape.length - 1]), x, b.like(0, x));
  const slopes = polynomial(b, asked, n);
  return b.op('select', singular, b.op('sub', slopes, b.op('detach', slopes)), product);
}

/**
 * The determinant without division, correct for singular matrices too and exact to all derivatives: Bird, A simple division-free algorithm
 * for computing determinants, 2011.
 */
function polynomial(b: B, x: NodeId, n: number): NodeId {
  const shape = b.shape(x);
  const [row, column] = [shape.length - 2, shape.length - 1];
  const lead = 'abcdefgh'.slice(0, row);
  const place = (axis: number): NodeId => b.add('iota', [], { axis }, { dtype: 'i32', shape });
  const [i, j] = [place(row), place(column)];
  const zero = b.like(0, x);
  let power = x;
  for (let k = 1; k < n; k++) {
    // The part above the diagonal; the diagonal at i becomes minus the sum of the diagonal after i.
    const above = b.op('select', b.op('lt', i, j), power, zero);
    const diagonal = b.sum(b.op('select', b.op('eq', i, j), power, zero), [row]);
    const behind = b.op('select', b.op('lt', i, j), b.unreduce(diagonal, shape, [row]), zero);
    const minus = b.op('neg', b.unreduce(b.sum(behind, [column]), shape, [column]));
    power = b.contract(`${lead}xz,${lead}zy->${lead}xy`, b.op('select', b.op('eq', i, j), minus, above), x);
  }
  const corner = line(b, line(b, power, column, 0), row, 0);
  return n % 2 === 1 ? corner : b.op('neg', corner);
}

/** Column by column: the square root of the corner, the column below it, and the remaining matrix (Golub and Van Loan, 4.2). */
export function cholesky(b: B, x: NodeId): NodeId {
  const shape = b.shape(x);
  const [row, column] = [shape.length - 2, shape.length - 1];
  const n = at(shape, row) as number;
  const columns: NodeId[] = [];
  const sum = b.op('add', x, turned(b, x));
  let rest = b.op('mul', sum, b.like(0.5, sum));
  for (let k = 0; k < n; k++) {
    const first = part(b, rest, column, 0, 1);
    const corner = b.op('sqrt', part(b, first, row, 0, 1));
    const size = n - k - 1;
    const low = shape.map((_, i) => (i === row ? k : 0));
    const high = shape.map(() => 0);
    if (size === 0) {
      columns.push(k === 0 ? corner : b.add('pad', [corner], { low, high, value: 0 }));
      break;
    }
    const below = part(b, first, row, 1, size);
    const thin = b.shape(below);
    const scaled = b.op(
      'div',
      below,
      b.broadcast(
        b.reshape(corner, thin.slice(0, -2)),
        thin,
        thin.slice(0, -2).map((_, i) => i),
      ),
    );
    const whole = b.add('concat', [corner, scaled], { axis: row });
    columns.push(k === 0 ? whole : b.add('pad', [whole], { low, high, value: 0 }));
    const inner = part(b, part(b, rest, row, 1, size), column, 1, size);
    const flat = b.reshape(scaled, thin.slice(0, -1));
    const square = b.op('mul', b.unreduce(flat, b.shape(inner), [column]), b.unreduce(flat, b.shape(inner), [row]));
    rest = b.op('sub', inner, square);
  }
  return columns.length === 1 ? at(columns, 0) : b.add('concat', columns, { axis: column });
}

/** Solves a x = y row by row, for a upper (`upper`) or lower triangular. */
export function substitute(b: B, a: NodeId, y: NodeId, upper: boolean, ones: boolean): NodeId {
  const rank = b.shape(a).length;
  const [row, column] = [rank - 2, rank - 1];
  const n = at(b.shape(a), row) as number;
  const rows: NodeId[] = [];
  let rest = y;
  for (let k = 0; k < n; k++) {
    // The remaining rows are 0 to n - k - 1 from the top, or k to n - 1.
    const left = n - k;
    const own = upper ? left - 1 : 0;
    const i = upper ? left - 1 : k;
    const mine = part(b, rest, row, own, 1);
    const corner = line(b, line(b, part(b, part(b, a, row, i, 1), column, i, 1), column, 0), row, 0);
    const found = ones ? mine : b.op('div', mine, b.unreduce(corner, b.shape(mine), [row, column]));
    rows.push(found);
    if (left === 1) break;
    const others = part(b, rest, row, upper ? 0 : 1, left - 1);
    const factors = line(b, part(b, part(b, a, row, upper ? 0 : k + 1, left - 1), column, i, 1), column, 0);
    const shape = b.shape(others);
    const known = b.unreduce(line(b, found, row, 0), shape, [row]);
    rest = b.op('sub', others, b.op('mul', b.unreduce(factors, shape, [column]), known));
  }
  if (rows.length === 1) return at(rows, 0);
  return b.add('concat', upper ? [...rows].reverse() : rows, { axis: row });
}
