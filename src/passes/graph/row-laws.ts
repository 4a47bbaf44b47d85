import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/**
 * Reversed rows, `x[n - 1 - i]`, are a view; as a scatter, the adjoint would search all rows for each row. `data` are the rows that the
 * index gathers or scatters, as many as it has elements.
 */
export function turnedRows(b: GraphBuilder, data: NodeId, index: NodeId): NodeId | undefined {
  const [rows, ...more] = b.shape(index);
  const difference = b.node(index);
  if (difference.op !== 'sub' || more.length > 0 || typeof rows !== 'number' || b.shape(data)[0] !== rows) return undefined;
  const [last, place] = [b.node(at(difference.inputs, 0)), b.node(at(difference.inputs, 1))];
  if (last.op !== 'const' || last.attrs.value !== rows - 1 || place.op !== 'iota') return undefined;
  return b.add('flip', [data], { axes: [0] });
}
