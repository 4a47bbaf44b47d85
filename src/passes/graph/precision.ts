import { isGradOutput } from '../../base/outputs.ts';
import { at } from '../../base/errors.ts';
import { roundF16 } from '../../base/math.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { baseOf, isView, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { PARAMS } from './pack.ts';
import { copyNode, rebuild } from './rewrite.ts';

/** Whether binary16 can hold every value of a node, given whether it can hold those of its operands. */
function holdsHalf(node: Node, operand: (i: number) => boolean): boolean {
  return node.type.dtype === 'f32' && recordOf(node).halves(node, operand);
}

/** Whether binary16 can hold every value, for each node of a graph. */
export function holdHalves(graph: Graph): boolean[] {
  const found: boolean[] = [];
  for (const node of graph.nodes) found.push(holdsHalf(node, (i) => found[at(node.inputs, i)] === true));
  return found;
}

/**
 * Products of binary16: their operands are rounded to it before, and their results after all that is summed, so that both may lie
 * in memory as two bytes. What is summed is float32, and so are the gradients of parameters that one product gives, which are not
 * rounded: the policy of mixed precision (Micikevicius et al., 2018).
 */
export function roundProducts(graph: Graph): Graph {
  const { ends, biases } = sumsOf(graph);
  const known: boolean[] = [];
  const halves = new Map<NodeId, NodeId>();
  return rebuild(graph, (node, inputs, b) => {
    const rounded = (id: NodeId): NodeId => {
      const before = halves.get(id);
      if (before !== undefined) return before;
      const made = roundedBelow(b, id, known, rounded);
      halves.set(id, made);
      return made;
    };
    const product = node.op === 'contract' || biases.has(node.id) ? copyNode(b, node, inputs.map(rounded)) : undefined;
    if (!ends.has(node.id)) return product;
    return rounded(product ?? copyNode(b, node, inputs));
  });
}

/** A value rounded: below its views, so that what is read in many ways is rounded once. */
function roundedBelow(b: GraphBuilder, id: NodeId, known: boolean[], rounded: (id: NodeId) => NodeId): NodeId {
  for (let i = known.length; i < b.nodes.length; i++) {
    const node = b.node(i);
    known.push(holdsHalf(node, (k) => known[at(node.inputs, k)] === true));
  }
  if (known[id]) return id;
  const node = b.node(id);
  if (isView(node) && (node.op !== 'pad' || roundF16(node.attrs.value) === node.attrs.value))
    return copyNode(b, node, node.inputs.map(rounded));
  return b.op('round_f16', id);
}

/**
 * Where the sums that begin with products end, which is where they are rounded; and the gradients of biases, that are sums of what a
 * product takes, rounded as it is there.
 */
function sumsOf(graph: Graph): { readonly ends: ReadonlySet<NodeId>; readonly biases: ReadonlySet<NodeId> } {
  const readers = new Map<NodeId, NodeId[]>();
  for (const node of graph.nodes) for (const i of new Set(node.inputs)) readers.set(i, [...(readers.get(i) ?? []), node.id]);
  const outputs = new Map(Object.entries(graph.outputs).map(([name, id]) => [id, name]));
  const writes = new Set(graph.writes.map((w) => w.value));
  /** The nodes from here on that do nothing but sum up, and whether they give the gradient of a parameter. */
  const follow = (from: Node): { readonly end: NodeId; readonly gradient: boolean } => {
    let end = from.id;
    let last = from;
    for (;;) {
      const [reader, ...others] = readers.get(last.id) ?? [];
      if (reader === undefined || others.length > 0 || outputs.has(last.id) || writes.has(last.id)) break;
      const next = at(graph.nodes, reader);
      if (!goesOn(graph, next, last.id)) break;
      last = next;
      if (!isView(next)) end = next.id;
    }
    return { end, gradient: isGradOutput(outputs.get(last.id) ?? '') };
  };
  const taken = new Set(graph.nodes.flatMap((n) => (n.op === 'contract' ? n.inputs.map((i) => baseOf(graph, i)) : [])));
  const ends = new Set<NodeId>();
  const biases = new Set<NodeId>();
  for (const node of graph.nodes) {
    if (node.op === 'contract') {
      const { end, gradient } = follow(node);
      if (!gradient) ends.add(end);
    } else if (node.op === 'reduce_sum' && taken.has(baseOf(graph, at(node.inputs, 0))) && follow(node).gradient) biases.add(node.id);
  }
  return { ends, biases };
}

/** Whether a reader only goes on summing: it adds up, adds a parameter, or looks at the same in another way. */
function goesOn(graph: Graph, reader: Node, from: NodeId): boolean {
  if (reader.op === 'reduce_sum' || reader.op === 'unwindow' || isView(reader)) return true;
  if (reader.op !== 'add') return false;
  const other = reader.inputs.find((i) => i !== from);
  return other !== undefined && isParameter(graph, other);
}

function isParameter(graph: Graph, id: NodeId): boolean {
  const node = at(graph.nodes, baseOf(graph, id));
  return node.op === 'state' && node.attrs.name === PARAMS;
}
