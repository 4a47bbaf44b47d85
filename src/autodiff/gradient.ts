import { CompilerBug } from '../base/errors.ts';
import { sameType, showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { Node, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import { VJP, applyVjp, type VjpTable } from './vjp.ts';

/**
 * Reverse-mode differentiation, graph to graph: appends the nodes that compute d(of)/d(wrt) and returns one per entry of `wrt`. `of` must
 * be a scalar. The new nodes are ordinary, so the result can be differentiated again.
 */
export function gradient(b: GraphBuilder, of: NodeId, wrt: readonly NodeId[], table: VjpTable = VJP): NodeId[] {
  const type = b.type(of);
  if (type.dtype !== 'f32' || type.shape.length !== 0)
    throw new CompilerBug(`only an f32 scalar can be differentiated, not ${showType(type)}`);
  const needed = influenced(b.nodes, wrt, of);
  const cotangents = new Map<NodeId, NodeId>([[of, b.full(1, type)]]);
  for (let id = of; id >= 0; id--) {
    const ct = cotangents.get(id);
    const node = b.node(id);
    if (ct === undefined || !needed.has(id) || node.inputs.length === 0) continue;
    b.within({ loc: node.loc, name: node.name && `d ${node.name}` }, () => {
      applyVjp(table, b, node as NodeOf<Op>, ct).forEach((value, i) => {
        const input = node.inputs[i] as NodeId;
        if (value === null || !needed.has(input)) return;
        if (!sameType(b.type(value), b.type(input))) {
          throw new CompilerBug(`the gradient of ${node.op} gives ${showType(b.type(value))} for an operand of ${showType(b.type(input))}`);
        }
        const sum = cotangents.get(input);
        cotangents.set(input, sum === undefined ? value : b.op('add', sum, value));
      });
    });
  }
  return wrt.map((id) => cotangents.get(id) ?? b.like(0, id));
}

/** Nodes that depend on `wrt`, up to `of`: only their cotangents matter. */
function influenced(nodes: readonly Node[], wrt: readonly NodeId[], of: NodeId): Set<NodeId> {
  const reached = new Set(wrt);
  for (const node of nodes) {
    if (node.id > of) break;
    if (node.inputs.some((i) => reached.has(i))) reached.add(node.id);
  }
  return reached;
}
