import { at } from '../base/errors.ts';
import { showShape } from '../base/types.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';
import { cse, select } from '../passes/graph/cleanup.ts';
import { simplify } from '../passes/graph/simplify.ts';
import { shorten } from './shorten.ts';
import { expressionOf, latexName } from './formula-rules.ts';
import * as p from './polynomial.ts';

/** Graphs as formulas: one expression, or lines that name what is used more than once. */

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
    const node = at(this.graph.nodes, id);
    const operand = (i: number): NodeId => at(node.inputs, i);
    const made = expressionOf(
      node,
      (i) => this.use(operand(i)),
      (i) => at(this.graph.nodes, operand(i)).type.shape,
    );
    this.known.set(id, made);
    return made;
  }
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
  const clean = shorten(cse(simplify(select(graph, [output]))));
  // What a loop computes is no formula.
  if (clean.nodes.some((n) => n.op === 'scan') || written(clean, clean.outputs[output] ?? -1) > LONGEST) return undefined;
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
