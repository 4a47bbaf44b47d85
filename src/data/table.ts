import { isEmpty, isMissing, numberIn, type Column, type Raw } from '../base/learned.ts';
import type { Span } from '../base/source.ts';
import type { Shelf } from './shelf.ts';

/** A column of a table: its cells as numbers, and as words where they are none. */
export interface Cells {
  /** The number in each row; NaN where the cell is missing or holds a word. */
  readonly numbers: Float64Array;
  /** The place of each row's word in {@link words}; -1 where there is none. Undefined if all cells are numbers. */
  readonly codes: Int32Array | undefined;
  /** Different words, in order of appearance. */
  readonly words: readonly string[];
  /** Rows without a value, in order. */
  readonly missing: readonly number[];
  /** Whether numbers were written with signs of money, thousands or percent. */
  readonly decorated: boolean;
  /** How 0 and 1 were written, if all numbers were `true` and `false`. */
  readonly truth?: readonly [string, string] | undefined;
}

/** A table with named columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: number;
  readonly cells: (column: string) => Cells;
  /** The place of a cell in the file, if it can be shown. */
  readonly place?: (row: number, column: string) => Span | undefined;
  /** What a row is called in messages: its line in the file. */
  readonly rowName: (row: number) => string;
  /** For tables that are larger than memory: the cells of a block of rows, and where encoded rows go. */
  readonly blocks?: { readonly rows: number; readonly cells: (column: string, block: number) => Cells; readonly shelf: Shelf };
}

/** How the cells of a file are read. */
export type Reading = Pick<Column, 'comma' | 'dates'> & {
  /** Columns whose numbers are words: postcodes, codes of products. */
  readonly words?: readonly string[] | undefined;
};

/** Whether a column counts as words: more of its cells are words than numbers. */
export const isWords = ({ numbers, words, codes, missing }: Cells): boolean => {
  if (!codes || words.length === 0) return false;
  const numeric = numbers.reduce((n, v) => n + (Number.isNaN(v) ? 0 : 1), 0);
  return numbers.length - missing.length - numeric > numeric;
};

/** The first row that holds a word, in a column of numbers; -1 if there is none. */
export const firstWord = ({ codes }: Cells): number => codes?.findIndex((c) => c >= 0) ?? -1;

/** The same cells with `true` and `false` as words, if all numbers were written so: they are names of classes. */
export function wordedTruth(cells: Cells): Cells {
  const { truth, numbers, words, codes } = cells;
  if (!truth) return cells;
  const own = Int32Array.from(numbers, (v, row) => (Number.isNaN(v) ? (codes?.[row] ?? -1) : words.length + v));
  return { ...cells, numbers: new Float64Array(numbers.length).fill(NaN), codes: own, words: [...words, ...truth], truth: undefined };
}

/** Gathers the cells of one column, row by row. */
export class CellsBuilder {
  private numbers = new Float64Array(1024);
  private codes: Int32Array | undefined;
  private readonly places = new Map<string, number>();
  private missing: number[] = [];
  private rows = 0;
  private decorated = false;
  private counted = false;
  private spelled: string | undefined;
  private readonly how: Reading;
  private readonly asWords: boolean;
  private readonly isGap: (raw: Raw) => boolean;

  /** With `asWords`, every cell is a word; if it is `declared` so, also what else would be read as a gap: `None`, `?`. */
  constructor(how: Reading, asWords: boolean, declared: boolean) {
    this.how = how;
    this.asWords = asWords;
    this.isGap = declared ? isEmpty : isMissing;
  }

  add(raw: Raw): void {
    const row = this.rows++;
    if (row === this.numbers.length) this.grow();
    this.numbers[row] = NaN;
    if (this.isGap(raw)) {
      this.missing.push(row);
      return;
    }
    const n = this.asWords ? undefined : typeof raw === 'string' ? this.read(raw) : this.plain(raw);
    if (n !== undefined) this.numbers[row] = n;
    else this.word(row, String(raw));
  }

  addNumber(n: number): void {
    const row = this.rows++;
    if (row === this.numbers.length) this.grow();
    this.numbers[row] = n;
    this.counted = true;
  }

  private plain(raw: Raw): number {
    if (typeof raw === 'boolean') this.spelled ??= String(raw);
    else this.counted = true;
    return Number(raw);
  }

  private read(text: string): number | undefined {
    const n = Number(text);
    if (Number.isFinite(n) && !this.how.comma && !this.how.dates) return this.plain(n);
    const other = numberIn(text, this.how);
    if (other !== undefined && /^(true|false)$/i.test(text)) this.spelled ??= text;
    else if (other !== undefined) this.counted = true;
    if (other !== undefined && !this.how.comma && !this.how.dates && /[$€£¥%,]/.test(text)) this.decorated = true;
    return other;
  }

  private word(row: number, text: string): void {
    this.codes ??= new Int32Array(this.numbers.length).fill(-1);
    const known = this.places.get(text) ?? this.places.size;
    this.places.set(text, known);
    this.codes[row] = known;
  }

  private grow(): void {
    const numbers = new Float64Array(this.rows * 2);
    numbers.set(this.numbers);
    this.numbers = numbers;
    if (!this.codes) return;
    const codes = new Int32Array(this.rows * 2).fill(-1);
    codes.set(this.codes);
    this.codes = codes;
  }

  /** The words so far, in order of appearance. */
  get known(): readonly string[] {
    return [...this.places.keys()];
  }

  /** How 0 and 1 were written so far, if all numbers were `true` and `false`. */
  get truth(): readonly [string, string] | undefined {
    const { counted, spelled } = this;
    if (counted || spelled === undefined) return undefined;
    const [first = '', second = ''] = spelled;
    const upper = (c: string): boolean => c !== c.toLowerCase();
    const like = (word: string): string =>
      upper(second) ? word.toUpperCase() : upper(first) ? `${(word[0] ?? '').toUpperCase()}${word.slice(1)}` : word;
    return [like('false'), like('true')];
  }

  /** The rows since the last call; words keep their numbers. */
  take(): Cells {
    const cells = this.done();
    [this.numbers, this.codes, this.missing] = [new Float64Array(this.numbers.length), undefined, []];
    [this.rows, this.decorated] = [0, false];
    return cells;
  }

  done(): Cells {
    const { rows, missing, decorated } = this;
    return {
      numbers: this.numbers.subarray(0, rows),
      codes: this.codes?.subarray(0, rows),
      words: this.known,
      missing,
      decorated,
      truth: this.truth,
    };
  }
}

/** Cells of columns that are given row by row, and read anew as words where the column turns out to hold words. */
export function gather(
  columns: readonly string[],
  how: Reading,
  each: (add: (cells: readonly Raw[]) => void) => void,
): ReadonlyMap<string, Cells> {
  const known = new Set(how.words ?? []);
  const read = (asWords: ReadonlySet<string>): ReadonlyMap<string, Cells> => {
    const builders = columns.map((c) => new CellsBuilder(how, asWords.has(c), known.has(c)));
    each((cells) => builders.forEach((b, i) => b.add(cells[i])));
    return new Map(columns.map((c, i) => [c, (builders[i] as CellsBuilder).done()]));
  };
  const first = read(known);
  // Some cells of a column of words may look like numbers; as words they keep their text.
  const mixed = columns.filter((c) => {
    const cells = first.get(c);
    return cells !== undefined && !known.has(c) && isWords(cells) && cells.numbers.some((n) => !Number.isNaN(n));
  });
  return mixed.length === 0 ? first : read(new Set([...known, ...mixed]));
}
