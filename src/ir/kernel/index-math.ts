import { CompilerBug, at } from '../../base/errors.ts';
import { call, literal, ref } from './build.ts';
import { PLACE, type Expr } from './types.ts';

/**
 * Index arithmetic in the form c + sum(coefficient * atom), where every atom has a known maximum. That is enough to cancel the divisions
 * that reshapes introduce, and to prove that an index is in bounds.
 */
export type Atom =
  /** `start` is where the four indices of {@link overrunning} begin. */
  | { readonly kind: 'var'; readonly name: string; readonly max: number; readonly start?: Index }
  | { readonly kind: 'div' | 'mod'; readonly of: Index; readonly by: number; readonly max: number }
  /** A value known only at run time, clamped to [0, max]. */
  | { readonly kind: 'value'; readonly expr: Expr; readonly key: string; readonly max: number };

export interface Term {
  readonly coefficient: number;
  readonly atom: Atom;
  readonly key: string;
}

export interface Index {
  readonly constant: number;
  /** Sorted by key. */
  readonly terms: readonly Term[];
}

/** One index per axis. */
export type Point = readonly Index[];

export const ZERO: Index = { constant: 0, terms: [] };

function keyOf(atom: Atom): string {
  if (atom.kind === 'var') return atom.start ? `${atom.name}[${showIndex(atom.start)}]` : atom.name;
  if (atom.kind === 'value') return atom.key;
  return `(${showIndex(atom.of)}${atom.kind === 'div' ? '/' : '%'}${atom.by})`;
}

export function showIndex(x: Index): string {
  let text = '';
  for (const t of x.terms) text += `${t.coefficient}*${t.key}+`;
  return text + String(x.constant);
}

const withCoefficient = ({ atom, key }: Term, coefficient: number): Term => ({ coefficient, atom, key });

/** The sum of two sorted lists of terms, sorted. */
function merged(a: readonly Term[], b: readonly Term[]): readonly Term[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out: Term[] = [];
  let [i, j] = [0, 0];
  for (let s = a[i], t = b[j]; s && t; s = a[i], t = b[j]) {
    if (s.key === t.key) {
      const coefficient = s.coefficient + t.coefficient;
      if (coefficient !== 0) out.push(withCoefficient(s, coefficient));
      i++;
      j++;
    } else if (s.key < t.key) {
      out.push(s);
      i++;
    } else {
      out.push(t);
      j++;
    }
  }
  while (i < a.length) out.push(a[i++] as Term);
  while (j < b.length) out.push(b[j++] as Term);
  return out;
}

/** c * d * (x / d) + c * (x % d) is c * x. */
function rejoin(x: Index): Index {
  for (const t of x.terms) {
    if (t.atom.kind !== 'mod') continue;
    const { of, by } = t.atom;
    const match = x.terms.find(
      (u) =>
        u.atom.kind === 'div' &&
        u.atom.by === by &&
        u.coefficient === t.coefficient * by &&
        (u.atom.of === of || showIndex(u.atom.of) === showIndex(of)),
    );
    if (match) {
      const rest = { constant: x.constant, terms: x.terms.filter((u) => u !== t && u !== match) };
      return add(rest, scale(of, t.coefficient));
    }
  }
  return x;
}

function atomIndex(atom: Atom): Index {
  return { constant: 0, terms: [{ coefficient: 1, atom, key: keyOf(atom) }] };
}

export function variable(name: string, extent: number): Index {
  return extent === 1 ? ZERO : atomIndex({ kind: 'var', name, max: extent - 1 });
}

const LANE = '~';
/** The lane of a vector of four: an index that contains it stands for four indices at once. */
export const LANES: Index = { constant: 0, terms: [{ coefficient: 1, atom: { kind: 'var', name: LANE, max: 3 }, key: LANE }] };

/**
 * Four indices from `start` on, along an axis of `extent` elements; the last vector may run past its end. Nothing uses the elements there,
 * so the maximum stays that of the axis: divisions cancel as for a single index, and the four do not wrap into another row.
 */
export function overrunning(start: Index, extent: number): Index {
  return atomIndex({ kind: 'var', name: LANE, max: extent - 1, start });
}

/** Whether an index stands for four indices. */
export function isWide(x: Index): boolean {
  return x.terms.some((t) => (t.atom.kind === 'var' ? t.atom.name === LANE : t.atom.kind !== 'value' && isWide(t.atom.of)));
}

/** One of the four indices of a wide index; on an axis shorter than four, the last element repeats. */
export function atLane(x: Index, lane: number): Index {
  let sum = constant(x.constant);
  for (const t of x.terms) {
    const { atom } = t;
    let part: Index = { constant: 0, terms: [withCoefficient(t, 1)] };
    if (atom.kind === 'var' && atom.name === LANE) part = add(atom.start ?? ZERO, constant(Math.min(lane, atom.max)));
    else if (atom.kind === 'div') part = div(atLane(atom.of, lane), atom.by);
    else if (atom.kind === 'mod') part = mod(atLane(atom.of, lane), atom.by);
    sum = add(sum, scale(part, t.coefficient));
  }
  return sum;
}

/** Where a vector starts: the wide index without its lane, if its four elements are contiguous and aligned to four. */
export function vectorStart(x: Index): Index | undefined {
  const lane = x.terms.find(({ atom }) => atom.kind === 'var' && atom.name === LANE);
  const others = { constant: x.constant, terms: x.terms.filter((t) => t !== lane) };
  const rest = lane?.atom.kind === 'var' && lane.atom.start ? add(others, lane.atom.start) : others;
  return lane?.coefficient === 1 && !isWide(rest) && dividesAll(rest, 4) && rest.constant % 4 === 0 ? rest : undefined;
}

/** Whether `by` divides every coefficient; the constant does not matter. */
export function dividesAll(x: Index, by: number): boolean {
  return x.terms.every((t) => t.coefficient % by === 0);
}

export function runtimeValue(expr: Expr, key: string, max: number): Index {
  return atomIndex({ kind: 'value', expr, key, max });
}

/** The current place of the loop around a kernel. */
export function place(length: number): Index {
  return length === 1 ? ZERO : runtimeValue({ kind: 'uniform', type: 'u32', name: PLACE }, PLACE, length - 1);
}

export function constant(n: number): Index {
  return { constant: n, terms: [] };
}

export function add(a: Index, b: Index): Index {
  return rejoin({ constant: a.constant + b.constant, terms: merged(a.terms, b.terms) });
}

export function scale(a: Index, by: number): Index {
  if (by === 0) return ZERO;
  if (by === 1) return a;
  return { constant: a.constant * by, terms: a.terms.map((t) => withCoefficient(t, t.coefficient * by)) };
}

/** The smallest and largest value. */
export function range(x: Index): readonly [number, number] {
  let [low, high] = [x.constant, x.constant];
  for (const { coefficient, atom } of x.terms) {
    if (coefficient > 0) high += coefficient * atom.max;
    else low += coefficient * atom.max;
  }
  return [low, high];
}

/** Splits into the terms that `by` divides and the rest. */
function splitBy(x: Index, by: number): { readonly whole: Index; readonly rest: Index } {
  const divides = (t: Term): boolean => t.coefficient % by === 0;
  const c = Math.floor(x.constant / by);
  const whole = { constant: c, terms: x.terms.filter(divides).map((t) => withCoefficient(t, t.coefficient / by)) };
  const rest = { constant: x.constant - c * by, terms: x.terms.filter((t) => !divides(t)) };
  return { whole, rest };
}

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/**
 * A nonnegative index as `unit * units + below` with `below` less than `unit`, which divides `by`: then `below` has no part in a quotient
 * by `by`, and is itself the last part of the remainder. The unit is as large as possible.
 */
function inUnits(x: Index, by: number): { readonly unit: number; readonly units: Index; readonly below: Index } {
  const terms = [...x.terms].sort((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient));
  let unit = by;
  for (let kept = 0; kept <= terms.length; kept++) {
    if (kept > 0) unit = gcd(unit, at(terms, kept - 1).coefficient);
    const isUnits = (t: Term): boolean => t.coefficient % unit === 0;
    const c = Math.floor(x.constant / unit);
    const below = { constant: x.constant - c * unit, terms: x.terms.filter((t) => !isUnits(t)) };
    const [low, high] = range(below);
    if (low < 0 || high >= unit) continue;
    return { unit, units: { constant: c, terms: x.terms.filter(isUnits).map((t) => withCoefficient(t, t.coefficient / unit)) }, below };
  }
  return { unit: 1, units: x, below: ZERO };
}

/** The quotient of a nonnegative index. */
export function div(x: Index, by: number): Index {
  if (by === 1) return x;
  const { whole, rest } = splitBy(x, by);
  const [low, high] = range(rest);
  if (low < 0) {
    // A rest may only be negative if the whole part makes up for it, so divide the unsplit index.
    return atomIndex({ kind: 'div', of: x, by, max: Math.floor(range(x)[1] / by) });
  }
  if (high < by) return whole;
  const { unit, units } = inUnits(rest, by);
  const divisor = by / unit;
  return add(whole, atomIndex({ kind: 'div', of: units, by: divisor, max: Math.floor(range(units)[1] / divisor) }));
}

/** The remainder of a nonnegative index. */
export function mod(x: Index, by: number): Index {
  if (by === 1) return ZERO;
  const { rest } = splitBy(x, by);
  const [low, high] = range(rest);
  if (low >= 0 && high < by) return rest;
  if (low < 0) return atomIndex({ kind: 'mod', of: x, by, max: Math.min(by - 1, range(x)[1]) });
  const { unit, units, below } = inUnits(rest, by);
  const divisor = by / unit;
  return add(scale(atomIndex({ kind: 'mod', of: units, by: divisor, max: Math.min(divisor - 1, range(units)[1]) }), unit), below);
}

/** Row-major position of an index vector. */
export function linear(index: readonly Index[], shape: readonly number[]): Index {
  let sum = ZERO;
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    sum = add(sum, scale(index[i] ?? ZERO, stride));
    stride *= shape[i] ?? 1;
  }
  return sum;
}

/** The index vector of a row-major position. */
export function delinear(position: Index, shape: readonly number[]): Index[] {
  const out: Index[] = [];
  let rest = position;
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = shape[i] ?? 1;
    out.unshift(i === 0 ? rest : mod(rest, extent));
    rest = div(rest, extent);
  }
  return out;
}

/** The variables of an index; undefined stands for a value known only at run time. */
export function variablesOf(x: Index): readonly (string | undefined)[] {
  return x.terms.flatMap(({ atom }) => {
    if (atom.kind === 'var') return [atom.name];
    // What the host sets is the same for all threads.
    if (atom.kind === 'value') return atom.expr.kind === 'uniform' ? [] : [undefined];
    return variablesOf(atom.of);
  });
}

/** As an unsigned expression. */
export function toExpr(x: Index): Expr {
  const u = (n: number): Expr => literal('u32', n);
  const atomExpr = (atom: Atom): Expr => {
    if (atom.kind === 'var') return ref('u32', atom.name);
    if (atom.kind === 'value') return atom.expr;
    return call(atom.kind === 'div' ? 'div' : 'mod', toExpr(atom.of), u(atom.by));
  };
  let sum: Expr | undefined;
  const positive = x.terms.filter((t) => t.coefficient > 0);
  const negative = x.terms.filter((t) => t.coefficient < 0);
  const product = (t: Term): Expr =>
    Math.abs(t.coefficient) === 1 ? atomExpr(t.atom) : call('mul', atomExpr(t.atom), u(Math.abs(t.coefficient)));
  for (const t of positive) sum = sum ? call('add', sum, product(t)) : product(t);
  if (x.constant > 0) sum = sum ? call('add', sum, u(x.constant)) : u(x.constant);
  for (const t of negative) sum = call('sub', sum ?? u(0), product(t));
  if (x.constant < 0) {
    if (!sum) throw new CompilerBug(`index ${showIndex(x)} is negative`);
    sum = call('sub', sum, u(-x.constant));
  }
  return sum ?? u(0);
}
