import { textOf } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import type { CallExpr } from '../parser/ast.ts';
import { FOREIGN, FOREIGN_NOTES } from './foreign-names.ts';

/** What a PyTorch, Keras or NumPy word is called here, as a hint; undefined for any other word. */
export function foreign(word: string): string | undefined {
  if (Object.hasOwn(FOREIGN_NOTES, word)) return FOREIGN_NOTES[word];
  const known = Object.hasOwn(FOREIGN, word) ? FOREIGN[word] : undefined;
  if (!known) return undefined;
  const { here, example, besides } = known;
  // An operator needs no example.
  const write = /^\w/.test(here) ? `write ${here}, as in: ${example}` : `write: ${example}`;
  return besides === undefined ? write : `${write} (${besides})`;
}

/** `PoissonNLLLoss` is `poisson_nll`, `MultiStepLR` is `multi_step`, `normal_` is `normal`. */
const folded = (word: string): string =>
  word
    .toLowerCase()
    .replaceAll('_', '')
    .replace(/(?<=.)(loss|lr)$/, '');

/** Longer lists than this are in the documentation. */
const CATALOGUE = 100;

/**
 * What to write for an unknown word: its name here if another library uses it, else the same word in another spelling, else a close one.
 */
export function advice(word: string, known: readonly string[], what: string): string {
  const same = known.find((k) => folded(k) === folded(word));
  if (same !== undefined) return foreign(word) ?? `did you mean '${same}'?`;
  const close = ofImages(word, known, hint(word, known, what));
  return foreign(word) ?? (known.length > CATALOGUE && !close.startsWith('did') ? `docs/ops.md lists all ${known.length} ${what}` : close);
}

/** A word without a number of axes may mean a layer of any of them, and mostly that of images. */
function ofImages(word: string, known: readonly string[], close: string): string {
  const stem = /\d/.test(word) ? undefined : /^did you mean '(\w+)[123]d'\?$/.exec(close)?.[1];
  if (stem === undefined || !known.includes(`${stem}1d`) || !known.includes(`${stem}2d`)) return close;
  return `did you mean '${stem}2d', which is for images, or '${stem}1d'?`;
}

/** PyTorch reduces one tensor with these; here they compare two values. */
const EXTREMES: Readonly<Record<string, string>> = { max: 'amax', min: 'amin' };

/** How to write `max(x, dim=1)` here: `amax(x, dim=1)`. Undefined for other calls. */
export function reductionOf(e: CallExpr): string | undefined {
  const { text } = e.callee;
  const here = Object.hasOwn(EXTREMES, text) ? EXTREMES[text] : undefined;
  const values = e.args.filter((a) => !a.name || a.name.text === 'a' || a.name.text === 'b').length;
  const axis = e.args.some((a) => a.name?.text === 'dim' || a.name?.text === 'axis');
  if (here === undefined || (values === 2 && !axis) || values > 2 || e.args[0]?.value.kind === 'number') return undefined;
  const rest = e.args.map((a) => textOf(a.span).replace(/^axis\b/, 'dim'));
  return rest.length > 0 ? `${here}(${rest.join(', ')})` : here;
}
