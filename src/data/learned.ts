import { fail } from '../base/errors.ts';
import type { Column, KnownLearned, Learned, Scale } from '../base/learned.ts';

/** Weights only make sense with what was learned from the data beside them, so both are saved in one file. */
const KEY = 'nnc.learned';

/** What was learned, as metadata of a weights file. */
export function learnedMetadata(learned: Learned | undefined): Readonly<Record<string, string>> {
  if (!learned || (!learned.vocabulary && Object.keys({ ...learned.columns, ...learned.classes, ...learned.scales }).length === 0))
    return {};
  const { columns, classes, vocabulary, scales } = learned;
  return { [KEY]: JSON.stringify({ columns, classes, ...(vocabulary ? { vocabulary } : {}), ...(scales ? { scales } : {}) }) };
}

/** What was learned, from the metadata of a file; undefined if it has none. */
export function learnedIn(metadata: Readonly<Record<string, string>>, from: string): KnownLearned | undefined {
  const text = metadata[KEY];
  if (text === undefined) return undefined;
  const found = parsed(text);
  return found
    ? { ...found, from }
    : fail('NN401', `what ${from} says about its columns and classes cannot be read`, {
        help: 'save the weights anew with nnc train --save',
      });
}

const isScale = (value: unknown): value is Scale => value === 'shares' || value === 'numbers';
const isWords = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((v) => typeof v === 'string');
const isRecord = <T>(value: unknown, each: (v: unknown) => v is T): value is Record<string, T> =>
  typeof value === 'object' && value !== null && Object.values(value).every(each);

function isColumn(value: unknown): value is Column {
  const { name, words, fill } = (value ?? {}) as Partial<Column>;
  return typeof name === 'string' && (words === undefined || isWords(words)) && ['undefined', 'string', 'number'].includes(typeof fill);
}
const areColumns = (value: unknown): value is readonly Column[] => Array.isArray(value) && value.every(isColumn);

function parsed(text: string): Learned | undefined {
  try {
    const { columns, classes, vocabulary, scales } = JSON.parse(text) as Partial<Learned>;
    const { tokens, entries, merges = [] } = vocabulary ?? { tokens: 'chars', entries: [] };
    const right =
      isRecord(columns, areColumns) &&
      isRecord(classes, isWords) &&
      ['chars', 'bytes', 'bpe'].includes(tokens) &&
      (scales === undefined || isRecord(scales, isScale)) &&
      isWords(entries) &&
      isWords(merges);
    return right ? { columns, classes, vocabulary, ...(scales ? { scales } : {}) } : undefined;
  } catch (e) {
    if (e instanceof SyntaxError || e instanceof TypeError) return undefined;
    throw e;
  }
}
