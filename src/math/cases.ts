import { at } from '../base/errors.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { isPointwise, pointwise } from '../ir/graph/pointwise.ts';
import type { Node, NodeId } from '../ir/graph/types.ts';

/** An expression by cases, as one writes it: what holds where the condition does, and what elsewhere. */
export type Cases =
  | { readonly kind: 'one'; readonly id: NodeId }
  | { readonly kind: 'two'; readonly condition: NodeId; readonly yes: Cases; readonly no: Cases };

/** A comparison of a value with a number, and whether it is meant the other way round. */
interface Bound {
  readonly of: NodeId;
  readonly than: number;
  readonly kind: 'lt' | 'le';
  readonly not: boolean;
}

/** What is known of a value: it lies above `low` and below `high`, which it may equal or not. */
interface Range {
  readonly low: number;
  readonly high: number;
  readonly lowOpen: boolean;
  readonly highOpen: boolean;
}

const ANY: Range = { low: -Infinity, high: Infinity, lowOpen: true, highOpen: true };
/** So many conditions are told apart. */
const DEEPEST = 4;

/** Takes the conditions of an expression apart: each case knows which of them hold. Equal parts of the graph must be one node. */
export function casesOf(b: GraphBuilder, id: NodeId, known: ReadonlyMap<NodeId, Range> = new Map(), depth = 0): Cases {
  const reduced = new Reducer(b, known).reduce(id);
  const condition = depth < DEEPEST ? firstCondition(b, reduced) : undefined;
  const bound = condition === undefined ? undefined : boundOf(b, condition);
  if (condition === undefined || !bound) return { kind: 'one', id: reduced };
  const range = known.get(bound.of) ?? ANY;
  const when = (holds: boolean): Cases => casesOf(b, reduced, new Map([...known, [bound.of, narrowed(range, bound, holds)]]), depth + 1);
  return { kind: 'two', condition, yes: when(true), no: when(false) };
}

/** The first condition of a choice that compares a value with a number. */
function firstCondition(b: GraphBuilder, id: NodeId): NodeId | undefined {
  const seen = new Set<NodeId>();
  const atoms = (c: NodeId): NodeId | undefined => {
    const node = b.node(c);
    if (node.op === 'and' || node.op === 'or' || node.op === 'not') {
      for (const i of node.inputs) {
        const found = atoms(i);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    const bound = boundOf(b, c);
    return bound && firstCondition(b, bound.of) === undefined ? c : undefined;
  };
  const visit = (i: NodeId): NodeId | undefined => {
    if (seen.has(i)) return undefined;
    seen.add(i);
    const node = b.node(i);
    // The outer choice first: it often decides the inner one.
    const own = node.op === 'select' ? atoms(at(node.inputs, 0)) : undefined;
    if (own !== undefined) return own;
    for (const input of node.inputs) {
      const found = visit(input);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(id);
}

/** `a < 3`, `3 <= a`, `0 < -a` as a bound of a. */
function boundOf(b: GraphBuilder, id: NodeId): Bound | undefined {
  const node = b.node(id);
  if (node.op !== 'lt' && node.op !== 'le') return undefined;
  const [left, right] = node.inputs.map((i) => b.node(i)) as [Node, Node];
  const other = node.op === 'lt' ? 'le' : 'lt';
  const stripped = (of: Node, than: number, kind: 'lt' | 'le', not: boolean): Bound =>
    // -a < k is -k < a, which is not a <= -k.
    of.op === 'neg' ? stripped(b.node(at(of.inputs, 0)), -than, kind === 'lt' ? 'le' : 'lt', !not) : { of: of.id, than, kind, not };
  if (right.op === 'const' && left.op !== 'const') return stripped(left, right.attrs.value, node.op, false);
  // k < a is not a <= k.
  if (left.op === 'const' && right.op !== 'const') return stripped(right, left.attrs.value, other, true);
  return undefined;
}

function narrowed(r: Range, { than, kind, not }: Bound, holds: boolean): Range {
  if (holds !== not) {
    // Below `than`.
    const open = kind === 'lt';
    return than < r.high || (than === r.high && open) ? { ...r, high: than, highOpen: open } : r;
  }
  const open = kind === 'le';
  return than > r.low || (than === r.low && open) ? { ...r, low: than, lowOpen: open } : r;
}

/** Whether a bound holds in a range; undefined if it may or may not. */
function decided(r: Range, { than, kind, not }: Bound): boolean | undefined {
  const below = r.high < than || (r.high === than && (kind === 'le' || r.highOpen));
  const above = r.low > than || (r.low === than && (kind === 'lt' || r.lowOpen));
  return below ? !not : above ? not : undefined;
}

/** Rewrites an expression by what is known of its values. */
class Reducer {
  private readonly made = new Map<NodeId, NodeId>();
  private readonly b: GraphBuilder;
  private readonly known: ReadonlyMap<NodeId, Range>;

  constructor(b: GraphBuilder, known: ReadonlyMap<NodeId, Range>) {
    this.b = b;
    this.known = known;
  }

  reduce(id: NodeId): NodeId {
    const before = this.made.get(id);
    if (before !== undefined) return before;
    const to = this.reduced(this.b.node(id));
    this.made.set(id, to);
    return to;
  }

  private truth(value: boolean, like: NodeId): NodeId {
    return this.b.full(value ? 1 : 0, this.b.type(like));
  }

  private reduced(node: Node): NodeId {
    const { b } = this;
    if (!isPointwise(node.op)) return node.id;
    const bound = boundOf(b, node.id);
    const range = bound && this.known.get(bound.of);
    const answer = bound && range ? decided(range, bound) : undefined;
    if (answer !== undefined) return this.truth(answer, node.id);
    const args = node.inputs.map((i) => this.reduce(i));
    const values = args.map((i) => {
      const arg = b.node(i);
      return arg.op === 'const' ? arg.attrs.value : undefined;
    });
    const [p, q] = values;
    if (node.op === 'select' && p !== undefined) return at(args, p !== 0 ? 1 : 2);
    if ((node.op === 'and' && (p === 0 || q === 0)) || (node.op === 'or' && (p === 1 || q === 1)))
      return this.truth(node.op === 'or', node.id);
    if (node.op === 'and' || node.op === 'or') {
      if (p !== undefined) return at(args, 1);
      if (q !== undefined) return at(args, 0);
    }
    if (values.every((v) => v !== undefined)) {
      const value = pointwise(node.op)(...(values as number[]));
      if (Number.isFinite(value)) return b.full(value, node.type);
    }
    return args.every((a, i) => a === node.inputs[i]) ? node.id : b.add(node.op, args, node.attrs as never);
  }
}
