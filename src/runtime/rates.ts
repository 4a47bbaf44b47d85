import { isRecord, mustBe } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { ratesOf } from '../base/scalar.ts';
import { hint } from '../base/suggest.ts';
import type { Plan } from '../plan.ts';
import type { Rates } from './session.ts';

/** The learning rates after some were set by name (`lr`, `lr2` of the second optimizer); undefined gives the program's own back. */
export function changedRates(plan: Plan, rates: Rates, settings: Readonly<Record<string, number | undefined>>): Rates {
  mustBe(isRecord(settings), 'what is set is an object, such as { lr: 0.01 }', settings);
  const optimizers = new Set(plan.scalars.flatMap((s) => ratesOf(s.expr)));
  const names = [...optimizers].map((i) => ({ name: i === 0 ? 'lr' : `lr${i + 1}`, i }));
  const next = [...rates];
  for (const [name, value] of Object.entries(settings)) {
    const found = names.find((n) => n.name === name);
    const known = names.map((n) => n.name);
    if (!found) return fail('NN501', `'${name}' cannot be set while training`, { help: hint(name, known, 'what can be set is') });
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      fail('NN501', `a learning rate is a number from 0 on, and not ${value}`);
    next[found.i] = value;
  }
  return next;
}
