import { isGradOutput } from '../../base/outputs.ts';
import { at } from '../../base/errors.ts';
import { roundF16 } from '../../base/math.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { baseOf, isView, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { inBodies } from './bodies.ts';
import { PARAMS } from './pack.ts';
import { copyNode, rebuild } from './rewrite.ts';

/** Whether binary16 holds every value of a node exactly; `operand` says the same of its operands. */
function holdsHalf(node: Node, operand: (i: number) => boolean): boolean {
  return node.type.dtype === 'f32' && recordOf(node).halves(node, operand);
}

/** For each node of a graph, whether binary16 holds all its values exactly. */
export function holdHalves(graph: Graph): boolean[] {
  const found: boolean[] = [];
  for (const node of graph.nodes) found.push(holdsHalf(node, (i) => found[at(node.inputs, i)] === true));
  return found;
}

/**
 * Products in binary16: operands are rounded before, and results after the whole sum, so both can be stored in two bytes. Sums are float32,
 * and so are parameter gradients that a single product gives; these are not rounded. This is the mixed-precision policy of Micikevicius et
 * al., 2018.
 */
export function roundProducts(given: Graph): Graph {
  const graph = inBodies(given, roundProducts);
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

/** Rounds a value below its views, so that it is rounded once however many views read it. */
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
 * The last node of each sum that starts with a product, which is where it is rounded; and the bias gradients that sum an operand of a
 * product, which use the same rounded operand.
 */
function sumsOf(graph: Graph): { readonly ends: ReadonlySet<NodeId>; readonly biases: ReadonlySet<NodeId> } {
  const readers = new Map<NodeId, NodeId[]>();
  for (const node of graph.nodes) for (const i of new Set(node.inputs)) readers.set(i, [...(readers.get(i) ?? []), node.id]);
  const outputs = new Map(Object.entries(graph.outputs).map(([name, id]) => [id, name]));
  const writes = new Set(graph.writes.map((w) => w.value));
  /** Follows the nodes from here that only continue the sum, and tells whether they end in a parameter's gradient. */
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

/** Whether a reader only continues the sum: it reduces it, adds a parameter to it, or views it. */
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
