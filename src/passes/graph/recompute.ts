import { at, get } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { isMovement } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { comparedWithThemselves } from '../compared.ts';
import { copyNode } from './rewrite.ts';

/** Values with fewer elements are kept: they need little memory. */
const LARGE = 1024;

/**
 * Gradient checkpointing (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016): keeps only the forward values that cross the
 * borders of `segments` segments, and recomputes each segment when the backward pass reaches it. That saves memory for at most one more
 * forward pass. The forward pass is the nodes up to the loss. Random numbers are functions of index and step, so they come out the same.
 */
export function recompute(graph: Graph, segments: number): Graph {
  const loss = graph.outputs['loss'];
  if (loss === undefined || segments < 2) return graph;
  const kept = keptValues(graph, loss, segments);
  const b = new GraphBuilder(graph.name);
  const map = new Map<NodeId, NodeId>();
  const again = new Map<NodeId, NodeId>();
  /** A forward value as the backward pass reads it. */
  const backward = (id: NodeId): NodeId => {
    if (id > loss || kept.has(id)) return get(map, id);
    const known = again.get(id);
    if (known !== undefined) return known;
    const node = at(graph.nodes, id);
    const made = copyNode(b, node, node.inputs.map(backward));
    again.set(id, made);
    return made;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => (node.id > loss ? backward(i) : get(map, i)));
    map.set(node.id, copyNode(b, node, inputs));
  }
  for (const [name, id] of Object.entries(graph.outputs)) b.outputs[name] = get(map, id);
  for (const w of graph.writes) b.writes.push({ state: w.state, value: get(map, w.value) });
  return b.graph();
}

/** Values that are not recomputed: leaves, small values, those that cross a border, and the segment before the loss. */
function keptValues(graph: Graph, loss: NodeId, segments: number): ReadonlySet<NodeId> {
  const moves = (id: NodeId): boolean => isMovement(at(graph.nodes, id));
  const size = (id: NodeId): number => count(at(graph.nodes, id).type.shape);
  const forward = graph.nodes.filter((n) => n.id <= loss);
  const kept = new Set(forward.filter((n) => n.inputs.length === 0 || (!moves(n.id) && size(n.id) < LARGE)).map((n) => n.id));
  [...Object.values(graph.outputs), ...graph.writes.map((w) => w.value), ...comparedWithThemselves(graph)].forEach((id) => kept.add(id));
  /** Each node's last reader in the forward pass. */
  const last = new Map<NodeId, NodeId>();
  for (const n of forward) for (const i of n.inputs) last.set(i, n.id);
  const total = forward.reduce((n, node) => n + (moves(node.id) ? 0 : size(node.id)), 0);
  let passed = 0;
  let border = total / segments;
  for (const n of forward) {
    if (!moves(n.id)) passed += size(n.id);
    if (passed < border) continue;
    border += total / segments;
    if (border > total * (1 + 0.5 / segments)) {
      forward.filter((m) => m.id > n.id).forEach((m) => kept.add(m.id));
      break;
    }
    // A view that crosses a border keeps what it views.
    for (const m of forward) if (m.id <= n.id && (last.get(m.id) ?? -1) > n.id) keep(graph, m.id, kept);
  }
  return kept;
}

function keep(graph: Graph, id: NodeId, kept: Set<NodeId>): void {
  kept.add(id);
  const node = at(graph.nodes, id);
  if (isMovement(node)) node.inputs.forEach((i) => keep(graph, i, kept));
}
