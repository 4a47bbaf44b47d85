import { at } from '../../base/errors.ts';
import type { TensorType } from '../../base/types.ts';
import { DRAWS } from './draws.ts';
import { LEAVES } from './leaves.ts';
import type { OpRecord } from './op-record.ts';
import { CAST, POINTWISE_OPS } from './pointwise.ts';
import { ROWS } from './rows.ts';
import { SCAN } from './scan.ts';
import { SUMS } from './sums.ts';
import type { Graph, Node, NodeId, Op } from './types.ts';
import { CONCAT, VIEWS } from './views.ts';

/** The record of every operation. */
export const OPS: { readonly [K in Op]: OpRecord<K> } = {
  ...LEAVES,
  ...POINTWISE_OPS,
  cast: CAST,
  ...DRAWS,
  ...SUMS,
  ...VIEWS,
  concat: CONCAT,
  ...ROWS,
  scan: SCAN,
};

/** The record of a node's operation. */
export function recordOf(node: Node): OpRecord<Op> {
  return OPS[node.op] as unknown as OpRecord<Op>;
}

/** The types of a node's operands. */
export function operandTypes(graph: Graph, node: Node): TensorType[] {
  return node.inputs.map((i) => at(graph.nodes, i).type);
}

/** Whether a node only maps indices. */
export function isView(node: Node): boolean {
  return OPS[node.op].family === 'view';
}

/** Whether a node computes nothing: a view or a concatenation. */
export function isMovement(node: Node): boolean {
  return isView(node) || OPS[node.op].family === 'concat';
}

/** The node below all views. */
export function baseOf(graph: Graph, id: NodeId): NodeId {
  let node = at(graph.nodes, id);
  while (isView(node)) node = at(graph.nodes, at(node.inputs, 0));
  return node.id;
}

export function isLeaf(node: Node): boolean {
  return OPS[node.op].family === 'leaf';
}

/** Whether reading a node needs no memory access: it is a number or an index. */
export function isFree(node: Node): boolean {
  return isLeaf(node) && OPS[node.op].memory === 'none';
}
