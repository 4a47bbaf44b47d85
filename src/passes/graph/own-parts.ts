import { at } from '../../base/errors.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/**
 * A value that is several parts of the vector of gradients, such as that of the biases of two layers whose results are added, is copied for each
 * part after the first: then every part is computed where it belongs, while otherwise the whole vector would be put together by copying.
 */
export function ownParts(graph: Graph): Graph {
  const taken = new Set<NodeId>();
  const value = (id: NodeId): NodeId => {
    const node = at(graph.nodes, id);
    return node.op === 'reshape' ? value(at(node.inputs, 0)) : id;
  };
  return rebuild(graph, (node, inputs, b) => {
    if (node.op !== 'concat' || node.type.shape.length !== 1) return undefined;
    const parts = node.inputs.map((i, k) => {
      const id = value(i);
      if (taken.has(id)) return b.op('detach', at(inputs, k));
      taken.add(id);
      return at(inputs, k);
    });
    return b.add('concat', parts, node.attrs);
  });
}
