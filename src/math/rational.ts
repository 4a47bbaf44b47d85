import { at } from '../base/errors.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { Node, NodeId } from '../ir/graph/types.ts';

/**
 * Quotients of polynomials in lowest terms. Whatever is no arithmetic is a variable, and of a root it is known what its square is, so that the
 * derivative of the arcsine, which is computed with care for the ends, is seen to be 1/sqrt(1 - x^2).
 */

/** A product of powers, one power for each variable; trailing zeros are left out. */
type Powers = readonly number[];
/** Coefficients by product, whose key is its powers. */
type Polynomial = ReadonlyMap<string, { readonly powers: Powers; readonly by: number }>;
/** What is below is a product of polynomials that are not constant. */
interface Quotient {
  readonly above: Polynomial;
  readonly below: readonly Polynomial[];
}

/** Longer polynomials are not followed. */
const MOST_TERMS = 40;
const MOST_POWER = 8;
/** What cancels leaves this much of rounding. */
const ROUNDING = 1e-12;

class TooLong extends Error {}

const trimmed = (powers: Powers): Powers => powers.slice(0, powers.findLastIndex((p) => p !== 0) + 1);
const times = (p: Powers, q: Powers): Powers => (p.length >= q.length ? p.map((n, i) => n + (q[i] ?? 0)) : times(q, p));
const isConstant = (p: Polynomial): boolean => [...p.values()].every(({ powers }) => powers.length === 0);
const constant = (value: number): Polynomial => new Map(value === 0 ? [] : [['', { powers: [], by: value }]]);
const variable = (i: number): Polynomial => {
  const powers = [...new Array<number>(i).fill(0), 1];
  return new Map([[powers.join(), { powers, by: 1 }]]);
};

const ONE: Quotient = { above: constant(1), below: [] };
const MINUS_ONE: Quotient = { above: constant(-1), below: [] };

function sum(terms: Iterable<{ readonly powers: Powers; readonly by: number }>): Polynomial {
  const all = new Map<string, { powers: Powers; by: number; size: number }>();
  for (const term of terms) {
    const powers = trimmed(term.powers);
    const key = powers.join();
    const before = all.get(key);
    all.set(key, { powers, by: (before?.by ?? 0) + term.by, size: (before?.size ?? 0) + Math.abs(term.by) });
  }
  if (all.size > MOST_TERMS) throw new TooLong();
  return new Map(
    [...all].filter(([, { by, size }]) => Math.abs(by) > ROUNDING * size).map(([key, { powers, by }]) => [key, { powers, by }]),
  );
}

const scaled = (p: Polynomial, by: number): Polynomial => sum([...p.values()].map((t) => ({ powers: t.powers, by: t.by * by })));

/** The larger of two products in the order of a dictionary: the first variable counts most. */
function leads(p: Powers, q: Powers): boolean {
  for (let i = 0; i < Math.max(p.length, q.length); i++) if ((p[i] ?? 0) !== (q[i] ?? 0)) return (p[i] ?? 0) > (q[i] ?? 0);
  return false;
}

const leading = (p: Polynomial) => [...p.values()].reduce((best, t) => (leads(t.powers, best.powers) ? t : best));

const same = (p: Polynomial, q: Polynomial): boolean =>
  p.size === q.size && [...p].every(([key, { by }]) => Math.abs(by - (q.get(key)?.by ?? NaN)) <= ROUNDING * Math.abs(by));

/** The quotients of one expression, and the variables in them. */
class Rational {
  private readonly b: GraphBuilder;
  private readonly variables: NodeId[] = [];
  /** What the square of a variable is, where it is a root. */
  private readonly squares = new Map<number, Polynomial>();
  private readonly known = new Map<NodeId, Quotient>();

  constructor(b: GraphBuilder) {
    this.b = b;
  }

  of(id: NodeId): Quotient {
    const before = this.known.get(id);
    if (before) return before;
    const made = this.reduced(this.quotient(this.b.node(id)));
    this.known.set(id, made);
    return made;
  }

  private quotient(node: Node): Quotient {
    const rule = node.type.dtype === 'f32' ? this.rules[node.op] : undefined;
    return rule ? rule((i) => this.of(at(node.inputs, i)), node) : this.variable(node.id);
  }

  /** What is arithmetic; everything else is a variable. */
  private readonly rules: { readonly [K in Node['op']]?: (arg: (i: number) => Quotient, node: Node) => Quotient } = {
    const: (_arg, node) => ({ above: constant(this.value(node) ?? 0), below: [] }),
    neg: (arg) => this.multiply(arg(0), MINUS_ONE),
    add: (arg) => this.add(arg(0), arg(1)),
    sub: (arg) => this.add(arg(0), this.multiply(arg(1), MINUS_ONE)),
    mul: (arg) => this.multiply(arg(0), arg(1)),
    div: (arg) => this.divide(arg(0), arg(1)),
    pow: (arg, node) => {
      const n = this.value(this.b.node(at(node.inputs, 1)));
      if (n === undefined || !Number.isInteger(n) || Math.abs(n) > MOST_POWER) return this.variable(node.id);
      const factors = new Array<Quotient>(Math.abs(n)).fill(arg(0));
      return factors.reduce((q, f) => (n < 0 ? this.divide(q, f) : this.multiply(q, f)), ONE);
    },
    sqrt: (arg, node) => {
      const { above, below } = arg(0);
      if (below.length > 0) return this.variable(node.id);
      const known = [...this.squares].find(([, square]) => same(square, above));
      if (known) return { above: variable(known[0]), below: [] };
      this.squares.set(this.variables.length, above);
      return this.variable(node.id);
    },
  };

  private value(node: Node): number | undefined {
    return node.op === 'const' ? node.attrs.value : undefined;
  }

  private variable(id: NodeId): Quotient {
    let i = this.variables.indexOf(id);
    if (i < 0) i = this.variables.push(id) - 1;
    return { above: variable(i), below: [] };
  }

  private product(p: Polynomial, q: Polynomial): Polynomial {
    const terms = [...p.values()].flatMap((s) => [...q.values()].map((t) => ({ powers: times(s.powers, t.powers), by: s.by * t.by })));
    return this.withoutSquares(sum(terms));
  }

  /** Squares of roots are what is below the root. */
  private withoutSquares(p: Polynomial): Polynomial {
    for (const [i, square] of this.squares)
      for (const [key, { powers, by }] of p) {
        if ((powers[i] ?? 0) < 2) continue;
        const rest: Polynomial = new Map([[key, { powers: powers.map((n, k) => (k === i ? n - 2 : n)), by }]]);
        return sum([...this.without(p, key).values(), ...this.product(sum(rest.values()), square).values()]);
      }
    return p;
  }

  private without(p: Polynomial, key: string): Polynomial {
    return new Map([...p].filter(([k]) => k !== key));
  }

  private multiply(p: Quotient, q: Quotient): Quotient {
    return { above: this.product(p.above, q.above), below: [...p.below, ...q.below] };
  }

  private divide(p: Quotient, q: Quotient): Quotient {
    if (q.above.size === 0) throw new TooLong();
    const above = q.below.reduce((x, f) => this.product(x, f), p.above);
    return { above, below: [...p.below, q.above] };
  }

  private add(p: Quotient, q: Quotient): Quotient {
    // What both are divided by is not multiplied into either.
    const rest = [...q.below];
    const missing = p.below.filter((f) => {
      const i = rest.findIndex((g) => same(f, g));
      if (i >= 0) rest.splice(i, 1);
      return i < 0;
    });
    const left = rest.reduce((x, f) => this.product(x, f), p.above);
    const right = missing.reduce((x, f) => this.product(x, f), q.above);
    return { above: sum([...left.values(), ...right.values()]), below: [...p.below, ...rest] };
  }

  /** In lowest terms, as far as factors of what is below are known. */
  private reduced(q: Quotient): Quotient {
    let above = this.withoutSquares(q.above);
    const below: Polynomial[] = [];
    if (above.size === 0) return { above, below };
    for (const factor of q.below.flatMap((f) => this.factors(f))) {
      if (isConstant(factor)) {
        above = scaled(above, 1 / leading(factor).by);
        continue;
      }
      const quotient = this.quotientOf(above, factor);
      if (quotient) above = quotient;
      else below.push(factor);
    }
    return { above, below };
  }

  /** A polynomial as variables, one that no variable divides, and a number. */
  private factors(p: Polynomial): Polynomial[] {
    const plain = this.withoutSquares(p);
    if (plain.size === 0) throw new TooLong();
    const found: Polynomial[] = [];
    let rest = plain;
    this.variables.forEach((_, i) => {
      const least = Math.min(...[...rest.values()].map(({ powers }) => powers[i] ?? 0));
      for (let n = 0; n < least; n++) {
        found.push(variable(i));
        rest = this.quotientOf(rest, variable(i)) ?? rest;
      }
    });
    if (isConstant(rest)) return [...found, rest];
    // Of x - 1 and 1 - x, the one that is positive at 0.
    const scale = Math.abs(leading(rest).by) * ((rest.get('')?.by ?? leading(rest).by) < 0 ? -1 : 1);
    return [...found, scaled(rest, 1 / scale), constant(scale)];
  }

  /** p divided by q; undefined if something is left. With a root r in it, u + v r is divided by after u - v r, which leaves no r in the product. */
  private quotientOf(p: Polynomial, q: Polynomial): Polynomial | undefined {
    const exact = this.divided(p, q);
    const root = [...this.squares.keys()].find((i) => [...q.values()].some(({ powers }) => (powers[i] ?? 0) > 0));
    if (exact || root === undefined) return exact;
    const turned = sum([...q.values()].map(({ powers, by }) => ({ powers, by: powers[root] ? -by : by })));
    return this.quotientOf(this.product(p, turned), this.product(q, turned));
  }

  private divided(p: Polynomial, q: Polynomial): Polynomial | undefined {
    const first = leading(q);
    const found: { powers: Powers; by: number }[] = [];
    let rest = p;
    while (rest.size > 0) {
      const next = leading(rest);
      const powers = times(
        next.powers,
        first.powers.map((n) => -n),
      );
      if (powers.some((n) => n < 0) || found.length > MOST_TERMS) return undefined;
      const term = { powers: trimmed(powers), by: next.by / first.by };
      found.push(term);
      const taken = [...q.values()].map((t) => ({ powers: times(t.powers, term.powers), by: -t.by * term.by }));
      rest = sum([...rest.values(), ...taken]);
    }
    return sum(found);
  }

  /** The quotient as expressions of the graph: with what is below as a product, and written out. */
  written({ above, below }: Quotient, like: NodeId): NodeId[] {
    const { b } = this;
    const roots = this.rootsBelow(above, below);
    const top = this.expression(roots.above, like);
    if (roots.below.length === 0) return [top];
    const product = roots.below.map((f) => this.expression(f, like)).reduce((x, y) => b.op('mul', x, y));
    const whole = this.expression(
      roots.below.reduce((x, f) => this.product(x, f)),
      like,
    );
    return [b.op('div', top, product), b.op('div', top, whole)];
  }

  /** r/(1 - x^2) is 1/r if r is its root. */
  private rootsBelow(above: Polynomial, below: readonly Polynomial[]): Quotient {
    for (const [i, square] of this.squares) {
      const place = below.findIndex((f) => same(f, square));
      const part = place < 0 ? undefined : this.divided(above, variable(i));
      if (part) return this.rootsBelow(part, [...below.filter((_, k) => k !== place), variable(i)]);
    }
    return { above, below };
  }

  /** A variable; what is below a root is written anew. */
  private base(i: number, like: NodeId): NodeId {
    const square = this.squares.get(i);
    return square ? this.b.op('sqrt', this.expression(square, like)) : at(this.variables, i);
  }

  private expression(p: Polynomial, like: NodeId): NodeId {
    const { b } = this;
    const number = (value: number): NodeId => b.full(value, b.type(like));
    const ordered = [...p.values()].sort((s, t) => (leads(s.powers, t.powers) ? -1 : 1));
    const terms = ordered.map(({ powers, by }) => {
      const factors = powers.flatMap((n, i) =>
        n === 0 ? [] : [n === 1 ? this.base(i, like) : b.op('pow', this.base(i, like), number(n))],
      );
      if (factors.length === 0) return number(by);
      const product = factors.reduce((x, y) => b.op('mul', x, y));
      return by === 1 ? product : b.op('mul', number(by), product);
    });
    return terms.length === 0 ? number(0) : terms.reduce((x, y) => b.op('add', x, y));
  }
}

/** The same value as quotients of polynomials in lowest terms; none if they are long. */
export function lowestTerms(b: GraphBuilder, id: NodeId): NodeId[] {
  const rational = new Rational(b);
  try {
    return rational.written(rational.of(id), id);
  } catch (e) {
    if (e instanceof TooLong) return [];
    throw e;
  }
}
