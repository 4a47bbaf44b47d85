import { get } from '../../base/errors.ts';
import type { GraphBuilder } from './builder.ts';
import type { Graph, Node, NodeId } from './types.ts';

/** Adds the nodes of a graph to a builder, or those in `only`; `instead` may replace a node. Returns the new id of each. */
export function copyNodes(
  b: GraphBuilder,
  graph: Graph,
  instead: (node: Node) => NodeId | undefined,
  only?: ReadonlySet<NodeId>,
): ReadonlyMap<NodeId, NodeId> {
  const map = new Map<NodeId, NodeId>();
  for (const node of graph.nodes) {
    if (only && !only.has(node.id)) continue;
    const made = instead(node);
    if (made !== undefined) {
      map.set(node.id, made);
      continue;
    }
    const inputs = node.inputs.map((i) => get(map, i));
    map.set(node.id, b.add(node.op, inputs, node.attrs, node.type, { name: node.name, loc: node.loc }));
  }
  return map;
}
