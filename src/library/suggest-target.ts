import { columnName } from '../base/column-name.ts';
import { numberHelp } from '../base/learned.ts';
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
export const isMixed = (cells: Cells): boolean => !isWords(cells) && firstWord(cells) >= 0;

/** Judges a target. `worded` are its cells read as words, where it {@link isMixed}. Throws an error for numbers among which is a word. */
export function judgeTarget(reader: Reader, target: string, cells: Cells, worded: Cells | undefined): Goal {
  if (!worded) return { classes: classesOf(cells), words: false, remarks: [] };
  const { words } = worded;
  if (words.length <= MOST_CLASSES && words.length * LEAST_ROWS <= reader.table.rows - worded.missing.length) {
    const list = [...words].sort().join(', ');
    return { classes: words.length, words: true, remarks: [`${target} holds numbers and words, and each of them is a class: ${list}`] };
  }
  const row = firstWord(cells);
  const text = cells.words[cells.codes?.[row] ?? 0] ?? '';
  return wrongCell(
    reader,
    row,
    target,
    `column '${target}' holds numbers, and this is '${text}'`,
    numberHelp(text, { comma: true, dates: true }) ??
      `correct the cell, or leave it empty where the value is missing; for classes, write a program with words=[${columnName(target)}]`,
  );
}

/** The number of classes of a target: of words, or of few whole numbers that repeat. */
function classesOf(cells: Cells): number | undefined {
  if (isWords(cells)) return cells.words.length;
  const values = new Set(cells.numbers.filter((v) => !Number.isNaN(v)));
  const whole = [...values].every((v) => Number.isInteger(v));
  return whole && values.size <= MOST_CLASSES && values.size * LEAST_ROWS <= cells.numbers.length ? values.size : undefined;
}
