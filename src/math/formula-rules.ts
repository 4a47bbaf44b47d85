import { showScalar } from '../base/scalar.ts';
import { showShape, type Shape } from '../base/types.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { Node, NodeOf, Op } from '../ir/graph/types.ts';
import * as p from './polynomial.ts';

/** What a rule sees of its operands: their expressions, and their shapes. */
interface Operands {
  readonly arg: (i: number) => p.Polynomial;
  readonly shape: (i: number) => Shape;
  readonly all: readonly p.Polynomial[];
}

type Rule<K extends Op> = (node: NodeOf<K>, operands: Operands) => p.Polynomial;

const GREEK: Readonly<Record<string, string>> = { sigmoid: '\\sigma', log: '\\ln' };
const INFIX: Partial<Readonly<Record<Op, readonly [text: string, latex: string]>>> = {
  lt: ['<', '<'],
  le: ['<=', '\\le'],
  eq: ['==', '='],
  and: ['and', '\\land'],
  or: ['or', '\\lor'],
  mod: ['mod', '\\bmod'],
};

/** `h1` with a subscript; dotted names upright. */
export function latexName(name: string): string {
  const indexed = /^([a-z]+?)_?(\d+)$/.exec(name);
  if (indexed) return `${indexed[1] ?? ''}_{${indexed[2] ?? ''}}`;
  return name.length === 1 ? name : `\\mathrm{${name.replaceAll('_', '\\_')}}`;
}

const wrapped = (x: p.Polynomial): string => (p.isTight(x) && !p.show(x).includes(' @ ') ? p.show(x) : `(${p.show(x)})`);
const wrappedLatex = (x: p.Polynomial): string =>
  p.isTight(x) && !p.show(x).includes(' @ ') ? p.showLatex(x) : `\\left(${p.showLatex(x)}\\right)`;

const named = (node: NodeOf<'input' | 'param' | 'state'>): p.Polynomial => p.atom(node.attrs.name, latexName(node.attrs.name));
// Repetition is what NumPy's broadcasting does anyway; another arrangement of the same axes is not mathematics.
const same = (_node: Node, { arg }: Operands): p.Polynomial => arg(0);

const reduction =
  (name: 'sum' | 'max'): Rule<'reduce_sum'> & Rule<'reduce_max'> =>
  ({ attrs: { axes } }, { arg, shape }) => {
    const all = axes.length === shape(0).length;
    return p.atom(
      `${name}(${p.show(arg(0))}${all ? '' : `, dim=${axes.join(',')}`})`,
      `\\${name}${all ? '' : `_{${axes.join(',')}}`} ${wrappedLatex(arg(0))}`,
      true,
    );
  };

/** Operations that are not written as a call or as an infix sign. */
const RULES: { readonly [K in Op]?: Rule<K> } = {
  const: ({ attrs }) => p.number(attrs.value),
  input: named,
  param: named,
  state: named,
  scalar: ({ attrs: { name, expr } }) => p.atom(typeof expr === 'object' ? showScalar(expr) : name),
  dimsize: ({ attrs }) => p.atom(showShape([attrs.dim]).slice(1, -1)),
  iota: ({ attrs }) => p.atom(`index${attrs.axis}`),
  neg: (_node, { arg }) => p.scale(arg(0), -1),
  add: (_node, { arg }) => p.add(arg(0), arg(1)),
  sub: (_node, { arg }) => p.add(arg(0), p.scale(arg(1), -1)),
  mul: (_node, { arg }) => p.multiply(arg(0), arg(1)),
  div: (_node, { arg }) => p.multiply(arg(0), p.power(arg(1), -1)),
  pow(_node, { arg }) {
    const n = p.valueOf(arg(1));
    if (n !== undefined) return p.power(arg(0), n);
    return p.atom(`${wrapped(arg(0))}^${wrapped(arg(1))}`, `${wrappedLatex(arg(0))}^{${p.showLatex(arg(1))}}`);
  },
  exp: (_node, { arg }) => p.atom(`exp(${p.show(arg(0))})`, `e^{${p.showLatex(arg(0))}}`),
  abs: (_node, { arg }) => p.atom(`|${p.show(arg(0))}|`, `\\left|${p.showLatex(arg(0))}\\right|`),
  sqrt: (_node, { arg }) => p.atom(`sqrt(${p.show(arg(0))})`, `\\sqrt{${p.showLatex(arg(0))}}`),
  not: (_node, { arg }) => p.atom(`not ${wrapped(arg(0))}`, `\\lnot ${wrappedLatex(arg(0))}`, false),
  select(_node, { all }) {
    const [condition, yes, no] = all.map(p.showLatex);
    return p.atom(`where(${all.map(p.show).join(', ')})`, `\\begin{cases}${yes} & ${condition}\\\\${no} & \\text{else}\\end{cases}`);
  },
  broadcast: same,
  reshape: same,
  cast: same,
  detach: same,
  permute({ attrs: { perm } }, { arg }) {
    const last = perm.length - 1;
    const swapsLast = perm.every((v, i) => v === (i === last ? last - 1 : i === last - 1 ? last : i));
    if (swapsLast) return p.atom(`${wrapped(arg(0))}^T`, `${wrappedLatex(arg(0))}^{\\top}`);
    return p.atom(`permute(${p.show(arg(0))}, [${perm.join(', ')}])`);
  },
  reduce_sum: reduction('sum'),
  reduce_max: reduction('max'),
  contract: ({ attrs: { spec } }, { arg }) => product(spec, arg(0), arg(1)),
  slice({ attrs: { start, size } }, { arg, shape }) {
    const inner = shape(0);
    const parts = start.map((s, i) => {
      const n = size[i];
      return s === 0 && String(n) === String(inner[i]) ? ':' : `${s}:${typeof n === 'number' ? s + n : ''}`;
    });
    return p.atom(`${wrapped(arg(0))}[${parts.join(', ')}]`);
  },
  concat(_node, { all }) {
    const list = all.map(p.show).join(', ');
    return all.every((x) => p.valueOf(x) !== undefined) ? p.atom(`[${list}]`) : p.atom(`concat(${list})`);
  },
  // A loop as a function of its operands, by its name and the result that is taken.
  scan: ({ attrs: { body, take, of } }, { all }) =>
    p.atom(`${body.name}.${take === 'last' ? 'last.' : ''}${of}(${all.map(p.show).join(', ')})`),
  gather: (_node, { arg }) => p.atom(`${wrapped(arg(0))}[${p.show(arg(1))}]`),
};

/** The expression of a node, given those of its operands. */
export function expressionOf(node: Node, arg: (i: number) => p.Polynomial, shape: (i: number) => Shape): p.Polynomial {
  const all = node.inputs.map((_, i) => arg(i));
  const rule = RULES[node.op] as Rule<Op> | undefined;
  if (rule) return rule(node as NodeOf<Op>, { arg, shape, all });
  const sign = INFIX[node.op];
  if (sign) return p.atom(all.map(p.show).join(` ${sign[0]} `), all.map(p.showLatex).join(` ${sign[1]} `), false);
  const latex = GREEK[node.op] ?? `\\operatorname{${node.op.replace('_', '\\_')}}`;
  return p.atom(`${node.op}(${all.map(p.show).join(', ')})`, `${latex}\\left(${all.map(p.showLatex).join(', ')}\\right)`);
}

/** Matrix products in the usual notation; other contractions by their labels. */
function product(spec: string, x: p.Polynomial, y: p.Polynomial): p.Polynomial {
  const { a, b, out } = contractLabels(spec);
  const write = (l: p.Polynomial, lt: boolean, r: p.Polynomial, rt: boolean): p.Polynomial =>
    p.atom(
      `${wrapped(l)}${lt ? '^T' : ''} @ ${wrapped(r)}${rt ? '^T' : ''}`,
      `${wrappedLatex(l)}${lt ? '^{\\top}' : ''} ${wrappedLatex(r)}${rt ? '^{\\top}' : ''}`,
      false,
    );
  const summed = [...a].filter((c) => b.includes(c) && !out.includes(c));
  const [k] = summed;
  if (k !== undefined && summed.length === 1 && a.length <= 2 && b.length <= 2 && out.length <= 2) {
    const [i, j] = [a.replace(k, ''), b.replace(k, '')];
    if (out === i + j) return write(x, a.length === 2 && a[0] === k, y, b.length === 2 && b[1] === k);
    if (out === j + i) return write(y, b.length === 2 && b[0] === k, x, a.length === 2 && a[1] === k);
  }
  // The same with batch axes in front of the left operand.
  if (k !== undefined && summed.length === 1 && b.length === 2 && a.endsWith(k) && out === a.slice(0, -1) + b.replace(k, ''))
    return write(x, false, y, b[1] === k);
  return p.atom(
    `einsum("${spec}", ${p.show(x)}, ${p.show(y)})`,
    `\\operatorname{einsum}_{${spec.replace('->', '\\to ')}}\\left(${p.showLatex(x)}, ${p.showLatex(y)}\\right)`,
  );
}
