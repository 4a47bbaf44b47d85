import type { Expr } from '../ir/kernel/types.ts';

/** An unsigned expression as a constant plus multiples of parts that are not sums, modulo 2^32. */
export interface Linear {
  readonly constant: number;
  readonly terms: readonly Term[];
}

export interface Term {
  readonly factor: number;
  readonly atom: Expr;
  readonly key: string;
}

/** A short text that identifies an expression. */
export function keyOf(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return String(e.value);
    case 'ref':
      return e.name;
    case 'uniform':
      return `uniforms.${e.name}`;
    case 'load':
      return `${e.buffer}[${keyOf(e.index)}]`;
    case 'item':
      return `${e.table}[[${keyOf(e.index)}]]`;
    case 'call':
      return `${e.fn}(${e.args.map(keyOf).join()})`;
  }
}

export function plus(a: Linear, b: Linear): Linear {
  const terms = new Map(a.terms.map((t) => [t.key, t]));
  for (const t of b.terms) {
    const known = terms.get(t.key);
    terms.set(t.key, known ? { ...t, factor: (known.factor + t.factor) | 0 } : t);
  }
  return { constant: (a.constant + b.constant) | 0, terms: [...terms.values()].filter((t) => t.factor !== 0) };
}

export function times(a: Linear, by: number): Linear {
  return {
    constant: Math.imul(a.constant, by),
    terms: a.terms.map((t) => ({ ...t, factor: Math.imul(t.factor, by) })).filter((t) => t.factor !== 0),
  };
}

export function linearOf(e: Expr): Linear {
  if (e.kind === 'literal') return { constant: e.value | 0, terms: [] };
  if (e.kind === 'call') {
    const [a, b] = e.args;
    if (a && b) {
      if (e.fn === 'add') return plus(linearOf(a), linearOf(b));
      if (e.fn === 'sub') return plus(linearOf(a), times(linearOf(b), -1));
      if (e.fn === 'mul' && b.kind === 'literal') return times(linearOf(a), b.value);
      if (e.fn === 'mul' && a.kind === 'literal') return times(linearOf(b), a.value);
    }
  }
  return { constant: 0, terms: [{ factor: 1, atom: e, key: keyOf(e) }] };
}

/** Whether one sum is always so much more than another. */
export function isBeyond(a: Linear, b: Linear, by: number): boolean {
  const difference = plus(a, times(b, -1));
  return difference.terms.length === 0 && difference.constant === by;
}
