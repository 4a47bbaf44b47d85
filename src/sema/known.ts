import { count } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { meaning, NO_VALUES } from '../reference/evaluate.ts';
import type { Tensor } from '../reference/walk.ts';

/** What is not known while compiling: what data, training and the step decide. */
const LATER = new Set(['input', 'param', 'state', 'scalar', 'uniform', 'shuffle', 'dimsize']);

/** More numbers than this are left to the device. */
const MOST = 1 << 20;

/** The numbers of a value that is made of nothing, such as `eye(3) / 2`; undefined where it depends on what is known only later. */
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
