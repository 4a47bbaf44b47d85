import { DATES_HELP, isDateLike } from './date-like.ts';
import { fail } from './errors.ts';
import { hint } from './suggest.ts';

/** A value as files and callers give it. */
export type Raw = number | string | boolean | null | undefined;

/** How the values of one column become inputs: learned from the training data, and kept with the weights. */
export interface Column {
  readonly name: string;
  /** The words of the column, in order; undefined for a column of numbers. */
  readonly words?: readonly string[] | undefined;
  /** Words as their place in the list (for `Embedding`) instead of one input for each word (one-hot). */
  readonly index?: boolean | undefined;
  /** What stands for a missing value: a number, or a word (`''` is none of the words). Without it, every value must be there. */
  readonly fill?: number | string | undefined;
  /** Adds an input that is 1 where the value was missing. */
  readonly flag?: boolean | undefined;
  /** Numbers with decimal commas, and dates as days since 1970. */
  readonly comma?: boolean | undefined;
  readonly dates?: boolean | undefined;
}

/** What a token is: a character, a byte, or some bytes that were joined pair by pair. */
export type TokenKind = 'chars' | 'bytes' | 'bpe';

/** The tokens of a text, by number. */
export interface Vocabulary {
  readonly tokens: TokenKind;
  readonly entries: readonly string[];
  /** For byte pairs: what is joined, in order. */
  readonly merges?: readonly string[] | undefined;
}

/** Whether an input was read as shares of the brightest value (bytes, pixels), or as numbers that are not all between 0 and 1. */
export type Scale = 'shares' | 'numbers';

/** What was learned from the training data, without which weights make no sense. */
export interface Learned {
  /** The columns of each input, by the input's name. */
  readonly columns: Readonly<Record<string, readonly Column[]>>;
  /** The names of each target's classes, by number; or the names of its columns. */
  readonly classes: Readonly<Record<string, readonly string[]>>;
  readonly vocabulary?: Vocabulary | undefined;
  /** How inputs were read, where the data tells it. */
  readonly scales?: Readonly<Record<string, Scale>> | undefined;
}

/** What was learned with the weights in a file. */
export interface KnownLearned extends Learned {
  /** The file, for messages. */
  readonly from: string;
}

/** The number of inputs that a column gives. */
export const widthOf = ({ words, index, flag }: Column): number => (words && !index ? words.length : 1) + (flag && !words ? 1 : 0);

/** The names of the inputs that a column gives: `city=Paris`. */
export function namesOf({ name, words, index, flag }: Column): readonly string[] {
  if (words && !index) return words.map((w) => `${name}=${w}`);
  return flag ? [name, `${name} is missing`] : [name];
}

/** What files write where a value is missing. */
const MISSING = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '?', '-', '.']);

export const isMissing = (raw: Raw): boolean =>
  raw === undefined ||
  raw === null ||
  (typeof raw === 'number' ? Number.isNaN(raw) : typeof raw === 'string' && MISSING.has(raw.trim().toLowerCase()));

/** `$1,234.50`, `12 %`, `-3 €`. */
const DECORATED = /^([-+]?)\s?[$€£¥]?\s?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)\s?[$€£¥%]?$/;
const DAY = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:Z|([+-])(\d\d):?(\d\d))?)?$/;
/** `01.02.2024` is the first of February. */
const DOTTED_DAY = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?: (\d\d):(\d\d)(?::(\d\d))?)?$/;
/** Where commas are decimal, dots stand between groups of three digits, and nowhere else. */
const GROUPED = /^[^\d.,]*\d{1,3}(?:\.\d{3})+(?:,\d*)?[^\d.,]*$/;

/** The number that a text stands for: `3.5`, `$1,200`, `12%`, `true`; undefined if it is none. */
export function numberIn(text: string, how: Pick<Column, 'comma' | 'dates'> = {}): number | undefined {
  if (how.dates) {
    const [, day, month, year, ...time] = DOTTED_DAY.exec(text) ?? [];
    const [y, m, d, h = 0, min = 0, s = 0, side, ahead = 0, minutes = 0] = DAY.exec(text)?.slice(1) ?? [year, month, day, ...time];
    if (y !== undefined) {
      const ms = Date.UTC(Number(y), Number(m) - 1, Number(d), Number(h), Number(min), 0) + Number(s) * 1000;
      // A clock that is ahead of UTC shows a moment before UTC does.
      const offset = (Number(ahead) * 60 + Number(minutes)) * (side === '-' ? -60_000 : 60_000);
      return new Date(ms).getUTCDate() === Number(d) ? (ms - offset) / 86_400_000 : undefined;
    }
  }
  if (how.comma && text.includes('.') && !GROUPED.test(text)) return undefined;
  const plain = how.comma ? text.replaceAll('.', '').replace(',', '.') : text;
  const n = plain === '' ? NaN : Number(plain);
  if (Number.isFinite(n)) return n;
  const [, sign, digits] = DECORATED.exec(plain) ?? [];
  if (digits !== undefined) return Number(`${sign ?? ''}${digits.replaceAll(',', '')}`);
  const truth = plain.toLowerCase();
  return truth === 'true' ? 1 : truth === 'false' ? 0 : undefined;
}

/** How to write a number that was not read, if that can be told. */
export function numberHelp(text: string, { comma, dates }: Pick<Column, 'comma' | 'dates'>): string | undefined {
  if (comma && numberIn(text) !== undefined)
    return 'with decimal=comma, numbers are written as 80,5 or 1.234,5: a dot only stands before three digits';
  if (!comma && numberIn(text, { comma: true }) !== undefined) return 'to read decimal commas, add decimal=comma to the data line';
  if (isDateLike(text)) return DATES_HELP;
  return !dates && numberIn(text, { dates: true }) !== undefined
    ? 'to read dates as days since 1970, add dates to the data line'
    : undefined;
}

/** Whether a cell of a column that was declared to hold words is a gap: there, `None` and `?` are words as well. */
export const isEmpty = (raw: Raw): boolean => (typeof raw === 'string' ? raw.trim() === '' : isMissing(raw));

/** Writes the inputs of one value to `out` from `at` on. Throws a `UserError` for a word or a gap that training has not seen. */
export function encodeInto(out: { [i: number]: number }, at: number, column: Column, raw: Raw): void {
  const { name, words, index, flag } = column;
  const missing = isMissing(raw) && (isEmpty(raw) || words?.includes(String(raw)) !== true);
  if (missing && column.fill === undefined)
    fail('NN303', `'${name}' is missing, and every example needs it`, {
      help: 'to allow gaps, train with missing=mean, missing=0 or missing=flag in the data line',
    });
  const value = missing ? column.fill : raw;
  if (words) {
    const place = words.indexOf(String(value));
    if (place < 0 && !(missing && value === ''))
      fail('NN303', `'${name}' is ${JSON.stringify(String(value))}, which is none of the ${words.length} words it was trained with`, {
        help: hint(String(value), words, 'it knows'),
      });
    if (index) out[at] = place;
    else words.forEach((_, i) => (out[at + i] = i === place ? 1 : 0));
    return;
  }
  const n = typeof value === 'string' ? numberIn(value.trim(), column) : Number(value);
  if (n === undefined || !Number.isFinite(Math.fround(n))) {
    const help = numberHelp(String(value), column);
    return fail('NN303', `'${name}' needs a number, and this is ${JSON.stringify(value)}`, help === undefined ? {} : { help });
  }
  out[at] = n;
  if (flag) out[at + 1] = missing ? 1 : 0;
}
