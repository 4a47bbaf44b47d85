import { DATES_HELP, isDateLike } from '../base/date-like.ts';
import { firstWord, isWords, type Cells, type Table } from '../data/table.ts';

/** Which columns of an unknown table tell something about the others. */

/** A column with more different words tells more about a row than about its kind. */
const MOST_WORDS = 50;

/** Why a column of 1, 2, 3, ... is no input. */
export const NUMBERS_ROWS = 'it numbers the rows';

/** Names of what is measured at equal steps, though it looks like the number of a row. */
const QUANTITIES = /^(x|t|years?|quarters?|months?|weeks?|days?|hours?|minutes?|seconds?|time|date|step|age|dose|distance|temperature)$/i;

/** Whether a column is called like something that is measured; of `time (s)` and `t_sec`, the first word counts. */
export const isQuantity = (column: string): boolean => QUANTITIES.test(/^[^\s_([]*/.exec(column.trim())?.[0] ?? '');

/** Why a column is no input; undefined if it may be one. */
export function useless(table: Table, column: string, isDays: boolean): string | undefined {
  const cells = table.cells(column);
  if (cells.missing.length > table.rows / 2) return 'more than half of it is missing';
  if (isWords(cells)) {
    if (cells.words.length > MOST_WORDS) return `it has ${cells.words.length} different words${holdsDates(cells) ? `; ${DATES_HELP}` : ''}`;
    return cells.words.length < 2 ? 'it always holds the same word' : undefined;
  }
  const word = firstWord(cells);
  if (word >= 0) {
    const text = cells.words[cells.codes?.[word] ?? 0] ?? '';
    const many = cells.words.length > 1 ? `, and there are ${cells.words.length - 1} more such words` : '';
    return `it holds numbers, and ${table.rowName(word)} has '${text}'${many}; correct the cell, or leave it empty, and write the program anew`;
  }
  const first = cells.numbers.find((v) => !Number.isNaN(v));
  if (cells.numbers.every((v) => Number.isNaN(v) || v === first)) return 'it always holds the same number';
  // 1, 2, 3, ... down the table numbers the rows.
  const counts = !isDays && cells.numbers.length > 2 && cells.numbers.every((v, i) => v === (cells.numbers[0] ?? 0) + i);
  return counts ? NUMBERS_ROWS : undefined;
}

/** Whether all words of a column look like dates that are not read as such. */
export const holdsDates = (cells: Cells): boolean => isWords(cells) && cells.words.every(isDateLike);
