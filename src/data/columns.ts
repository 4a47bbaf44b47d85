import { columnName } from '../base/column-name.ts';
import { numberHelp, numberIn, widthOf, type Column } from '../base/learned.ts';
import { hint } from '../base/suggest.ts';
import type { DType } from '../base/types.ts';
import { wrongCell, type Reader } from './reader.ts';
import { firstWord, isWords, type Cells } from './table.ts';

/** How one input column is encoded: as the weights learned it, or as its cells suggest. */
export function fitColumn(reader: Reader, name: string, dtype: DType, known: readonly Column[] | undefined): Column {
  const cells = reader.table.cells(name);
  const old = known?.find((c) => c.name === name);
  const column = old ?? learnColumn(reader, name, cells, dtype);
  checkGaps(reader, column, cells);
  if (column.words) checkWords(reader, column, cells);
  else checkNumbers(reader, name, cells, dtype);
  if (cells.decorated && !old) reader.remarks.push(`${name}: numbers with signs of money, percent or thousands, read without them`);
  return column;
}

function learnColumn(reader: Reader, name: string, cells: Cells, dtype: DType): Column {
  const { needs, table } = reader;
  const how = { ...(needs.comma ? { comma: true } : {}), ...(needs.dates ? { dates: true } : {}) };
  // A column without gaps is filled where a prediction has one, but gets no input that says so: there is nothing to learn from.
  const gaps = needs.missing === 'flag' && cells.missing.length === 0 ? 'mean' : needs.missing;
  if (!isWords(cells)) {
    const mean = cells.numbers.reduce((s, v) => s + (Number.isNaN(v) ? 0 : v), 0) / Math.max(1, table.rows - cells.missing.length);
    const fill = gaps === undefined || gaps === 'drop' ? undefined : gaps === '0' ? 0 : dtype === 'i32' ? Math.round(mean) : mean;
    return { name, ...how, ...(fill === undefined ? {} : { fill }), ...(gaps === 'flag' && dtype === 'f32' ? { flag: true } : {}) };
  }
  checkWordsAreNone(reader, name, cells);
  const words = [...cells.words].sort();
  const index = dtype === 'i32' ? { index: true } : {};
  if (gaps === 'flag') return { name, words: [...words, GAP], ...index, fill: GAP };
  if (gaps === 'mean') return { name, words, ...index, fill: commonest(cells) };
  if (gaps === '0' && dtype !== 'i32') return { name, words, fill: '' };
  return { name, words, ...index };
}

/** Words that are all dates, or all numbers with another decimal point, are meant as numbers. */
export function checkWordsAreNone(reader: Reader, name: string, cells: Cells): void {
  const { needs } = reader;
  if (needs.words?.includes(name)) return;
  const wrong = (label: string, help: string): never => wrongCell(reader, firstWord(cells), name, label, help);
  const strange = cells.words.some((w) => numberIn(w, needs) === undefined);
  const all = (how: Pick<Column, 'comma' | 'dates'>): boolean => strange && cells.words.every((w) => numberIn(w, how) !== undefined);
  if (!needs.comma && all({ comma: true }))
    wrong(`column '${name}' holds numbers with decimal commas`, 'to read them, add decimal=comma to the data line');
  if (needs.comma && all({}))
    wrong(
      `column '${name}' holds numbers with decimal points, and the program says decimal=comma`,
      'take decimal=comma out of the data line, or write numbers as 80,5 or 1.234,5',
    );
  if (cells.words.every((w) => numberIn(w) === undefined) && all({ dates: true }))
    wrong(`column '${name}' holds dates`, 'to read them as days since 1970, add dates to the data line');
}

/** The word for gaps of a column of words with `missing=flag`. */
const GAP = '(missing)';

function commonest({ codes, words }: Cells): string {
  const counts = new Uint32Array(words.length);
  codes?.forEach((c) => {
    if (c >= 0) counts[c] = (counts[c] ?? 0) + 1;
  });
  return words[counts.indexOf(Math.max(...counts))] ?? '';
}

/** Gaps are filled or their rows are left out, if the program says so; else they are an error. */
export function checkGaps(reader: Reader, column: Pick<Column, 'name' | 'fill'>, { missing }: Cells, isTarget = false): void {
  const [first] = missing;
  if (first === undefined || column.fill !== undefined) return;
  const { needs, dropped } = reader;
  // A target is never made up: its row is left out, whatever fills the inputs.
  const leaves = isTarget ? needs.missing !== undefined : needs.missing === 'drop' && needs.targets.length > 0;
  if (leaves) for (const row of missing) dropped.add(row);
  else
    wrongCell(
      reader,
      first,
      column.name,
      `column '${column.name}' has no value here${missing.length > 1 ? `, and in ${missing.length - 1} more row${missing.length > 2 ? 's' : ''}` : ''}`,
      needs.missing === '0' && !isTarget
        ? 'missing=0 fills numbers, and this column holds words that are numbered: use missing=drop, missing=mean or missing=flag'
        : needs.targets.length === 0
          ? 'the model was trained without gaps in this column; train it with missing=mean, missing=0 or missing=flag'
          : isTarget
            ? 'a target is never made up: missing=drop in the data line leaves out the rows that lack it'
            : 'say in the data line what to do about gaps: missing=drop leaves such rows out, missing=mean and missing=0 fill them, missing=flag also adds an input that says so',
    );
}

function checkWords(reader: Reader, { name, words = [] }: Column, cells: Cells): void {
  const unknown = cells.words.find((w) => !words.includes(w));
  const number = cells.numbers.findIndex((v) => !Number.isNaN(v) && !words.includes(String(v)));
  if (unknown === undefined && number < 0) return;
  const row = unknown === undefined ? number : (cells.codes?.indexOf(cells.words.indexOf(unknown)) ?? 0);
  const text = unknown ?? String(cells.numbers[number]);
  const { known } = reader.needs;
  wrongCell(
    reader,
    row,
    name,
    `'${text}' is none of the ${words.length} words of '${name}' that ${known?.from ?? 'the model'} was trained with`,
    hint(text, words, 'it knows'),
  );
}

function checkNumbers(reader: Reader, name: string, cells: Cells, dtype: DType): void {
  const word = firstWord(cells);
  if (word >= 0) {
    const text = cells.words[cells.codes?.[word] ?? 0] ?? '';
    wrongCell(
      reader,
      word,
      name,
      `column '${name}' holds numbers, and this is '${text}'`,
      numberHelp(text, reader.needs) ??
        `correct the cell, or leave it empty where the value is missing; words=[${columnName(name)}] reads the whole column as words`,
    );
  }
  for (let row = 0; row < cells.numbers.length; row++) {
    const v = cells.numbers[row] ?? NaN;
    if (Number.isNaN(v)) continue;
    if (dtype === 'f32' && !Number.isFinite(Math.fround(v)))
      wrongCell(reader, row, name, `column '${name}' holds ${v}, which is too large for float32`);
    if (dtype === 'i32' && (!Number.isInteger(v) || Math.abs(v) > 0x7fffffff))
      wrongCell(reader, row, name, `column '${name}' takes whole numbers of 32 bits, and this is ${v}`);
  }
}

/** Writes the chosen rows of a column into a tensor of `width` numbers a row, from place `at` of each row on. */
export function writeColumn(
  out: Float32Array | Int32Array,
  at: number,
  width: number,
  column: Column,
  cells: Cells,
  kept: ArrayLike<number>,
): void {
  const { words, index, fill, flag } = column;
  const { numbers, codes } = cells;
  if (!words) {
    for (let i = 0; i < kept.length; i++) {
      const v = numbers[kept[i] ?? 0] ?? NaN;
      out[i * width + at] = Number.isNaN(v) ? Number(fill ?? 0) : v;
      if (flag) out[i * width + at + 1] = Number.isNaN(v) ? 1 : 0;
    }
    return;
  }
  const places = cells.words.map((w) => words.indexOf(w));
  const gap = words.indexOf(String(fill ?? ''));
  const wide = widthOf(column);
  for (let i = 0; i < kept.length; i++) {
    const row = kept[i] ?? 0;
    const code = codes?.[row] ?? -1;
    const number = numbers[row] ?? NaN;
    const place = code >= 0 ? (places[code] ?? -1) : Number.isNaN(number) ? gap : words.indexOf(String(number));
    if (index) out[i * width + at] = place;
    else for (let k = 0; k < wide; k++) out[i * width + at + k] = k === place ? 1 : 0;
  }
}
