import { at } from '../base/errors.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { isPointwise, pointwise } from '../ir/graph/pointwise.ts';
import type { NodeId } from '../ir/graph/types.ts';

/** A condition, and whether it holds. */
export interface Known {
  readonly condition: NodeId;
  readonly holds: boolean;
}

/** Numbers of all sizes at which formulas are compared, in both signs. */
const PLACES = [...Array(241).keys()].map((i) => 10 ** (i / 12 - 10)).flatMap((x) => [x, -x]);
/** Fewer places say nothing. */
const FEWEST = 8;
/** As close as numbers are that are computed in float32. */
const CLOSE = 1e-7;

/**
 * Whether two expressions of one variable are the same number, to the precision of a float32, wherever conditions hold. Such a case is there for
 * the sake of a number's size, as in 1/x for the derivative of acosh at large x, and not because another formula holds.
 */
export function agree(b: GraphBuilder, p: NodeId, q: NodeId, where: readonly Known[]): boolean {
  const leaves = new Set([p, q, ...where.map((k) => k.condition)].flatMap((id) => leavesOf(b, id)));
  const [leaf, ...more] = leaves;
  if (leaf === undefined || more.length > 0) return false;
  let compared = 0;
  for (const x of PLACES) {
    if (!where.every(({ condition, holds }) => (valueOf(b, condition, x) !== 0) === holds)) continue;
    const [v, w] = [valueOf(b, p, x), valueOf(b, q, x)];
    // Where one is too large for a number, nothing is known.
    if (!Number.isFinite(v) || !Number.isFinite(w)) continue;
    if (Math.abs(v - w) > CLOSE * Math.max(Math.abs(v), Math.abs(w))) return false;
    compared++;
  }
  return compared >= FEWEST;
}

function leavesOf(b: GraphBuilder, id: NodeId, seen = new Set<NodeId>()): NodeId[] {
  if (seen.has(id)) return [];
  seen.add(id);
  const { op, inputs } = b.node(id);
  if (op === 'const') return [];
  return isPointwise(op) ? inputs.flatMap((i) => leavesOf(b, i, seen)) : [id];
}

/** The value of an expression of one variable. */
function valueOf(b: GraphBuilder, id: NodeId, x: number, known = new Map<NodeId, number>()): number {
  const before = known.get(id);
  if (before !== undefined) return before;
  const node = b.node(id);
  const value =
    node.op === 'const'
      ? node.attrs.value
      : isPointwise(node.op)
        ? pointwise(node.op)(...node.inputs.map((_, i) => valueOf(b, at(node.inputs, i), x, known)))
        : x;
  known.set(id, value);
  return value;
}
