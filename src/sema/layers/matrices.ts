import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** Matrices computed from row and column indices, and products with them along one axis. */

/** f32 [rows, columns] as a function of both indices (f32). Kernels compute the entries where they need them. */
export function matrix(b: GraphBuilder, rows: number, columns: number, entry: (i: NodeId, j: NodeId) => NodeId): NodeId {
  const type = { dtype: 'f32', shape: [rows, columns] } as const;
  return entry(b.add('iota', [], { axis: 0 }, type), b.add('iota', [], { axis: 1 }, type));
}

/** Multiplies one axis of x by a matrix [out, in]. */
export function alongAxis(b: GraphBuilder, x: NodeId, axis: number, weights: NodeId): NodeId {
  const labels = b.shape(x).map((_, i) => at([...'abcdefghijklmnopqrstuvwx'], i));
  const out = labels.map((c, i) => (i === axis ? 'y' : c)).join('');
  const mine = labels.map((c, i) => (i === axis ? 'z' : c)).join('');
  return b.contract(`${mine},yz->${out}`, x, weights);
}
