import { columnName } from '../base/column-name.ts';
import { fail } from '../base/errors.ts';
import { isMissing } from '../base/learned.ts';
import { wrongCell, type Reader } from '../data/reader.ts';
import { firstWord, isWords, type Cells } from '../data/table.ts';

/** What the target of an unknown table is: classes or numbers. */
export interface Goal {
  /** The number of classes; undefined for numbers. */
  readonly classes: number | undefined;
  /** Whether the program has to say that its numbers are words. */
  readonly words: boolean;
  readonly remarks: readonly string[];
}

/** Whole numbers with at most so many different values are classes. */
const MOST_CLASSES = 10;
/** Values of which there are fewer rows each, on average, are hardly classes. */
const LEAST_ROWS = 5;

/** Whether a target that is read without settings does not show all that there is to know of it. */
export const isUnclear = (cells: Cells): boolean => cells.missing.length > 0 || isMixed(cells);

const isMixed = (cells: Cells): boolean => !isWords(cells) && firstWord(cells) >= 0;

/** Judges a target. `worded` are its cells read as words, where it {@link isUnclear}. Throws an error where there is nothing to learn. */
export function judgeTarget(reader: Reader, target: string, cells: Cells, worded: Cells = cells): Goal {
  const name = columnName(target);
  const gaps = gapsIn(worded, cells.words);
  if (isMixed(cells)) {
    const { words } = worded;
    const repeat = words.length * LEAST_ROWS <= reader.table.rows - worded.missing.length;
    if (words.length > MOST_CLASSES || !repeat) wrongNumber(reader, target, cells);
    const list = [...words].sort().join(', ');
    const meant = gaps === '' ? '' : `; where ${gaps} means that the class is not known, leave the cells empty`;
    return {
      classes: words.length,
      words: true,
      remarks: [`${target} holds numbers and words, and each of them is a class: ${list}${meant}`],
    };
  }
  const classes = classesOf(cells);
  const count = isWords(cells) ? cells.words.length : new Set(cells.numbers.filter((v) => !Number.isNaN(v))).size;
  if (count === 1)
    fail(
      'NN301',
      `column '${target}' of ${reader.path} always holds ${isWords(cells) ? `'${cells.words[0] ?? ''}'` : (cells.numbers.find((v) => !Number.isNaN(v)) ?? 0)}, so there is nothing to learn${gaps === '' ? '' : `; read as gaps: ${gaps}`}`,
      { help: `choose another one with --target${gaps === '' ? '' : `; if these are classes too, add --words ${name}`}` },
    );
  const way = classes === undefined ? '' : `; if these are classes too, write the program with --words ${name}`;
  return { classes, words: false, remarks: gaps === '' ? [] : [`${target}: read as gaps, whose rows are left out: ${gaps}${way}`] };
}

/** The words of a column that are read as gaps, and are not `kept` since it is declared to hold words: `NA (in 3 rows)`. */
function gapsIn({ words, codes }: Cells, kept: readonly string[]): string {
  const counts = new Map<number, number>();
  codes?.forEach((c) => c >= 0 && isMissing(words[c]) && !kept.includes(words[c] ?? '') && counts.set(c, (counts.get(c) ?? 0) + 1));
  return [...counts].map(([c, n]) => `${words[c] ?? ''} (in ${n} row${n === 1 ? '' : 's'})`).join(', ');
}

function wrongNumber(reader: Reader, target: string, cells: Cells): never {
  const row = firstWord(cells);
  const text = cells.words[cells.codes?.[row] ?? 0] ?? '';
  return wrongCell(
    reader,
    row,
    target,
    `column '${target}' holds numbers, and this is '${text}'`,
    `correct the cell, or leave it empty where the value is missing; for classes, add --words ${columnName(target)}`,
  );
}

/** The number of classes of a target: of words, or of few whole numbers that repeat. */
function classesOf(cells: Cells): number | undefined {
  if (isWords(cells)) return cells.words.length;
  const values = new Set(cells.numbers.filter((v) => !Number.isNaN(v)));
  const whole = [...values].every((v) => Number.isInteger(v));
  return whole && values.size <= MOST_CLASSES && values.size * LEAST_ROWS <= cells.numbers.length ? values.size : undefined;
}
