import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { OPS } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';

/** Nodes that depend on a sequence, with those of their axes that run over its positions. */
export type Time = ReadonlyMap<NodeId, readonly number[]>;

/** The axes of a node that run over positions. */
export const timed = (time: Time, id: NodeId): readonly number[] => time.get(id) ?? [];

/** Follows the positions of an input, which lie on `axis`, through a graph. */
export function timeAxes(graph: Graph, input: string, axis: number): Time {
  const found = new Map<NodeId, readonly number[]>();
  for (const node of graph.nodes) {
    if (node.op === 'input' && node.attrs.name === input) found.set(node.id, [axis]);
    else if (node.inputs.some((i) => found.has(i))) found.set(node.id, axesOf(graph, node, found));
  }
  return found;
}

function axesOf(graph: Graph, node: Node, time: Time): readonly number[] {
  const [x = -1, y = -1] = node.inputs;
  const mine = timed(time, x);
  const unique = (axes: readonly number[]): number[] => [...new Set(axes)].sort((a, b) => a - b);
  if (node.op === 'broadcast') return mine.map((a) => at(node.attrs.axes, a));
  if (node.op === 'permute') return unique(mine.map((a) => node.attrs.perm.indexOf(a)));
  if (node.op === 'reduce_sum' || node.op === 'reduce_max') {
    const { axes } = node.attrs;
    return mine.filter((a) => !axes.includes(a)).map((a) => a - axes.filter((r) => r < a).length);
  }
  if (node.op === 'contract') {
    const [from = '', to = ''] = node.attrs.spec.split('->');
    const labels = from.split(',').flatMap((l, k) => timed(time, at(node.inputs, k)).map((a) => at([...l], a)));
    return unique(labels.map((l) => to.indexOf(l)).filter((i) => i >= 0));
  }
  if (node.op === 'reshape') {
    const [from, to] = [fixedShape(at(graph.nodes, x).type.shape), fixedShape(node.type.shape)];
    const before = (shape: readonly number[], i: number): number => shape.slice(0, i).reduce((a, b) => a * b, 1);
    // An axis that was cut up or merged leaves no axis of positions: whoever asks for its rows is refused.
    return unique(mine.flatMap((a) => to.flatMap((d, i) => (d === from[a] && before(to, i) === before(from, a) ? [i] : []))));
  }
  if (node.op === 'scan') {
    // A place of a loop depends on earlier ones alone, if it runs forwards and all else is the same for all places.
    const { reverse, take, names, each } = node.attrs;
    const fine = node.inputs.every((i, k) => (each.includes(at(names, k)) ? timed(time, i).every((a) => a === 0) : !time.has(i)));
    return take === 'each' && !reverse && fine ? [0] : [];
  }
  if (node.op === 'gather') {
    const rank = at(graph.nodes, y).type.shape.length;
    return unique([...timed(time, y), ...mine.filter((a) => a > 0).map((a) => a - 1 + rank)]);
  }
  if (OPS[node.op].family === 'pointwise' || node.op === 'slice' || node.op === 'pad' || node.op === 'concat')
    return unique(node.inputs.flatMap((i) => timed(time, i)));
  return [];
}

/** Values at most as low as this vanish in a softmax. */
const VERY_LOW = -1e30;

/**
 * What a value is where the position on axis `s` lies after the one on axis `q`: `low` (a very low number, as a causal mask puts it there)
 * or `zero` (what becomes of it in a softmax); undefined if that cannot be told.
 */
export function isMaskedBefore(graph: Graph, id: NodeId, q: number, s: number): 'low' | 'zero' | undefined {
  const node = at(graph.nodes, id);
  const of = (i: number): ReturnType<typeof isMaskedBefore> => isMaskedBefore(graph, at(node.inputs, i), q, s);
  if (node.op === 'select') {
    const value = at(graph.nodes, at(node.inputs, 1));
    if (value.op === 'const' && value.attrs.value <= VERY_LOW && isBefore(graph, at(node.inputs, 0), q, s)) return 'low';
    return of(1) === of(2) ? of(1) : undefined;
  }
  // What is taken away is the maximum of the row, which is a usual number.
  if (node.op === 'sub') return of(0);
  if (node.op === 'exp') return of(0) === 'low' ? 'zero' : undefined;
  if (node.op === 'mul') return of(0) === 'zero' || of(1) === 'zero' ? 'zero' : undefined;
  if (node.op === 'div') return of(0) === 'zero' ? 'zero' : undefined;
  if (node.op === 'detach' || node.op === 'round_f16') return of(0) === 'zero' ? 'zero' : undefined;
  return undefined;
}

/** Whether a condition says that the position on axis `q` is before the one on axis `s`. */
function isBefore(graph: Graph, id: NodeId, q: number, s: number): boolean {
  const node = at(graph.nodes, id);
  if (node.op !== 'lt') return false;
  const [a, b] = node.inputs.map((i) => at(graph.nodes, i));
  return a?.op === 'iota' && a.attrs.axis === q && b?.op === 'iota' && b.attrs.axis === s;
}
