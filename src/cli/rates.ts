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

/** Learning rates below this move nothing. */
const SPENT = 1e-10;
/** Schedules that end at 0 come near it only in the last part of a run. */
const END = 0.9;
/** Steps that are looked at. */
const LOOKS = 1000;

/** What to say of a schedule that has gone down to nothing long before the end of the run. */
export function spentAdvice(rateAt: (step: number) => number | undefined, total: number, stepsPerEpoch: number): string | undefined {
  const steps = Array.from({ length: Math.min(total, LOOKS) }, (_, i) => Math.floor((i * total) / Math.min(total, LOOKS)));
  const moves = steps.map((step) => (rateAt(step) ?? Infinity) >= SPENT);
  const last = moves.lastIndexOf(true);
  const from = steps[last + 1];
  if (last < 0 || from === undefined || from >= END * total) return undefined;
  return (
    `the learning rate is below ${SPENT} from step ${from} of ${total} on, so that nothing is learned there; ` +
    `schedules count steps, and an epoch has ${stepsPerEpoch} of them`
  );
}
