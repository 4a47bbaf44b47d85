import { count } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { meaning, NO_VALUES } from '../reference/evaluate.ts';
import type { Tensor } from '../reference/walk.ts';

/** Operations whose values are not known at compile time: they depend on data, training or the step. */
export const LATER: ReadonlySet<string> = new Set(['input', 'param', 'state', 'scalar', 'uniform', 'shuffle', 'dimsize']);

/** Larger tensors are left to the device. */
const MOST = 1 << 20;

/** The value of a tensor that needs no input, such as `eye(3) / 2`; undefined if it depends on anything known only later. */
export function knownValue(b: GraphBuilder, id: NodeId): Tensor | undefined {
  const found = new Map<NodeId, Tensor | undefined>();
  const visit = (next: NodeId): Tensor | undefined => {
    if (found.has(next)) return found.get(next);
    const node = b.node(next);
    const fixed = !LATER.has(node.op) && node.type.shape.every((d) => typeof d === 'number') && count(node.type.shape) <= MOST;
    const inputs = fixed ? node.inputs.map(visit) : [];
    const known = inputs.filter((x) => x !== undefined);
    const value = fixed && known.length === node.inputs.length ? meaning(node, known, NO_VALUES) : undefined;
    found.set(next, value);
    return value;
  };
  return visit(id);
}
