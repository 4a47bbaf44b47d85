import { at } from '../base/errors.ts';
import type { Dim } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import { isPointwise } from '../ir/graph/pointwise.ts';
import type { Node, NodeId, Op, OpAttrs } from '../ir/graph/types.ts';

/** An operand of a node: the same for all places, or one for each, along axis 0. */
export interface Lifted {
  readonly id: NodeId;
  readonly places: boolean;
}

/**
 * A node of one place, computed for all places at once: its operands have an axis of places in front, and so has the result (the rules of
 * JAX's vmap). Undefined for operations that cannot do that.
 */
export function lifted(b: GraphBuilder, node: Node, operands: readonly Lifted[], places: number): NodeId | undefined {
  const wide = ({ id, places: has }: Lifted): NodeId => {
    const shape = b.shape(id);
    if (has) return id;
    return b.add('broadcast', [id], { shape: [places, ...shape], axes: shape.map((_, i) => i + 1) });
  };
  const [x, y] = operands;
  const again = <K extends Op>(op: K, attrs: OpAttrs[K]): NodeId => b.add(op, operands.map(wide), attrs);
  const front = <T>(value: T, rest: readonly T[]): T[] => [value, ...rest];
  const later = (axes: readonly number[]): number[] => axes.map((a) => a + 1);
  if (isPointwise(node.op) || node.op === 'cast') return again(node.op, node.attrs as never);
  switch (node.op) {
    case 'reduce_sum':
    case 'reduce_max':
      return again(node.op, { axes: later(node.attrs.axes) });
    case 'contract': {
      if (!x || !y) return undefined;
      const l = contractLabels(node.attrs.spec);
      const t = at(
        [...'abcdefghijklmnopqrstuvwxyz'].filter((c) => !node.attrs.spec.includes(c)),
        0,
      );
      return b.contract(`${x.places ? t : ''}${l.a},${y.places ? t : ''}${l.b}->${t}${l.out}`, x.id, y.id);
    }
    case 'broadcast':
      return again('broadcast', { shape: front<Dim>(places, node.attrs.shape), axes: front(0, later(node.attrs.axes)) });
    case 'reshape':
      return again('reshape', { shape: front<Dim>(places, node.attrs.shape) });
    case 'permute':
      return again('permute', { perm: front(0, later(node.attrs.perm)) });
    case 'slice':
      return again('slice', { start: front(0, node.attrs.start), size: front<Dim>(places, node.attrs.size) });
    case 'pad':
      return again('pad', { ...node.attrs, low: front(0, node.attrs.low), high: front(0, node.attrs.high) });
    case 'flip':
      return again('flip', { axes: later(node.attrs.axes) });
    case 'concat':
      return again('concat', { axis: node.attrs.axis + 1 });
    case 'window':
      return again('window', { ...node.attrs, axis: node.attrs.axis + 1 });
    case 'mix':
      return again('mix', { ...node.attrs, axes: later(node.attrs.axes) });
    case 'unwindow':
      return again('unwindow', { ...node.attrs, axis: node.attrs.axis + 1 });
    case 'gather':
      return x && y && !x.places ? b.op('gather', x.id, y.id) : undefined;
    default:
      return undefined;
  }
}
