import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { isLeaf, isView, operandTypes, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** A read of a value by an operation that is not a view. */
export interface Use {
  readonly consumer: NodeId;
  /** How often each element is read. */
  readonly factor: number;
  /** Whether all views in between read every element exactly once. */
  readonly bijective: boolean;
}

/** Who reads each node, looking through views. */
export function findUses(graph: Graph): ReadonlyMap<NodeId, readonly Use[]> {
  const uses = new Map<NodeId, Use[]>();
  for (const consumer of graph.nodes) {
    if (isView(consumer) || isLeaf(consumer)) continue;
    const types = operandTypes(graph, consumer);
    consumer.inputs.forEach((input, operand) => {
      let node = at(graph.nodes, input);
      const seen = count(node.type.shape);
      let bijective = true;
      while (isView(node)) {
        if (!recordOf(node).bijective) bijective = false;
        node = at(graph.nodes, at(node.inputs, 0));
      }
      const factor = (seen / count(node.type.shape)) * recordOf(consumer).reuse(consumer, operand, types);
      const use = { consumer: consumer.id, factor, bijective };
      const known = uses.get(node.id);
      if (known) known.push(use);
      else uses.set(node.id, [use]);
    });
  }
  return uses;
}
