import type { Expr } from '../ir/kernel/types.ts';

/**
 * Indices as sums: a constant, and whole multiples of variables and of parts that are opaque but bounded. Written apart from the index
 * arithmetic that made the kernels (`ir/kernel/index-math.ts`), since it is there to check what that made.
 */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<string, number>;
}

/** The bounds of every name, both included. */
export type Bounds = Map<string, readonly [number, number]>;

const of = (constant: number, terms: Iterable<readonly [string, number]> = []): Affine => ({ constant, terms: new Map(terms) });

export function plus(a: Affine, b: Affine, times = 1): Affine {
  const terms = new Map(a.terms);
  for (const [name, c] of b.terms) {
    const sum = (terms.get(name) ?? 0) + times * c;
    if (sum === 0) terms.delete(name);
    else terms.set(name, sum);
  }
  return { constant: a.constant + times * b.constant, terms };
}

export const times = (a: Affine, by: number): Affine => plus(of(0), a, by);

/** The smallest and the largest value. */
function rangeOf(a: Affine, bounds: Bounds): readonly [number, number] {
  let [low, high] = [a.constant, a.constant];
  for (const [name, c] of a.terms) {
    const [from, to] = bounds.get(name) ?? [-Infinity, Infinity];
    low += c * (c > 0 ? from : to);
    high += c * (c > 0 ? to : from);
  }
  return [low, high];
}

/** The largest value of a sum where sums are negative: it may be a multiple of one of them and a rest. */
function most(sum: Affine, all: readonly Affine[], bounds: Bounds, depth = 4): number {
  let best = rangeOf(sum, bounds)[1];
  if (depth === 0) return best;
  const negative = all.filter((n) => [...n.terms].some(([name, c]) => c * (sum.terms.get(name) ?? 0) > 0));
  for (const n of negative)
    for (const [name, c] of n.terms) {
      const by = (sum.terms.get(name) ?? 0) / c;
      if (by <= 0 || !Number.isInteger(by)) continue;
      const others = all.filter((o) => o !== n);
      best = Math.min(best, most(plus(sum, n, -by), others, bounds, depth - 1) - by);
    }
  return best;
}

/** The smallest and the largest value of a sum where other sums are negative. */
export const rangeWhere = (a: Affine, negative: readonly Affine[], bounds: Bounds): readonly [number, number] =>
  negative.length === 0 ? rangeOf(a, bounds) : [-most(times(a, -1), negative, bounds), most(a, negative, bounds)];

export const textOf = (a: Affine): string =>
  [...[...a.terms].sort(([x], [y]) => (x < y ? -1 : 1)).map(([name, c]) => (c === 1 ? name : `${c}*${name}`)), `${a.constant}`].join(' + ');

/** What names stand for: `let`s of whole numbers, and tables of them. */
export interface Names {
  readonly lets: ReadonlyMap<string, Expr>;
  readonly tables: ReadonlyMap<string, readonly Expr[]>;
}

/**
 * An expression of whole numbers as a sum; what is none becomes a part of its own, with the bounds that its operation gives it. `parts` gets
 * the expressions of those.
 */
export function affine(e: Expr, names: Names, bounds: Bounds, negative: readonly Affine[] = [], parts?: Map<string, Expr>): Affine {
  const range = (a: Affine): readonly [number, number] => rangeWhere(a, negative, bounds);
  const part = (text: string, low: number, high: number): Affine => {
    bounds.set(text, [low, high]);
    parts?.set(text, e);
    return of(0, [[text, 1]]);
  };
  if (e.kind === 'literal') return of(e.value);
  if (e.kind === 'ref') {
    const known = names.lets.get(e.name);
    return known ? affine(known, names, bounds, negative, parts) : of(0, [[e.name, 1]]);
  }
  if (e.kind === 'uniform') return of(0, [[e.name, 1]]);
  if (e.kind === 'item') {
    const values = (names.tables.get(e.table) ?? []).map((v) => range(affine(v, names, bounds, negative)));
    return part(keyOf(e), Math.min(...values.map(([low]) => low)), Math.max(...values.map(([, high]) => high)));
  }
  if (e.kind !== 'call') return part(keyOf(e), -Infinity, Infinity);
  const args = e.args.map((a) => affine(a, names, bounds, negative, parts));
  const [x = of(0), y = of(0)] = args;
  const [[low, high], [from, to]] = [range(x), range(y)];
  const text = `${e.fn}(${args.map(textOf).join(', ')})`;
  switch (e.fn) {
    case 'add':
      return plus(x, y);
    case 'sub':
      return plus(x, y, -1);
    case 'mul':
      if (y.terms.size === 0) return times(x, y.constant);
      if (x.terms.size === 0) return times(y, x.constant);
      return part(text, Math.min(low * from, low * to, high * from, high * to), Math.max(low * from, low * to, high * from, high * to));
    case 'u32':
    case 'i32':
      return x;
    case 'div':
      return y.terms.size === 0 && y.constant > 0 && low >= 0
        ? part(text, Math.floor(low / y.constant), Math.floor(high / y.constant))
        : part(text, -Infinity, Infinity);
    case 'mod':
      if (y.terms.size > 0 || y.constant <= 0 || low < 0) return part(text, -Infinity, Infinity);
      return high < y.constant ? x : part(text, 0, y.constant - 1);
    case 'min':
      return part(text, Math.min(low, from), Math.min(high, to));
    case 'max':
      return part(text, Math.max(low, from), Math.max(high, to));
    case 'select':
      return part(text, Math.min(...args.slice(1).map((a) => range(a)[0])), Math.max(...args.slice(1).map((a) => range(a)[1])));
    case 'shuffle':
      // A permutation of the numbers below its second operand.
      return part(text, 0, to - 1);
    default:
      return part(keyOf(e), -Infinity, Infinity);
  }
}

/** Equal expressions have equal texts. */
export const keyOf = (e: Expr): string =>
  e.kind === 'literal'
    ? `${e.value}`
    : e.kind === 'load'
      ? `${e.buffer}[${keyOf(e.index)}]`
      : e.kind === 'item'
        ? `${e.table}[${keyOf(e.index)}]`
        : e.kind === 'call'
          ? `${e.fn}(${e.args.map(keyOf).join(', ')})`
          : e.name;

/**
 * Sums that are negative, once more in terms of the quotients and remainders among some parts: a condition may be on a whole number x, where
 * an index has x / n and x % n, and x is n (x / n) + x % n.
 */
export function inQuotients(negative: readonly Affine[], parts: ReadonlyMap<string, Expr>, names: Names, bounds: Bounds): Affine[] {
  const found: Affine[] = [];
  for (const [quotient, e] of parts) {
    const [x, by] = e.kind === 'call' && e.fn === 'div' ? e.args : [];
    if (!x || by?.kind !== 'literal') continue;
    const whole = affine(x, names, bounds, negative);
    const remainder = `mod(${textOf(whole)}, ${by.value})`;
    const [[name = '', c = 0] = []] = whole.terms;
    if (c === 0 || rangeOf(whole, bounds)[0] < 0) continue;
    if (!bounds.has(remainder)) bounds.set(remainder, [0, by.value - 1]);
    const nothing = plus(
      whole,
      of(0, [
        [quotient, by.value],
        [remainder, 1],
      ]),
      -1,
    );
    for (const n of negative) {
      const times = (n.terms.get(name) ?? 0) / c;
      if (times === 0 || ![...whole.terms].every(([t, k]) => n.terms.get(t) === k * times)) continue;
      const parted = plus(n, nothing, -times);
      found.push(parted);
      // Without the remainder, which is no less than 0, what is left may be a multiple of the divisor, of a whole number.
      const least = plus(parted, of(0, [[remainder, 1]]), -times);
      const unit = times * by.value;
      if (times > 0 && [...least.terms.values()].every((k) => k % unit === 0))
        found.push(
          of(
            -Math.ceil(-least.constant / unit),
            [...least.terms].map(([t, k]) => [t, k / unit] as const),
          ),
        );
    }
  }
  return found;
}
