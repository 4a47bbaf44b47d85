import type { Expr } from '../ir/kernel/types.ts';
import { affine, times, type Affine, type Bounds, type Names } from './affine.ts';
import { valueOf, type Conditional } from './owners.ts';

/** An access with what holds where it happens: sums that are negative there. */
export interface Limited extends Conditional {
  readonly limits: readonly Affine[];
}

interface Among {
  /** What tells threads apart; the lane may be one of them. */
  readonly threads: readonly string[];
  readonly lane: string;
  readonly lanes: number;
  readonly names: Names;
  readonly extents: ReadonlyMap<string, number>;
  readonly bounds: Bounds;
  /** Numbers that all threads share. */
  readonly uniforms: ReadonlyMap<string, number>;
}

interface Digit {
  readonly value: number;
  readonly most: number;
  /** The variable that it is a multiple of; none for a difference between accesses. */
  readonly name?: string;
}

interface Sum {
  readonly terms: ReadonlyMap<string, number>;
  /** The first of `width` elements, where all variables are 0. */
  readonly from: number;
  readonly width: number;
  readonly limits: readonly Affine[];
}

/**
 * Whether the elements tell which thread touches them: all accesses are the same sum but for a constant, in which every thread's multiple
 * is larger than all smaller ones and the constants together.
 */
export function oneToOne(accesses: readonly Limited[], among: Among): boolean {
  const { bounds, extents, names, uniforms } = among;
  // The same element may be touched in several loops of a thread, one after the other: they are one to the thread.
  const rounds: number[] = [];
  for (const a of accesses) a.loops.forEach((l, i) => (rounds[i] = Math.max(rounds[i] ?? 1, extents.get(l) ?? 1)));
  const parts = new Map<string, Expr>();
  const sums = accesses.map((a): Sum => {
    const renamed = ({ terms }: Affine): Map<string, number> =>
      new Map([...terms].map(([name, c]) => [a.loops.includes(name) ? `${a.loops.indexOf(name)}` : name, c]));
    const sum = times(affine(a.index, names, bounds, [], parts), a.width);
    const limits = a.limits.map((l) => ({ constant: l.constant, terms: renamed(l) }));
    return { terms: renamed(sum), from: a.buffer.offset + sum.constant, width: a.width, limits };
  });
  const [first] = sums;
  if (!first || sums.some((s) => !sameTerms(s.terms, first.terms))) return false;
  const known = (t: string): boolean => first.terms.has(t) || (t === among.lane && lanesDiffer(accesses, first.terms, parts, among));
  if (!among.threads.every(known)) return false;
  const constants = digitsOf(sums.flatMap((s) => Array.from({ length: s.width }, (_, k) => s.from + k)));
  if (!constants) return false;
  const all = new Map([...bounds, ...rounds.map((n, i) => [`${i}`, [0, n - 1]] as const)]);
  const digits: Digit[] = [...constants];
  for (const [name, c] of first.terms) {
    // A number that all threads share, as the slot of a step, brings no two together.
    if (uniforms.has(name)) continue;
    const [low, high] = all.get(name) ?? [0, Infinity];
    digits.push({ value: Math.abs(c), most: high - low, name });
  }
  digits.sort((a, b) => a.value - b.value);
  let reach = 0;
  for (const [i, { value, most }] of digits.entries()) {
    if (value <= reach) reach = limited(sums, constants, digits.slice(0, i), value, all) ?? Infinity;
    if (value <= reach || !Number.isFinite(most)) return false;
    reach += value * most;
  }
  return true;
}

/**
 * How far the smaller digits reach where conditions hold them below a larger one: the last vector or the last lanes of a row may start before
 * its end only. Each condition is on some of the digits; the others go as far as they can.
 */
function limited(
  sums: readonly Sum[],
  constants: readonly Digit[],
  small: readonly Digit[],
  value: number,
  bounds: Bounds,
): number | undefined {
  const least = Math.min(...sums.map((s) => s.from));
  const large = constants.filter((d) => d.value >= value).sort((a, b) => b.value - a.value);
  let most = 0;
  for (const { terms, from, width, limits } of sums) {
    const left = new Map(small.flatMap((d) => (d.name === undefined ? [] : [[d.name, d] as const])));
    // A condition says how large a sum is, and that is how far it spreads only if its least is 0.
    for (const name of left.keys()) if ((terms.get(name) ?? 0) < 0 || bounds.get(name)?.[0] !== 0) return undefined;
    let reach = from + width - 1 - least;
    for (const d of large) reach -= Math.min(d.most, Math.floor(reach / d.value)) * d.value;
    let held = false;
    for (const l of limits) {
      const [[name = '', c = 0] = []] = l.terms;
      const by = (terms.get(name) ?? 0) / c;
      if (!(by > 0) || ![...l.terms].every(([n, k]) => left.has(n) && terms.get(n) === k * by)) continue;
      reach -= by * (l.constant + 1);
      for (const n of l.terms.keys()) left.delete(n);
      held = true;
    }
    if (!held) return undefined;
    for (const d of left.values()) reach += d.value * d.most;
    most = Math.max(most, reach);
  }
  return most;
}

/** Whether the parts of a sum that depend on the lane differ for any two lanes that get there. */
function lanesDiffer(
  accesses: readonly Limited[],
  terms: ReadonlyMap<string, number>,
  parts: ReadonlyMap<string, Expr>,
  { lane, lanes, names, extents }: Among,
): boolean {
  const at = new Map([[lane, 0]]);
  const values = [0];
  const all = {
    threads: [],
    extent: (name: string) => (name === lane ? lanes : (extents.get(name) ?? 2)),
    names,
    uniforms: new Map<string, number>(),
  };
  const known = (e: Expr): (() => number)[] => {
    const value = valueOf(e, at, values, all);
    return value ? [value] : [];
  };
  const digits = [...terms.keys()].flatMap((name) => {
    const part = parts.get(name);
    return part ? known(part) : [];
  });
  const conditions = accesses.map((a) => a.conditions.flatMap(known));
  const seen = new Set<string>();
  for (let i = 0; i < lanes; i++) {
    values[0] = i;
    if (!conditions.some((list) => list.every((holds) => holds() !== 0))) continue;
    const key = digits.map((d) => d()).join();
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

/** Whole numbers from the least one on as sums of digits, each a value so many times: 0, 1, 8, 9 is 0 or 1 times 1, and 0 or 1 times 8. */
function digitsOf(numbers: readonly number[]): Digit[] | undefined {
  const least = Math.min(...numbers);
  let left = new Set([...new Set(numbers)].map((n) => n - least).sort((a, b) => a - b));
  const digits: Digit[] = [];
  while (left.size > 1) {
    const [, value = 1] = left;
    let n = 1;
    while (left.has(n * value)) n++;
    const bases = new Set<number>();
    const rest = new Set(left);
    for (const base of left) {
      if (!rest.has(base)) continue;
      for (let k = 0; k < n; k++) if (!rest.delete(base + k * value)) return undefined;
      bases.add(base);
    }
    digits.push({ value, most: n - 1 });
    left = bases;
  }
  return digits;
}

export const sameTerms = (a: Affine['terms'], b: Affine['terms']): boolean =>
  a.size === b.size && [...a].every(([name, c]) => b.get(name) === c);
