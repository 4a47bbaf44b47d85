/**
 * Expressions in the usual form: sums of products of powers, with like terms collected. An atom is anything that is not taken apart: a
 * name, a function, a matrix product.
 */
export interface Atom {
  /** Equal for equal atoms. */
  readonly text: string;
  readonly latex: string;
  /** Needs no parentheses in a product or a power. */
  readonly tight: boolean;
}

interface Factor {
  readonly atom: Atom;
  readonly power: number;
}

interface Term {
  readonly coefficient: number;
  readonly factors: readonly Factor[];
}

export type Polynomial = readonly Term[];

export const ZERO: Polynomial = [];

export function number(value: number): Polynomial {
  return value === 0 ? ZERO : [{ coefficient: value, factors: [] }];
}

export function atom(text: string, latex = text, tight = true): Polynomial {
  return [{ coefficient: 1, factors: [{ atom: { text, latex, tight }, power: 1 }] }];
}

/** The value of a constant expression; undefined if it is not constant. */
export function valueOf(p: Polynomial): number | undefined {
  if (p.length === 0) return 0;
  const [only] = p;
  return p.length === 1 && only && only.factors.length === 0 ? only.coefficient : undefined;
}

const keyOf = (factors: readonly Factor[]): string =>
  factors
    .map((f) => `${f.atom.text}^${f.power}`)
    .sort()
    .join('*');
const isName = (f: Factor): boolean => /^[\w.]+$/.test(f.atom.text);
const others = (t: Term): number => t.factors.filter((f) => !isName(f)).length;
const degree = (t: Term): number => t.factors.reduce((n, f) => n + f.power, 0);

export function add(a: Polynomial, b: Polynomial): Polynomial {
  const terms = new Map<string, Term>();
  for (const t of [...a, ...b]) {
    const key = keyOf(t.factors);
    const coefficient = (terms.get(key)?.coefficient ?? 0) + t.coefficient;
    terms.set(key, { coefficient, factors: t.factors });
  }
  // Higher powers first, constants last; names before functions.
  return [...terms.values()].filter((t) => t.coefficient !== 0).sort((p, q) => degree(q) - degree(p) || others(p) - others(q));
}

export function scale(a: Polynomial, by: number): Polynomial {
  return by === 0 ? ZERO : a.map((t) => ({ ...t, coefficient: t.coefficient * by }));
}

/** The expression as one term; a sum of several becomes an atom. */
function single(p: Polynomial): Term {
  const [only] = p;
  if (p.length === 1 && only) return only;
  return { coefficient: 1, factors: [{ atom: { text: show(p), latex: showLatex(p), tight: false }, power: 1 }] };
}

export function multiply(a: Polynomial, b: Polynomial): Polynomial {
  const [x, y] = [valueOf(a), valueOf(b)];
  if (x !== undefined) return scale(b, x);
  if (y !== undefined) return scale(a, y);
  const [p, q] = [single(a), single(b)];
  const powers = new Map<string, Factor>();
  for (const f of [...p.factors, ...q.factors]) {
    const power = (powers.get(f.atom.text)?.power ?? 0) + f.power;
    powers.set(f.atom.text, { atom: f.atom, power });
  }
  return [{ coefficient: p.coefficient * q.coefficient, factors: [...powers.values()].filter((f) => f.power !== 0) }];
}

/** An integer power, or the reciprocal with -1. */
export function power(a: Polynomial, n: number): Polynomial {
  const value = valueOf(a);
  if (value !== undefined) return number(value ** n);
  if (n === 0) return number(1);
  const t = single(a);
  const whole = Number.isInteger(n);
  // (c x)^0.5 keeps its root, because the sign of the base is unknown.
  if (!whole && (t.coefficient !== 1 || t.factors.length !== 1)) {
    const inside: Atom = { text: show(a), latex: showLatex(a), tight: false };
    return [{ coefficient: 1, factors: [{ atom: inside, power: n }] }];
  }
  return [{ coefficient: t.coefficient ** n, factors: t.factors.map((f) => ({ atom: f.atom, power: f.power * n })) }];
}

const digits = (x: number): string => String(Number(x.toPrecision(7)));

interface Style {
  readonly times: string;
  readonly power: (base: string, exponent: string) => string;
  readonly quotient: (above: string, below: string, belowIsOne: boolean) => string;
  readonly text: (a: Atom) => string;
  readonly parens: (inner: string) => string;
}

const PLAIN: Style = {
  times: '*',
  power: (base, exponent) => `${base}^${exponent}`,
  quotient: (above, below, belowIsOne) => `${above}/${belowIsOne ? below : `(${below})`}`,
  text: (a) => a.text,
  parens: (inner) => `(${inner})`,
};
const LATEX: Style = {
  times: ' ',
  power: (base, exponent) => `${base}^{${exponent}}`,
  quotient: (above, below) => `\\frac{${above}}{${below}}`,
  text: (a) => a.latex,
  parens: (inner) => `\\left(${inner}\\right)`,
};

function termText(t: Term, style: Style): string {
  const alone = t.factors.length === 1 && Math.abs(t.coefficient) === 1;
  const factor = (f: Factor, power: number): string => {
    const base = f.atom.tight || (alone && power === 1 && f.power > 0) ? style.text(f.atom) : style.parens(style.text(f.atom));
    return power === 1 ? base : style.power(base, digits(power));
  };
  const factors = [...t.factors.filter(isName), ...t.factors.filter((f) => !isName(f))];
  const above = factors.filter((f) => f.power > 0).map((f) => factor(f, f.power));
  const below = factors.filter((f) => f.power < 0).map((f) => factor(f, -f.power));
  const size = Math.abs(t.coefficient);
  const product = [...(size === 1 && above.length > 0 ? [] : [digits(size)]), ...above].join(style.times);
  return below.length === 0 ? product : style.quotient(product, below.join(style.times), below.length === 1);
}

function render(p: Polynomial, style: Style): string {
  if (p.length === 0) return '0';
  // Start with a positive term if there is one.
  const first = p.findIndex((t) => t.coefficient > 0);
  const ordered = first > 0 ? [...p.slice(first, first + 1), ...p.slice(0, first), ...p.slice(first + 1)] : p;
  return ordered
    .map((t, i) => {
      const text = termText(t, style);
      if (i === 0) return t.coefficient < 0 ? `-${text}` : text;
      return t.coefficient < 0 ? ` - ${text}` : ` + ${text}`;
    })
    .join('');
}

export function show(p: Polynomial): string {
  return render(p, PLAIN);
}

export function showLatex(p: Polynomial): string {
  return render(p, LATEX);
}

/** Whether it can be a factor without parentheses. */
export function isTight(p: Polynomial): boolean {
  const [only] = p;
  return (
    p.length === 0 ||
    (p.length === 1 && only !== undefined && only.coefficient > 0 && only.factors.length + (only.coefficient === 1 ? 0 : 1) <= 1)
  );
}
