import { at } from '../../base/errors.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** Whether a kernel stores more than one element per point. */
export function isRowwise(graph: Graph, g: { readonly roots: readonly NodeId[]; readonly rank: number }): boolean {
  return g.roots.some((r) => at(graph.nodes, r).type.shape.length > g.rank);
}
