import { fail } from './errors.ts';

/** Counts are 32-bit numbers on every device. */
const MOST = 0x7fffffff;

/** Throws if one of the named numbers is given but is not an integer of at least its bound. */
export function checkWhole(least: Readonly<Record<string, number>>, given: object): void {
  for (const [name, value] of Object.entries(given)) {
    const min = least[name];
    if (min === undefined || value === undefined || (Number.isInteger(value) && value >= min && value <= MOST)) continue;
    fail('NN501', `'${name}' must be a whole number from ${min} to ${MOST}, and this is ${String(value)}`);
  }
}
