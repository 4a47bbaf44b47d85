import { columnName } from '../base/column-name.ts';
import { numberHelp } from '../base/learned.ts';
import { isWrong } from '../base/numbers.ts';
import { widthOfType } from '../base/types.ts';
import { checkGaps, checkWordsAreNone } from './columns.ts';
import { wrongCell, type Reader } from './reader.ts';
import { reject } from './labels.ts';
import type { Needs, Numbers } from './needs.ts';
import { firstWord, isWords, wordedTruth, type Cells } from './table.ts';

type Target = Needs['targets'][number];

/** A target that is ready to be written. */
export interface FittedTarget {
  /** The names of its classes, by number, if they have names. */
  readonly classes: readonly string[] | undefined;
  readonly width: number;
  /** The numbers of some rows of the given cells, by column. */
  readonly tensor: (kept: ArrayLike<number>, cellsOf: (column: string) => Cells) => Numbers;
}

/** Reads a target: numbers, or classes. Words become classes, and so do labels that are not counted from 0. */
export function fitTarget(reader: Reader, target: Target, names: readonly string[]): FittedTarget {
  const { needs } = reader;
  const width = widthOfType(target.type);
  const what = needs.targets.length === 1 ? 'the target' : `the target '${target.shown}'`;
  if (names.length !== width)
    reject(
      needs,
      'NN304',
      `${what} takes ${width} column${width === 1 ? '' : 's'}, and the data gives ${names.length} (${names.join(', ')})`,
      width > 1 && names.length === 1
        ? `the loss compares each of the ${width} outputs with a number of its own; for classes, use loss cross_entropy`
        : 'choose them: data "FILE" x=[...] y=...',
    );
  // Several columns of yes and no are numbers, each with an output of its own.
  const named = (cells: Cells): Cells => (target.type.dtype === 'i32' || width === 1 ? wordedTruth(cells) : cells);
  const columns = names.map((name) => ({ name, cells: named(reader.table.cells(name)) }));
  for (const { name, cells } of columns) checkGaps(reader, { name }, cells, true);
  const classes = target.type.dtype === 'i32' ? classesOf(reader, target, columns) : sidesOf(reader, target, columns);
  return {
    classes,
    width,
    tensor(kept, cellsOf) {
      const out = target.type.dtype === 'i32' ? new Int32Array(kept.length * width) : new Float32Array(kept.length * width);
      names.forEach((name, j) => {
        const { codes, numbers, words } = named(cellsOf(name));
        const places = words.map((w) => classes?.indexOf(w) ?? -1);
        for (let i = 0; i < kept.length; i++) {
          const row = kept[i] ?? 0;
          const code = codes?.[row] ?? -1;
          const number = numbers[row] ?? NaN;
          const label = classes && number !== target.ignored ? classes.indexOf(String(number)) : number;
          out[i * width + j] = code >= 0 ? (places[code] ?? -1) : label;
        }
      });
      return out;
    },
  };
}

interface Named {
  readonly name: string;
  readonly cells: Cells;
}

/** The names of the classes of a target of labels; undefined if the labels are counted from 0 already. */
function classesOf(reader: Reader, target: Target, columns: readonly Named[]): readonly string[] | undefined {
  const { needs, remarks } = reader;
  const { classes: count, ignored } = target;
  const shown = columns.map((c) => c.name).join(', ');
  const known = needs.known?.classes[target.shown];
  if (columns.some(({ cells }) => isWords(cells))) {
    const words = known ?? [...new Set(columns.flatMap(({ cells }) => cells.words))].sort();
    for (const { name, cells } of columns) checkClasses(reader, name, cells, words);
    if (count !== undefined && words.length > count) tooMany(reader, shown, words, count);
    if (!known) remarks.push(aboutClasses(shown, words));
    return words;
  }
  const found = new Set<number>();
  for (const { name, cells } of columns) {
    const word = firstWord(cells);
    if (word >= 0)
      wrongCell(
        reader,
        word,
        name,
        `column '${name}' holds labels that are numbers, and this is a word`,
        `correct the cell, or leave it empty where the label is missing; if the word is a class too, add words=[${columnName(name)}] to the data line`,
      );
    cells.numbers.forEach((v, row) => {
      if (Number.isNaN(v) || v === ignored) return;
      if (!Number.isInteger(v))
        wrongCell(
          reader,
          row,
          name,
          `column '${name}' holds labels, and ${v} is not a whole number`,
          'the loss compares classes; to predict numbers such as prices, end the layers with one output and write: loss mse',
        );
      if (Math.abs(v) > 0x7fffffff) wrongCell(reader, row, name, `label ${v} is too large`);
      found.add(v);
    });
  }
  if (known) {
    for (const { name, cells } of columns) checkClasses(reader, name, cells, known);
    return known;
  }
  const labels = [...found].sort((a, b) => a - b);
  if (count === undefined || labels.every((v) => v >= 0 && v < count)) return undefined;
  const names = labels.map(String);
  if (names.length > count) tooMany(reader, shown, names, count);
  remarks.push(
    `${shown}: the labels ${names.length <= 6 ? names.join(', ') : `${names[0] ?? ''} to ${names.at(-1) ?? ''}`} are the classes 0 to ${names.length - 1}`,
  );
  return names;
}

function tooMany({ needs, path }: Reader, column: string, names: readonly string[], count: number): never {
  const many = names.length > 2 * count && names.length > 20;
  return reject(
    needs,
    'NN306',
    `'${column}' has ${names.length} different values in ${path}, and the model has ${count} class${count === 1 ? '' : 'es'}`,
    many
      ? 'to predict numbers such as prices, end the layers with one output and write: loss mse'
      : `the last layer has one output for each class: make it ${names.length}`,
  );
}

function checkClasses(reader: Reader, name: string, cells: Cells, classes: readonly string[]): void {
  const word = cells.words.find((w) => !classes.includes(w));
  const row = word === undefined ? -1 : (cells.codes?.indexOf(cells.words.indexOf(word)) ?? -1);
  const number = cells.numbers.findIndex((v) => !Number.isNaN(v) && !classes.includes(String(v)));
  const at = row >= 0 ? row : number;
  if (at >= 0)
    wrongCell(
      reader,
      at,
      name,
      `'${word ?? String(cells.numbers[number])}' is none of the ${classes.length} classes of '${name}'`,
      `they are ${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', ...' : ''}`,
    );
}

/** A target of numbers that holds two words, such as `no` and `yes`: they are 0 and 1. So are two numbers for a loss of yes and no. */
function sidesOf(reader: Reader, target: Target, columns: readonly Named[]): readonly string[] | undefined {
  const { needs, remarks, path } = reader;
  const wordy = columns.find(({ cells }) => isWords(cells));
  if (!wordy) {
    for (const { name, cells } of columns) {
      const word = firstWord(cells);
      const text = cells.words[cells.codes?.[word] ?? 0] ?? '';
      if (word >= 0)
        wrongCell(
          reader,
          word,
          name,
          `column '${name}' holds numbers, and this is '${text}'`,
          numberHelp(text, needs) ?? 'correct the cell, or leave it empty where the value is missing',
        );
      const large = cells.numbers.findIndex((v) => !Number.isNaN(v) && !Number.isFinite(Math.fround(v)));
      if (large >= 0) wrongCell(reader, large, name, `column '${name}' holds ${cells.numbers[large] ?? 0}, which is too large for float32`);
      if (cells.decorated && !needs.known) remarks.push(`${name}: numbers with signs of money, percent or thousands, read without them`);
    }
    return target.shares ? twoSides(reader, target, columns) : undefined;
  }
  const { name, cells } = wordy;
  const known = needs.known?.classes[needs.targets[0]?.shown ?? 'y'];
  if (!known) checkWordsAreNone(reader, name, cells);
  const words = known ?? [...cells.words].sort();
  if (columns.length > 1 || words.length !== 2)
    reject(
      needs,
      'NN306',
      `'${name}' holds ${words.length === 1 ? 'one word' : `${words.length} different words`} in ${path}, and the loss compares numbers`,
      words.length === 1
        ? 'there is nothing to tell apart'
        : `words are classes: end the layers with ${words.length} outputs and write: loss cross_entropy`,
    );
  checkClasses(reader, name, cells, words);
  if (!known) remarks.push(aboutClasses(name, words));
  return words;
}

/** The most numbers that are probably classes. */
const FEW = 20;

/** The names of yes and no where two numbers stand for them, such as 1 and 2; undefined if all numbers are from 0 to 1 already. */
function twoSides(reader: Reader, { shown }: Target, columns: readonly Named[]): readonly string[] | undefined {
  const { needs, remarks, path } = reader;
  const known = needs.known?.classes[shown];
  const [only] = columns;
  if (only && known?.every((name) => name !== '' && Number.isFinite(Number(name)))) {
    checkClasses(reader, only.name, only.cells, known);
    return known;
  }
  const outside = columns.find(({ cells }) => cells.numbers.some((v) => isWrong(v)));
  if (!outside) return undefined;
  const { name } = outside;
  const found = new Set<number>();
  for (const v of outside.cells.numbers) if (!Number.isNaN(v) && found.size <= FEW) found.add(v);
  const labels = [...found].sort((a, b) => a - b);
  const whole = labels.every((v) => Number.isInteger(v));
  if (columns.length === 1 && !needs.known && labels.length === 2 && whole) {
    remarks.push(`${name}: the labels ${labels.join(' and ')} are the classes 0 and 1, which are no and yes`);
    return labels.map(String);
  }
  const classes = columns.length === 1 && labels.length > 2 && labels.length <= FEW && whole;
  return reject(
    needs,
    'NN306',
    `'${name}' holds ${labels.length > SHOWN ? `numbers such as ${labels.find((v) => isWrong(v)) ?? 0}` : labels.join(', ')} in ${path}, and the loss compares yes and no: 1, 0, or a share between them`,
    classes
      ? `for classes, end the layers with ${labels.length} outputs and write: loss cross_entropy; to predict numbers, write: loss mse`
      : labels.length <= 2
        ? 'write 0 for no and 1 for yes'
        : 'to predict numbers such as prices, write: loss mse',
  );
}

const SHOWN = 8;

/** `kind: 3 words are the classes 0 setosa, 1 versicolor, 2 virginica` */
const aboutClasses = (name: string, words: readonly string[]): string =>
  `${name}: the words are the classes ${words
    .slice(0, SHOWN)
    .map((w, i) => `${i} ${w}`)
    .join(', ')}${words.length > SHOWN ? ` ... ${words.length - 1} ${words.at(-1) ?? ''}` : ''}`;
