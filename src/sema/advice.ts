import { textOf } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import type { CallExpr } from '../parser/ast.ts';
import { FOREIGN, FOREIGN_NOTES } from './foreign-names.ts';

/** What a word of PyTorch, Keras or NumPy is called here, as a help; undefined if it is none of them. */
export function foreign(word: string): string | undefined {
  if (Object.hasOwn(FOREIGN_NOTES, word)) return FOREIGN_NOTES[word];
  const known = Object.hasOwn(FOREIGN, word) ? FOREIGN[word] : undefined;
  if (!known) return undefined;
  const { here, example, besides } = known;
  // Signs explain themselves.
  const write = /^\w/.test(here) ? `write ${here}, as in: ${example}` : `write: ${example}`;
  return besides === undefined ? write : `${write} (${besides})`;
}

/** `PoissonNLLLoss` is `poisson_nll`, `MultiStepLR` is `multi_step`, `normal_` is `normal`. */
const folded = (word: string): string =>
  word
    .toLowerCase()
    .replaceAll('_', '')
    .replace(/(?<=.)(loss|lr)$/, '');

/** What to write for a word that there is not: what other libraries call so, else the same in other letters, else what is close. */
export function advice(word: string, known: readonly string[], what: string): string {
  const same = known.find((k) => folded(k) === folded(word));
  return foreign(word) ?? (same === undefined ? hint(word, known, what) : `did you mean '${same}'?`);
}

/** Functions of two values here that look for the extreme of one in PyTorch. */
const EXTREMES: Readonly<Record<string, string>> = { max: 'amax', min: 'amin' };

/** `max(x, dim=1)` as it is written here: `amax(x, dim=1)`. Undefined for other calls. */
export function reductionOf(e: CallExpr): string | undefined {
  const { text } = e.callee;
  const here = Object.hasOwn(EXTREMES, text) ? EXTREMES[text] : undefined;
  const values = e.args.filter((a) => !a.name || a.name.text === 'a' || a.name.text === 'b').length;
  const axis = e.args.some((a) => a.name?.text === 'dim' || a.name?.text === 'axis');
  if (here === undefined || (values === 2 && !axis) || values > 2 || e.args[0]?.value.kind === 'number') return undefined;
  const rest = e.args.map((a) => textOf(a.span).replace(/^axis\b/, 'dim'));
  return rest.length > 0 ? `${here}(${rest.join(', ')})` : here;
}
