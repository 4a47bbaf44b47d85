import type { Buffer, Expr } from '../ir/kernel/types.ts';
import { keyOf, type Names } from './affine.ts';

/** Where a kernel touches a buffer. */
export interface Place {
  readonly buffer: Buffer;
  readonly index: Expr;
  /** Elements that are touched at once: 1, or 4 from 4 * index on. */
  readonly width: number;
  /** Loops around it, which one thread goes through by itself. */
  readonly loops: readonly string[];
}

export interface Conditional extends Place {
  readonly conditions: readonly Expr[];
}

export interface Threads {
  /** The variables whose values make a thread, with their extents. */
  readonly threads: readonly (readonly [string, number])[];
  readonly extent: (loop: string) => number;
  readonly names: Names;
  readonly uniforms: ReadonlyMap<string, number>;
}

/** Threads, with their loops, that are gone through one by one, and elements that are kept in mind. */
const MOST = 2 ** 24;
const MOST_ELEMENTS = 2 ** 23;

/**
 * Goes through every thread: who writes each element, and who reads it? Says which two threads meet, or why that cannot be told; undefined
 * if no two do.
 */
export function ownersProblem(writes: readonly Conditional[], reads: readonly Conditional[], all: Threads): string | undefined {
  const owner = new Map<number, number>();
  for (const [list, does] of [
    [writes, 'written'],
    [reads, 'read'],
  ] as const)
    for (const access of list) {
      const places = placesOf(access, all);
      if (!places) return `it cannot be told which thread has ${does} [${keyOf(access.index)}]`;
      for (const [thread, place] of places)
        for (let k = 0; k < access.width; k++) {
          const element = access.buffer.offset + place * access.width + k;
          const known = owner.get(element);
          if (known !== undefined && known !== thread)
            return `element ${element} is written by thread ${known} and ${does} by thread ${thread}`;
          if (does === 'written') owner.set(element, thread);
          if (owner.size > MOST_ELEMENTS) return `it cannot be told which thread has written which of more than ${MOST_ELEMENTS} elements`;
        }
    }
  return undefined;
}

/** Whether every thread that gets to an access has an index from 0 to below a limit; false also if that cannot be told. */
export function allInside(access: Conditional, limit: number, all: Threads): boolean {
  const places = placesOf(access, all);
  if (!places) return false;
  for (const [, place] of places) if (!(place >= 0 && place < limit)) return false;
  return true;
}

/** The threads that get to an access, each with the index that it has there. */
export function placesOf({ index, loops, conditions }: Conditional, all: Threads): Iterable<readonly [number, number]> | undefined {
  const variables = [...all.threads, ...loops.map((l) => [l, all.extent(l)] as const)];
  const total = variables.reduce((p, [, n]) => p * n, 1);
  const values: number[] = variables.map(() => 0);
  const at = new Map(variables.map(([name], i) => [name, i]));
  const number = valueOf(index, at, values, all);
  const holds = conditions.map((c) => valueOf(c, at, values, all));
  if (total > MOST || !number || holds.some((h) => !h)) return undefined;
  const perThread = loops.reduce((p, l) => p * all.extent(l), 1);
  return (function* () {
    for (let i = 0; i < total; i++) {
      let rest = i;
      for (let k = variables.length - 1; k >= 0; k--) {
        const extent = variables[k]?.[1] ?? 1;
        values[k] = rest % extent;
        rest = Math.floor(rest / extent);
      }
      if (holds.every((h) => h?.() !== 0)) yield [Math.floor(i / perThread), number()] as const;
    }
  })();
}

/** Whole numbers alone: what is read from memory is not known. */
const FUNCTIONS: Readonly<Record<string, (a: number, b: number, c: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
  mod: (a, b) => a % b,
  min: Math.min,
  max: Math.max,
  u32: (a) => a,
  i32: (a) => a,
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  eq: (a, b) => Number(a === b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  not: (a) => 1 - a,
  select: (a, b, c) => (a !== 0 ? b : c),
};

/** An expression as a function of the variables' current values; undefined if it depends on more. */
export function valueOf(e: Expr, at: ReadonlyMap<string, number>, values: readonly number[], all: Threads): (() => number) | undefined {
  if (e.kind === 'literal') return () => e.value;
  if (e.kind === 'uniform') return all.uniforms.has(e.name) ? () => 0 : undefined;
  if (e.kind === 'ref') {
    const place = at.get(e.name);
    if (place !== undefined) return () => values[place] ?? 0;
    const known = all.names.lets.get(e.name);
    // An axis of a single element is always at 0.
    return known ? valueOf(known, at, values, all) : all.extent(e.name) === 1 ? () => 0 : undefined;
  }
  if (e.kind === 'item') {
    const index = valueOf(e.index, at, values, all);
    const items = (all.names.tables.get(e.table) ?? []).map((v) => valueOf(v, at, values, all));
    return index && items.length > 0 && items.every((v) => v) ? () => items[index()]?.() ?? NaN : undefined;
  }
  const f = e.kind === 'call' ? FUNCTIONS[e.fn] : undefined;
  if (e.kind !== 'call' || !f || e.args.length > 3) return undefined;
  const args = e.args.map((a) => valueOf(a, at, values, all));
  const [a, b, c] = args;
  if (!a || args.some((v) => !v)) return undefined;
  return () => f(a(), b?.() ?? 0, c?.() ?? 0);
}
