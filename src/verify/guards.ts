import type { Expr } from '../ir/kernel/types.ts';
import { affine, plus, type Affine, type Bounds, type Names } from './affine.ts';

/** A condition that holds where an access happens: `left` is less than `right`, or, with `orEqual`, at most that. */
export interface Guard {
  readonly left: Expr;
  readonly right: Expr;
  readonly orEqual: 0 | 1;
}

/** left - right as a sum that is negative where the condition holds. */
export function difference({ left, right, orEqual }: Guard, names: Names, bounds: Bounds): Affine {
  const sum = plus(affine(left, names, bounds), affine(right, names, bounds), -1);
  return { ...sum, constant: sum.constant - orEqual };
}

/** The condition itself. */
export const asExpr = ({ left, right, orEqual }: Guard): Expr => ({
  kind: 'call',
  type: 'bool',
  fn: orEqual ? 'le' : 'lt',
  args: [left, right],
});

/** What a condition says of whole numbers, where it holds or where it does not. */
export function conditions(c: Expr, holds = true): Guard[] {
  if (c.kind !== 'call') return [];
  const [p, q] = c.args;
  if (c.fn === 'splat' && p) return conditions(p, holds);
  if (c.fn === 'not' && p) return conditions(p, !holds);
  if (c.fn === (holds ? 'and' : 'or')) return c.args.flatMap((a) => conditions(a, holds));
  if (!p || !q || (p.type !== 'u32' && p.type !== 'i32')) return [];
  if (c.fn === 'lt') return [holds ? { left: p, right: q, orEqual: 0 } : { left: q, right: p, orEqual: 1 }];
  if (c.fn === 'le') return [holds ? { left: p, right: q, orEqual: 1 } : { left: q, right: p, orEqual: 0 }];
  if (c.fn === 'eq' && holds)
    return [
      { left: p, right: q, orEqual: 1 },
      { left: q, right: p, orEqual: 1 },
    ];
  return [];
}
