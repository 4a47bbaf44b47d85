import { at } from '../../base/errors.ts';
import { operandTypes, recordOf } from '../../ir/graph/ops.ts';
import type { Unknowns } from '../../ir/graph/op-record.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';

/** A value that is read, and where. */
export interface Reading {
  readonly node: NodeId;
  readonly point: ix.Point;
}

/** Which nodes of `of` are read when `root` is computed at a point, and where. */
export function readings(graph: Graph, root: NodeId, point: ix.Point, of: ReadonlySet<NodeId>, stored: ReadonlySet<NodeId>): Reading[] {
  const found: Reading[] = [];
  const seen = new Set<string>();
  let names = 0;
  const unknowns: Unknowns = {
    loop: (extent) => ix.variable(`r${names++}`, extent),
    data: (extent) => ix.runtimeValue(literal('u32', 0), `r${names++}`, extent - 1),
  };
  const visit = (id: NodeId, p: ix.Point): void => {
    if (id !== root && of.has(id)) found.push({ node: id, point: p });
    if (id !== root && stored.has(id)) return;
    const key = `${id}@${p.map(ix.showIndex).join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    const node = at(graph.nodes, id);
    for (const read of recordOf(node).reads(node, p, operandTypes(graph, node), unknowns)) visit(at(node.inputs, read.operand), read.point);
  };
  visit(root, point);
  return found;
}
