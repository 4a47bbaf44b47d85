import { at } from '../base/errors.ts';
import { baseOf, isLeaf, isView, recordOf } from '../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';

/**
 * Values that are compared with something that has the same bits: with their own maximum, as in the gradient of a maximum, or with each
 * other, as in sorting. If such a value is computed twice, in two kernels or loops, its last bit may differ (a driver may contract a*b + c
 * to an fma in one and not in the other), and then nothing equals the maximum. So it is computed once and stored, and both sides read it
 * from memory. Values that come out the same wherever they are computed are left out.
 */
export function comparedWithThemselves(graph: Graph): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  const safe = new Map<NodeId, boolean>();
  for (const node of graph.nodes) {
    const sides = sidesOf(graph, node);
    if (!sides) continue;
    const { a, b } = sides;
    const [bitsA, bitsB] = [bitsOf(graph, a), bitsOf(graph, b)];
    const common = new Set([...bitsA].filter((key) => bitsB.has(key)));
    if (common.size === 0) continue;
    for (const id of [...firstOf(graph, a, common), ...firstOf(graph, b, common)])
      if (!isExact(graph, id, safe) || (sides.subtracted && isProduct(graph, id))) found.add(id);
  }
  return found;
}

interface Sides {
  readonly a: NodeId;
  readonly b: NodeId;
  readonly subtracted: boolean;
}

/** The two sides of a comparison: its operands or, for x - y < 0, the operands of the difference. */
function sidesOf(graph: Graph, node: Node): Sides | undefined {
  if (node.op !== 'lt' && node.op !== 'le' && node.op !== 'eq' && node.op !== 'before') return undefined;
  const [a, b] = node.inputs.map((i) => at(graph.nodes, baseOf(graph, i)));
  if (a?.type.dtype !== 'f32' || !b) return undefined;
  const [difference, other] = a.op === 'sub' ? [a, b] : [b, a];
  if (difference.op === 'sub' && other.op === 'const')
    return { a: at(difference.inputs, 0), b: at(difference.inputs, 1), subtracted: true };
  return { a: at(node.inputs, 0), b: at(node.inputs, 1), subtracted: false };
}

/** A value whose bits are passed on, and whether its sign is flipped. */
type Bits = `${NodeId}/${boolean}`;
const bits = (id: NodeId, turned: boolean): Bits => `${id}/${turned}`;

const handsOn = (graph: Graph, node: Node): readonly NodeId[] => recordOf(node).handsOn(node, (id) => at(graph.nodes, baseOf(graph, id)));

/** Visits every value whose bits a value may hold; `visit` returns whether to continue below. */
function follow(graph: Graph, id: NodeId, visit: (key: Bits, node: Node) => boolean): void {
  const seen = new Set<Bits>();
  const go = (id: NodeId, turned: boolean): void => {
    const node = at(graph.nodes, id);
    const key = bits(id, turned);
    if (seen.has(key) || isLeaf(node)) return;
    seen.add(key);
    if (!isView(node) && !visit(key, node)) return;
    handsOn(graph, node).forEach((i) => go(i, turned !== (node.op === 'neg')));
  };
  go(id, false);
}

function bitsOf(graph: Graph, id: NodeId): Set<Bits> {
  const found = new Set<Bits>();
  follow(graph, id, (key) => {
    found.add(key);
    return true;
  });
  return found;
}

/** The first values on the way down from one side that both sides share. */
function firstOf(graph: Graph, id: NodeId, common: ReadonlySet<Bits>): NodeId[] {
  const found: NodeId[] = [];
  follow(graph, id, (key, node) => {
    if (!common.has(key)) return true;
    found.push(node.id);
    return false;
  });
  return found;
}

/** Whether a value has the same bits wherever it is computed, given operands that are computed once. */
function isExact(graph: Graph, id: NodeId, known: Map<NodeId, boolean>): boolean {
  const before = known.get(id);
  if (before !== undefined) return before;
  const node = at(graph.nodes, id);
  const { exact } = recordOf(node);
  const alone = exact === 'always' || (exact === 'unless contracted' && !node.inputs.some((i) => isProduct(graph, i)));
  const result = exact === 'once' || (alone && node.inputs.every((i) => isExact(graph, i, known)));
  known.set(id, result);
  return result;
}

/** Whether the value is a product, which may be contracted with the sum or difference that reads it. */
function isProduct(graph: Graph, id: NodeId): boolean {
  const { op, inputs } = at(graph.nodes, baseOf(graph, id));
  return op === 'mul' || ((op === 'neg' || op === 'abs') && isProduct(graph, at(inputs, 0)));
}
