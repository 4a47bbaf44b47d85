import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { isView } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** Smaller values are padded where they are read: a kernel more would cost more. */
const LARGE_PAD = 16_384;

/**
 * Padded values of which a product reads sliding windows: every element is read many times, and stored with its border it
 * can be read without asking whether it is inside.
 */
export function paddedWindows(graph: Graph): NodeId[] {
  const found = new Set<NodeId>();
  for (const product of graph.nodes) {
    if (product.op !== 'contract') continue;
    for (const input of product.inputs) {
      let node = at(graph.nodes, input);
      let slides = false;
      while (isView(node) && !(slides && node.op === 'pad')) {
        slides ||= node.op === 'window';
        node = at(graph.nodes, at(node.inputs, 0));
      }
      if (node.op === 'pad' && count(node.type.shape) >= LARGE_PAD) found.add(node.id);
    }
  }
  return [...found];
}
