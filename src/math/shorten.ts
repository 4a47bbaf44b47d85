import { at, get } from '../base/errors.ts';
import { GraphBuilder, type PlainOp } from '../ir/graph/builder.ts';
import { isPointwise, pointwise } from '../ir/graph/pointwise.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import { cse, dce } from '../passes/graph/cleanup.ts';
import { agree, type Known } from './agree.ts';
import { casesOf, type Cases } from './cases.ts';
import { EGraph, constantOp, type Term } from './egraph.ts';
import { lowestTerms } from './rational.ts';
import { IDENTITIES, REORDERINGS, rules, type Identity, type Pattern } from './identities.ts';

/** Rounds of saturation, and the most terms: enough for the derivatives of activations. */
const ROUNDS = 8;
const MOST_TERMS = 1200;
/** In one round an identity is applied so often at most. */
const MOST_FITS = 300;
/** Expressions of so many operations, each counted once, are written shorter; of longer ones nobody reads what is left. */
const LONGEST = 150;
/** Larger expressions stay as they are. */
const MOST_NODES = 60;

/** What an operation costs a reader. */
const COSTS: Readonly<Record<string, number>> = { neg: 0.6, add: 1, sub: 1, mul: 1, div: 1.8, lt: 1, le: 1, pow: 1.4, abs: 1.6 };
const costOf = (op: string): number => (op.startsWith('=') ? 0.6 : op.startsWith('%') ? 0.5 : (COSTS[op] ?? 2));

type Binding = ReadonlyMap<string, number>;

/**
 * A graph whose outputs are written shorter, by what people know of real numbers. Conditions are told apart first, so that each case is a
 * formula of its own; then all that the identities give of it is collected in an e-graph, and the cheapest expression is taken. Only operations
 * on single numbers are taken apart; sums, products of matrices and views are names.
 */
export function shorten(graph: Graph): Graph {
  const b = new GraphBuilder(graph.name, cse(graph));
  for (const [name, id] of Object.entries(b.outputs))
    if (b.type(id).dtype === 'f32' && written(b, id) <= LONGEST) b.outputs[name] = joined(b, casesOf(b, id));
  return dce(cse(b.graph()));
}

/** The operations of an expression. */
function written(b: GraphBuilder, output: NodeId): number {
  const seen = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    b.node(id).inputs.forEach(visit);
  };
  visit(output);
  return seen.size;
}

/** The cases as an expression; where two are the same, one. */
function joined(b: GraphBuilder, cases: Cases, known: readonly Known[] = []): NodeId {
  if (cases.kind === 'one') return shorter(b, cases.id);
  const { condition } = cases;
  const where = [true, false].map((holds) => [...known, { condition, holds }]) as [Known[], Known[]];
  const [yes, no] = [joined(b, cases.yes, where[0]), joined(b, cases.no, where[1])];
  const alike = new Alike(b);
  if (alike.of(yes) === alike.of(no) || agree(b, yes, no, where[1])) return yes;
  return agree(b, yes, no, where[0]) ? no : b.op('select', condition, yes, no);
}

/** Numbers expressions, equal ones alike. */
class Alike {
  private readonly b: GraphBuilder;
  private readonly known = new Map<NodeId, number>();
  private readonly numbers = new Map<string, number>();

  constructor(b: GraphBuilder) {
    this.b = b;
  }

  of(id: NodeId): number {
    const before = this.known.get(id);
    if (before !== undefined) return before;
    const { op, inputs, attrs } = this.b.node(id);
    const leaf = inputs.length === 0 && op !== 'const';
    const text = leaf ? `%${id}` : `${op}${JSON.stringify(attrs)}(${inputs.map((i) => this.of(i)).join()})`;
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    this.known.set(id, number);
    return number;
  }
}

/** The cost of an expression in which what occurs twice is read once. */
function readingCost(b: GraphBuilder, id: NodeId): number {
  const alike = new Alike(b);
  const costs = new Map<number, number>();
  const visit = (i: NodeId): void => {
    if (costs.has(alike.of(i))) return;
    const node = b.node(i);
    costs.set(alike.of(i), node.op === 'const' ? 0.6 : isPointwise(node.op) ? costOf(node.op) : 0.5);
    if (isPointwise(node.op)) node.inputs.forEach(visit);
  };
  visit(id);
  return [...costs.values()].reduce((n, c) => n + c, 0);
}

/** The cheapest to read of what is known to be equal. Another form must save a whole operation: as derived, most are as people write them. */
function shorter(b: GraphBuilder, output: NodeId): NodeId {
  const cheapest = (forms: readonly NodeId[], saves: number): NodeId =>
    forms.reduce((best, id) => (readingCost(b, id) + saves < readingCost(b, best) ? id : best));
  const forms = [output, ...lowestTerms(b, output)].map((id) => cheapest([id, saturated(b, id)], 0));
  return cheapest(forms, 1);
}

/** The cheapest expression that the identities give. */
function saturated(b: GraphBuilder, output: NodeId): NodeId {
  const e = new EGraph((op, values) => pointwise(op as Parameters<typeof pointwise>[0])(...values));
  const classes = new Map<NodeId, number>();
  const into = (id: NodeId): number => {
    const known = classes.get(id);
    if (known !== undefined) return known;
    const node = b.node(id);
    const inside = isPointwise(node.op) && node.op !== 'detach' && node.type.dtype === 'f32' && node.op !== 'select';
    const made =
      node.op === 'const' ? e.add(constantOp(node.attrs.value)) : inside ? e.add(node.op, node.inputs.map(into)) : e.add(`%${id}`);
    classes.set(id, made);
    return made;
  };
  const root = into(output);
  if (classes.size > MOST_NODES) return output;
  saturate(e);
  const best = e.cheapest(costOf);
  const made = new Map<number, NodeId>();
  const out = (id: number): NodeId => {
    const c = e.find(id);
    const known = made.get(c);
    if (known !== undefined) return known;
    const { op, args } = get(best, c);
    const to = op.startsWith('=')
      ? b.full(Number(op.slice(1)), b.type(output))
      : op.startsWith('%')
        ? Number(op.slice(1))
        : b.op(op as PlainOp, ...args.map(out));
    made.set(c, to);
    return to;
  };
  return out(root);
}

const FIRST = rules(IDENTITIES);
const THEN = rules(REORDERINGS);

/** Applies the identities until nothing is new, and the reorderings once between, until there is too much. */
export function saturate(e: EGraph): void {
  for (let round = 0; round < ROUNDS; round++) {
    for (let again = 0; again < ROUNDS && apply(e, FIRST); again++);
    if (e.size > MOST_TERMS || !apply(e, THEN)) break;
  }
  apply(e, FIRST);
}

/** Applies rules once, wherever they fit; whether that told anything new. */
function apply(e: EGraph, identities: readonly Identity[]): boolean {
  const found: (readonly [where: number, right: Pattern, binding: Binding])[] = [];
  for (const { left, right } of identities) {
    let fits = 0;
    for (const id of e.ids())
      for (const binding of matches(e, left, id, new Map())) {
        if (++fits > MOST_FITS) break;
        found.push([id, right, binding]);
      }
  }
  let changed = false;
  for (const [id, right, binding] of found) {
    if (e.size > 2 * MOST_TERMS) break;
    if (e.union(id, instance(e, right, binding))) changed = true;
  }
  e.rebuild();
  return changed;
}

function* matches(e: EGraph, pattern: Pattern, id: number, binding: Binding): Iterable<Binding> {
  const c = e.find(id);
  if (pattern.kind === 'number') {
    if (e.constantOf(c) === pattern.value) yield binding;
    return;
  }
  if (pattern.kind === 'var') {
    const before = binding.get(pattern.name);
    if (before === undefined) yield new Map([...binding, [pattern.name, c]]);
    else if (e.find(before) === c) yield binding;
    return;
  }
  for (const node of e.nodesOf(c)) if (node.op === pattern.op) yield* operands(e, pattern.args, node, 0, binding);
}

function* operands(e: EGraph, patterns: readonly Pattern[], node: Term, i: number, binding: Binding): Iterable<Binding> {
  const pattern = patterns[i];
  if (!pattern) {
    yield binding;
    return;
  }
  for (const b of matches(e, pattern, at(node.args, i), binding)) yield* operands(e, patterns, node, i + 1, b);
}

function instance(e: EGraph, pattern: Pattern, binding: Binding): number {
  if (pattern.kind === 'number') return e.add(constantOp(pattern.value));
  if (pattern.kind === 'var') return get(binding, pattern.name);
  return e.add(
    pattern.op,
    pattern.args.map((a) => instance(e, a, binding)),
  );
}
