import type { ScalarExpr } from '../base/scalar.ts';
import type { Plan } from '../plan.ts';

/** The learning rate of the first optimizer, as an expression of the step. */
export function firstRate({ scalars }: Plan): ScalarExpr | undefined {
  const find = (e: ScalarExpr): ScalarExpr | undefined => {
    if (typeof e !== 'object') return undefined;
    if (e[0] === 'lr' && e[1] === 0) return e;
    const [, ...args] = e;
    return (args as readonly ScalarExpr[]).map(find).find((x) => x !== undefined);
  };
  return scalars.map((s) => find(s.expr)).find((e) => e !== undefined);
}
