import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { contractWork } from '../../ir/graph/contract.ts';
import { isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';

/** One reading of a value by an operation that is not a view. */
export interface Use {
  readonly consumer: NodeId;
  /** How often each element is read. */
  readonly factor: number;
  /** Only reshapes and permutes lie between: every element is read at exactly one place. */
  readonly bijective: boolean;
}

/** Who reads each node, looking through views. */
export function findUses(graph: Graph): ReadonlyMap<NodeId, readonly Use[]> {
  const uses = new Map<NodeId, Use[]>();
  for (const consumer of graph.nodes) {
    if (isView(consumer) || isLeaf(consumer)) continue;
    consumer.inputs.forEach((input) => {
      let node = at(graph.nodes, input);
      const seen = count(node.type.shape);
      let bijective = true;
      while (isView(node)) {
        if (node.op !== 'reshape' && node.op !== 'permute') bijective = false;
        node = at(graph.nodes, at(node.inputs, 0));
      }
      const factor = (seen / count(node.type.shape)) * reuse(graph, consumer, input);
      uses.set(node.id, [...(uses.get(node.id) ?? []), { consumer: consumer.id, factor, bijective }]);
    });
  }
  return uses;
}

/** How often an operation reads each element of an operand. */
function reuse(graph: Graph, consumer: Node, input: NodeId): number {
  const shape = (id: NodeId) => at(graph.nodes, id).type.shape;
  if (consumer.op === 'contract')
    return contractWork(consumer.attrs.spec, shape(at(consumer.inputs, 0)), shape(at(consumer.inputs, 1))) / count(shape(input));
  if (consumer.op === 'unwindow') return 1;
  if (consumer.op === 'scatter_add')
    return count(consumer.type.shape) / Math.max(1, count(shape(at(consumer.inputs, 1))) / count(shape(at(consumer.inputs, 0))));
  if (consumer.op === 'gather' && input === consumer.inputs[0]) return Math.max(1, count(consumer.type.shape) / count(shape(input)));
  return 1;
}
