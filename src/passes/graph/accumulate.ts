import type { ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { slotName } from './update.ts';

type Commit = (next: NodeId, before: NodeId) => NodeId;

/** The mean gradient of several steps, and what an update does with it. */
export interface Accumulated {
  readonly g: NodeId;
  /** Keeps the old value of a state unless an update is due. */
  readonly commit: Commit;
}

/**
 * Adds the gradients of `every` steps [n] and gives their mean in the last of them, where an update is due. A step that is skipped because
 * it has overflowed (`good`) adds nothing.
 */
export function accumulate(b: GraphBuilder, g: NodeId, every: number, good: Commit): Accumulated {
  const one = { dtype: 'f32', shape: [] } as const;
  const place = b.add('scalar', [], { name: 'accumulated', expr: ['mod', 'step', every] }, one);
  const due = b.op('lt', b.full(every - 1.5, one), place);
  const spread = (x: NodeId): NodeId => b.splat(due, b.shape(x));
  const before = b.add('state', [], { name: slotName('accumulated') }, { dtype: 'f32', shape: b.shape(g) });
  const total = b.op('add', before, g);
  b.writes.push({ state: slotName('accumulated'), value: good(b.op('select', spread(total), b.like(0, total), total), before) });
  return {
    g: b.op('mul', total, b.like(1 / every, total)),
    commit: (next, old) => b.op('select', spread(next), good(next, old), old),
  };
}

/** A scalar of a step as one of the update that the step belongs to; learning rates follow the steps. */
export function perUpdate(expr: ScalarExpr, every: number): ScalarExpr {
  if (every === 1) return expr;
  if (expr === 'step') return ['idiv', 'step', every];
  if (expr === 'total') return ['div', 'total', every];
  if (typeof expr !== 'object' || expr[0] === 'lr') return expr;
  const [op, ...args] = expr as readonly [string, ...ScalarExpr[]];
  return [op, ...args.map((a) => perUpdate(a, every))] as unknown as ScalarExpr;
}
