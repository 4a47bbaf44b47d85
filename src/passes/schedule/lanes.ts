import { at } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import { operandTypes, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { isRowwise } from './rows.ts';
import type { Target } from './tiling.ts';
import type { Group, Schedule } from './types.ts';

/**
 * The lanes of a workgroup share a reduction if there would be few threads with long sums. With more results the device is busy anyway, and
 * barriers cost more than they gain. A single result is also rounded less.
 */
function worthSharing(outputs: number, length: number): boolean {
  return (outputs === 1 && length >= 64) || (outputs <= 64 && length >= 512);
}

/**
 * On a real GPU, lanes that go through a row side by side read whole lines of memory, and even thousands of threads do not keep it busy.
 * Lanes share a row if all sums of the group are sums over a row.
 */
function lanesOfRows(s: Schedule, group: Group, lanes: number): number {
  const { nodes } = s.graph;
  const shape = fixedShape(at(nodes, at(group.stores, 0).node).type.shape);
  const rows = shape.slice(0, group.rank);
  const outputs = count(rows);
  const inside = [...group.roots, ...group.inlined].map((id) => at(nodes, id));
  const sums = inside.filter((n) => recordOf(n).sum);
  // Lanes count through all axes of a sum as one, which hides from proofs where a border is.
  if (readsGuarded(s, group)) return 1;
  const overRows = sums.every((n) => recordOf(n).sum?.shared === true && fixedShape(n.type.shape).join() === rows.join());
  if (sums.length === 0 || !overRows) return 1;
  const length = Math.max(...sums.map((n) => count(summedShape(s.graph, n))));
  const most = sums.some((n) => n.op === 'contract') ? FEW : length >= LONG ? Infinity : isRowwise(s.graph, group) ? MANY : FEW;
  if (length < SHORT_SUM || outputs > most) return 1;
  return length >= LONG ? MOST_LANES : lanes;
}

/**
 * Shorter sums are over before lanes have met. Up to so many results keep a GPU so little busy that a thread waits for each of its loads: a
 * sum of 128 products took 30 microseconds on an NVIDIA H200. Rows are read badly by one thread each, up to where there are many.
 */
const SHORT_SUM = 64;
const FEW = 4096;
const MANY = 32_768;
/** What takes more lanes: a few would be long underway, each waiting for one element after the other. */
const LONG = 256;
const MOST_LANES = 256;

/** How many lanes share each point of a group's kernel: those of the target for a long reduction with few results, else 1. */
export function chooseLanes(s: Schedule, group: Group, { lanes: most, stages = false }: Pick<Target, 'lanes' | 'stages'>): number {
  const along = most > 1 && stages && s.level > 0 ? lanesOfRows(s, group, most) : 1;
  if (along > 1) return along;
  if (most === 1 || isRowwise(s.graph, group)) return 1;
  const { nodes } = s.graph;
  const outputs = count(at(nodes, at(group.stores, 0).node).type.shape);
  const anchors = [...group.roots, ...group.inlined].map((id) => at(nodes, id)).filter((n) => recordOf(n).sum);
  const [anchor] = anchors;
  if (!anchor || !recordOf(anchor).sum?.shared || anchors.length > 1) return 1;
  const length = summedShape(s.graph, anchor).reduce((a, b) => a * b, 1);
  // Only a reduction at the kernel's own points may be shared, since every lane must reach it.
  return worthSharing(outputs, length) && count(anchor.type.shape) === outputs && !underGuard(s, group, anchor.id) ? most : 1;
}

/** The extents of the loops of a sum, in their order. */
export function summedShape(graph: Graph, node: Node): readonly number[] {
  return recordOf(node).sum?.loops(node, operandTypes(graph, node)) ?? [];
}

/** Whether the group computes anything under a condition. */
export function readsGuarded(s: Schedule, group: Group): boolean {
  const seen = new Set<NodeId>();
  const guarded = (id: NodeId): boolean => {
    if (seen.has(id) || (s.places.has(id) && !group.roots.includes(id))) return false;
    seen.add(id);
    const node = at(s.graph.nodes, id);
    return recordOf(node).guards || node.inputs.some(guarded);
  };
  return group.roots.some(guarded);
}

/** Whether the group reads the anchor under a condition, such as inside a pad or a concatenation. */
function underGuard(s: Schedule, group: Group, anchor: NodeId): boolean {
  const seen = new Set<string>();
  const reached = (id: NodeId, guarded: boolean): boolean => {
    if (id === anchor) return guarded;
    const key = `${id}/${String(guarded)}`;
    const node = at(s.graph.nodes, id);
    if (seen.has(key) || (s.places.has(id) && !group.roots.includes(id))) return false;
    seen.add(key);
    return node.inputs.some((i) => reached(i, guarded || recordOf(node).guards));
  };
  return group.roots.some((r) => reached(r, false));
}
