import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { isView } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** Smaller values are padded where they are read, since another kernel would cost more. */
const LARGE_PAD = 16_384;

/**
 * Padded values that a product reads through sliding windows: every element is read many times, and if the border is stored too, reads need
 * no bounds checks.
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
