import { CompilerBug } from '../base/errors.ts';
import { sameType, showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { loopsOf, type Scan } from '../ir/graph/scan.ts';
import type { Node, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import { loopVjp } from './loops.ts';
import { VJP, applyVjp, type VjpTable } from './vjp.ts';

/**
 * Reverse-mode differentiation, graph to graph: appends the nodes that compute d(of)/d(wrt) and returns one per entry of `wrt`. `of` must
 * be a scalar. The new nodes are ordinary, so the result can be differentiated again.
 */
export function gradient(b: GraphBuilder, of: NodeId, wrt: readonly NodeId[], table: VjpTable = VJP): NodeId[] {
  const type = b.type(of);
  if (type.dtype !== 'f32' || type.shape.length !== 0)
    throw new CompilerBug(`only an f32 scalar can be differentiated, not ${showType(type)}`);
  const cotangents = pullback(b, new Map([[of, b.full(1, type)]]), wrt, table);
  return wrt.map((id) => cotangents.get(id) ?? b.like(0, id));
}

/** Pulls the cotangents of some nodes back through a graph: the cotangents of the nodes in `wrt`, where there are any. */
export function pullback(
  b: GraphBuilder,
  seeds: ReadonlyMap<NodeId, NodeId>,
  wrt: readonly NodeId[],
  table: VjpTable,
): ReadonlyMap<NodeId, NodeId> {
  const last = Math.max(-1, ...seeds.keys());
  const needed = influenced(b.nodes, wrt, last);
  const cotangents = new Map(seeds);
  const loops = loopNodes(b.nodes.slice(0, last + 1));
  const add = (input: NodeId, value: NodeId, op: Op): void => {
    if (!needed.has(input)) return;
    if (!sameType(b.type(value), b.type(input)))
      throw new CompilerBug(`the gradient of ${op} gives ${showType(b.type(value))} for an operand of ${showType(b.type(input))}`);
    const sum = cotangents.get(input);
    cotangents.set(input, sum === undefined ? value : b.op('add', sum, value));
  };
  for (let id = last; id >= 0; id--) {
    const node = b.node(id);
    if (!needed.has(id) || node.inputs.length === 0) continue;
    b.within({ loc: node.loc, name: node.name && `d ${node.name}` }, () => {
      if (node.op === 'scan') {
        // All results of a loop together, once the cotangents of the first one are complete.
        const results = loops.get(id) ?? [];
        const given = results.map((r) => cotangents.get(r.id));
        if (results[0]?.id !== id || given.every((ct) => ct === undefined)) return;
        loopVjp(b, results, given, {
          wants: (operand) => needed.has(operand),
          pull: (r, from, to) => pullback(r, from, to, table),
        }).forEach(([input, value]) => add(input, value, 'scan'));
        return;
      }
      const ct = cotangents.get(id);
      if (ct === undefined) return;
      applyVjp(table, b, node as NodeOf<Op>, ct).forEach((value, i) => {
        if (value !== null) add(node.inputs[i] as NodeId, value, node.op);
      });
    });
  }
  return cotangents;
}

/** For each result of a loop, all results of it. */
function loopNodes(nodes: readonly Node[]): ReadonlyMap<NodeId, readonly Scan[]> {
  return new Map(loopsOf(nodes).flatMap((results) => results.map((r) => [r.id, results] as const)));
}

/** Nodes that depend on `wrt`, up to `last`: only their cotangents matter. */
function influenced(nodes: readonly Node[], wrt: readonly NodeId[], last: NodeId): Set<NodeId> {
  const reached = new Set(wrt);
  for (const node of nodes) {
    if (node.id > last) break;
    if (node.inputs.some((i) => reached.has(i))) reached.add(node.id);
  }
  return reached;
}
