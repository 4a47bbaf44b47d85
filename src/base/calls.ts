import { fail } from './errors.ts';

/** Calls from JavaScript, where nobody checks the types: what is none of what a call takes has an error in words of the call. */

export const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

/** What was given, in a few words. */
const shown = (given: unknown): string =>
  Array.isArray(given) ? 'a list' : given && /object|function/.test(typeof given) ? `some ${typeof given}` : String(given).slice(0, 40);

/** Throws unless something is what `what` says. */
export function mustBe(right: boolean, what: string, given: unknown, help?: string): asserts right {
  if (!right) fail('NN501', `${what}, and this is ${shown(given)}`, help === undefined ? {} : { help });
}

/** Throws unless something is an object with these lists. */
export function mustHave(call: string, given: unknown, lists: readonly string[]): void {
  mustBe(isRecord(given), `${call} takes an object with ${lists.join(', ')}`, given);
  for (const name of lists)
    mustBe(
      typeof (given[name] as { length?: unknown } | null | undefined)?.length === 'number',
      `'${name}' of ${call} is a list`,
      given[name],
    );
}

/** Throws unless the options of a call are an object. */
export function mustBeOptions(call: string, given: unknown): void {
  mustBe(isRecord(given), `the options of ${call} are an object`, given);
}
