import { at } from '../base/errors.ts';
import { showScalar } from '../base/scalar.ts';
import { showShape } from '../base/types.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';
import { cse, select } from '../passes/graph/cleanup.ts';
import { simplify } from '../passes/graph/simplify.ts';
import * as p from './polynomial.ts';

/** Graphs as formulas: one expression, or lines that name what is used more than once. */

const GREEK: Readonly<Record<string, string>> = { sigmoid: '\\sigma', log: '\\ln' };
const INFIX: Partial<Readonly<Record<Node['op'], readonly [string, string]>>> = {
  lt: ['<', '<'],
  le: ['<=', '\\le'],
  eq: ['==', '='],
  and: ['and', '\\land'],
  or: ['or', '\\lor'],
  mod: ['mod', '\\bmod'],
};

/** Gives each node its expression. `named` are the nodes with a name. */
class Writer {
  private readonly known = new Map<NodeId, p.Polynomial>();
  private readonly graph: Graph;
  private readonly named: ReadonlyMap<NodeId, string>;

  constructor(graph: Graph, named: ReadonlyMap<NodeId, string>) {
    this.graph = graph;
    this.named = named;
  }

  /** How a node appears where it is used: by name, or as its expression. */
  use(id: NodeId): p.Polynomial {
    const name = this.named.get(id);
    return name === undefined ? this.body(id) : p.atom(name, latexName(name));
  }

  /** The expression that defines a node. */
  body(id: NodeId): p.Polynomial {
    const before = this.known.get(id);
    if (before) return before;
    const made = this.write(at(this.graph.nodes, id));
    this.known.set(id, made);
    return made;
  }

  private write(node: Node): p.Polynomial {
    const arg = (i: number): p.Polynomial => this.use(at(node.inputs, i));
    const call = (name: string, ...parts: readonly p.Polynomial[]): p.Polynomial =>
      p.atom(
        `${name}(${parts.map(p.show).join(', ')})`,
        `${GREEK[name] ?? `\\operatorname{${name.replace('_', '\\_')}}`}\\left(${parts.map(p.showLatex).join(', ')}\\right)`,
      );
    switch (node.op) {
      case 'const':
        return p.number(node.attrs.value);
      case 'input':
      case 'param':
      case 'state':
        return p.atom(node.attrs.name, latexName(node.attrs.name));
      case 'scalar':
        return p.atom(typeof node.attrs.expr === 'object' ? showScalar(node.attrs.expr) : node.attrs.name);
      case 'dimsize':
        return p.atom(showShape([node.attrs.dim]).slice(1, -1));
      case 'iota':
        return p.atom(`index${node.attrs.axis}`);
      case 'neg':
        return p.scale(arg(0), -1);
      case 'add':
        return p.add(arg(0), arg(1));
      case 'sub':
        return p.add(arg(0), p.scale(arg(1), -1));
      case 'mul':
        return p.multiply(arg(0), arg(1));
      case 'div':
        return p.multiply(arg(0), p.power(arg(1), -1));
      case 'pow': {
        const n = p.valueOf(arg(1));
        if (n !== undefined) return p.power(arg(0), n);
        return p.atom(`${wrapped(arg(0))}^${wrapped(arg(1))}`, `${wrappedLatex(arg(0))}^{${p.showLatex(arg(1))}}`);
      }
      case 'exp':
        return p.atom(`exp(${p.show(arg(0))})`, `e^{${p.showLatex(arg(0))}}`);
      case 'abs':
        return p.atom(`|${p.show(arg(0))}|`, `\\left|${p.showLatex(arg(0))}\\right|`);
      case 'sqrt':
        return p.atom(`sqrt(${p.show(arg(0))})`, `\\sqrt{${p.showLatex(arg(0))}}`);
      case 'not':
        return p.atom(`not ${wrapped(arg(0))}`, `\\lnot ${wrappedLatex(arg(0))}`, false);
      case 'select':
        return p.atom(
          `where(${[0, 1, 2].map((i) => p.show(arg(i))).join(', ')})`,
          `\\begin{cases}${p.showLatex(arg(1))} & ${p.showLatex(arg(0))}\\\\${p.showLatex(arg(2))} & \\text{else}\\end{cases}`,
        );
      // Repetition is implicit in NumPy's broadcasting, and reshapes do not appear in formulas.
      case 'broadcast':
      case 'reshape':
      case 'cast':
      case 'detach':
        return arg(0);
      case 'permute': {
        const last = node.attrs.perm.length - 1;
        const swapsLast = node.attrs.perm.every((v, i) => v === (i === last ? last - 1 : i === last - 1 ? last : i));
        if (swapsLast) return p.atom(`${wrapped(arg(0))}^T`, `${wrappedLatex(arg(0))}^{\\top}`);
        return p.atom(`permute(${p.show(arg(0))}, [${node.attrs.perm.join(', ')}])`);
      }
      case 'reduce_sum':
      case 'reduce_max': {
        const name = node.op === 'reduce_sum' ? 'sum' : 'max';
        const rank = at(this.graph.nodes, at(node.inputs, 0)).type.shape.length;
        const all = node.attrs.axes.length === rank;
        const axes = all ? '' : `, dim=${node.attrs.axes.join(',')}`;
        const sign =
          name === 'sum'
            ? `\\sum${all ? '' : `_{${node.attrs.axes.join(',')}}`} `
            : `\\max${all ? '' : `_{${node.attrs.axes.join(',')}}`} `;
        return p.atom(`${name}(${p.show(arg(0))}${axes})`, `${sign}${wrappedLatex(arg(0))}`, true);
      }
      case 'contract':
        return this.product(node.attrs.spec, arg(0), arg(1));
      case 'slice': {
        const inner = at(this.graph.nodes, at(node.inputs, 0)).type.shape;
        const parts = node.attrs.start.map((s, i) => {
          const size = node.attrs.size[i];
          return s === 0 && String(size) === String(inner[i]) ? ':' : `${s}:${typeof size === 'number' ? s + size : ''}`;
        });
        return p.atom(`${wrapped(arg(0))}[${parts.join(', ')}]`);
      }
      case 'concat': {
        const numbers = node.inputs.map((_, i) => p.valueOf(arg(i)));
        const list = node.inputs.map((_, i) => p.show(arg(i))).join(', ');
        return numbers.every((n) => n !== undefined) ? p.atom(`[${list}]`) : p.atom(`concat(${list})`);
      }
      case 'gather':
        return p.atom(`${wrapped(arg(0))}[${p.show(arg(1))}]`);
      default: {
        const sign = INFIX[node.op];
        if (sign)
          return p.atom(
            `${p.show(arg(0))} ${sign[0]} ${p.show(arg(1))}`,
            `${p.showLatex(arg(0))} ${sign[1]} ${p.showLatex(arg(1))}`,
            false,
          );
        return call(node.op, ...node.inputs.map((_, i) => arg(i)));
      }
    }
  }

  /** Matrix products in the usual notation; other contractions by their labels. */
  private product(spec: string, x: p.Polynomial, y: p.Polynomial): p.Polynomial {
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
}

const wrapped = (x: p.Polynomial): string => (p.isTight(x) && !p.show(x).includes(' @ ') ? p.show(x) : `(${p.show(x)})`);
const wrappedLatex = (x: p.Polynomial): string =>
  p.isTight(x) && !p.show(x).includes(' @ ') ? p.showLatex(x) : `\\left(${p.showLatex(x)}\\right)`;

/** `h1` with a subscript; dotted names upright. */
function latexName(name: string): string {
  const indexed = /^([a-z]+?)_?(\d+)$/.exec(name);
  if (indexed) return `${indexed[1] ?? ''}_{${indexed[2] ?? ''}}`;
  return name.length === 1 ? name : `\\mathrm{${name.replaceAll('_', '\\_')}}`;
}

/** The most operations in one expression: longer ones are unreadable, and repeated subexpressions grow exponentially. */
const LONGEST = 1000;

/** The number of operations of a node's expression, with repeated subexpressions written out each time. */
function written(graph: Graph, id: NodeId): number {
  const sizes = new Map<NodeId, number>();
  // Inputs precede the nodes that use them.
  for (const node of graph.nodes) sizes.set(node.id, 1 + node.inputs.reduce((n, i) => n + (sizes.get(i) ?? 0), 0));
  return sizes.get(id) ?? 0;
}

/** The simplified expression of one output; undefined if it would be too long. */
export function formulaOf(graph: Graph, output: string): string | undefined {
  const clean = cse(simplify(select(graph, [output])));
  if (written(clean, clean.outputs[output] ?? -1) > LONGEST) return undefined;
  return p.show(new Writer(clean, new Map()).body(clean.outputs[output] ?? -1));
}

export interface Line {
  readonly name: string;
  readonly text: string;
  readonly latex: string;
  readonly shape: string;
}

/** The lines that compute the outputs of a graph, with `t1`, `t2`... for values used more than once. Outputs come last, by name. */
export function linesOf(graph: Graph, outputs: Readonly<Record<string, string>>): Line[] {
  const uses = new Map<NodeId, number>();
  for (const node of graph.nodes) for (const i of node.inputs) uses.set(i, (uses.get(i) ?? 0) + 1);
  const named = new Map<NodeId, string>();
  const through = new Set<Node['op']>([
    'broadcast',
    'reshape',
    'cast',
    'detach',
    'neg',
    'const',
    'input',
    'param',
    'state',
    'scalar',
    'iota',
    'dimsize',
  ]);
  let count = 0;
  // Uses of a broadcast or reshape count as uses of the value behind it.
  const base = (id: NodeId): NodeId => {
    const node = at(graph.nodes, id);
    return ['broadcast', 'reshape', 'cast', 'detach'].includes(node.op) ? base(at(node.inputs, 0)) : id;
  };
  const real = new Map<NodeId, number>();
  for (const node of graph.nodes)
    if (!through.has(node.op) || node.op === 'neg') for (const i of node.inputs) real.set(base(i), (real.get(base(i)) ?? 0) + 1);
  for (const node of graph.nodes)
    if (!through.has(node.op) && ((real.get(node.id) ?? 0) > 1 || deep(graph, node.id, named) > 24)) named.set(node.id, `t${++count}`);
  const writer = new Writer(graph, named);
  const line = (name: string, id: NodeId, body: p.Polynomial): Line => ({
    name,
    text: p.show(body),
    latex: p.showLatex(body),
    shape: showShape(at(graph.nodes, id).type.shape),
  });
  const lines = [...named].map(([id, name]) => line(name, id, writer.body(id)));
  for (const [output, shown] of Object.entries(outputs)) {
    const id = graph.outputs[output];
    if (id !== undefined) lines.push(line(shown, id, writer.use(id)));
  }
  return lines;
}

/** The number of operations in a line. */
function deep(graph: Graph, id: NodeId, named: ReadonlyMap<NodeId, string>): number {
  let n = 0;
  const visit = (next: NodeId): void => {
    if (n > 25) return;
    n++;
    const node = at(graph.nodes, next);
    node.inputs.forEach((i) => {
      if (!named.has(i)) visit(i);
    });
  };
  visit(id);
  return n;
}
