import { get } from '../../base/errors.ts';
import type { TensorType } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, Node, NodeId, Op, OpAttrs } from '../../ir/graph/types.ts';

/** Adds a copy of a node with other operands. */
export function copyNode(
  b: GraphBuilder,
  node: Node,
  inputs: readonly NodeId[],
  attrs: OpAttrs[Op] = node.attrs,
  type: TensorType = node.type,
): NodeId {
  return b.add(node.op, inputs, attrs, type, { name: node.name, loc: node.loc });
}

/**
 * Rebuilds a graph node by node. `visit` gets each node with its rebuilt operands and returns its replacement; undefined keeps the node.
 * `stateName` may rename the states that are written.
 */
export function rebuild(
  graph: Graph,
  visit: (node: Node, inputs: readonly NodeId[], b: GraphBuilder) => NodeId | undefined,
  stateName: (state: string) => string = (state) => state,
): Graph {
  const b = new GraphBuilder(graph.name);
  const map = new Map<NodeId, NodeId>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => get(map, i));
    const replacement = b.within({ name: node.name, loc: node.loc }, () => visit(node, inputs, b));
    map.set(node.id, replacement ?? copyNode(b, node, inputs));
  }
  for (const [name, id] of Object.entries(graph.outputs)) b.outputs[name] = get(map, id);
  for (const write of graph.writes) b.writes.push({ state: stateName(write.state), value: get(map, write.value) });
  return b.graph();
}

/** Keeps the nodes in `keep`, in order, with new ids. */
export function filterNodes(graph: Graph, keep: ReadonlySet<NodeId>): Graph {
  const b = new GraphBuilder(graph.name);
  const map = new Map<NodeId, NodeId>();
  for (const node of graph.nodes) {
    if (keep.has(node.id)) {
      map.set(
        node.id,
        copyNode(
          b,
          node,
          node.inputs.map((i) => get(map, i)),
        ),
      );
    }
  }
  for (const [name, id] of Object.entries(graph.outputs)) b.outputs[name] = get(map, id);
  for (const write of graph.writes) b.writes.push({ state: write.state, value: get(map, write.value) });
  return b.graph();
}
