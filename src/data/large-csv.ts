import Papa from 'papaparse';
import { fail } from '../base/errors.ts';
import { columnsOf, isHeader, SEPARATOR_LINE, separatorOf, type CsvOptions } from './csv.ts';
import { BLOCK_ROWS, LargeColumn } from './large-table.ts';
import type { Shelf } from './shelf.ts';
import type { Table } from './table.ts';
import { PieceDecoder } from './utf8.ts';

/** A file that is read piece by piece. */
export interface LargeFile {
  readonly name: string;
  /** Fills `into` with the bytes from a place on, and gives how many there were. */
  read(place: number, into: Uint8Array): number;
}

/** Bytes that are read at once; a record may be longer. */
const PIECE = 1 << 22;
/** The longest record. */
const MOST = 1 << 26;
const [QUOTE, CR, LF, SPACE, MINUS, DOT, ZERO, NINE] = [34, 13, 10, 32, 45, 46, 48, 57];

/** What is told of a file: cells of a record in their order, and then its end. */
interface Sink {
  readonly number: (column: number, value: number) => void;
  readonly text: (column: number, text: string) => void;
  /** The end of a record of so many cells; false to stop. */
  readonly end: (cells: number) => boolean;
}

/**
 * Reads a CSV file of any size: the cells of the columns that are `wanted` go to the shelf, and are only looked at one column, or one block
 * of rows, at a time. The table is the one that `readCsv` reads from the same text.
 */
export function readLargeCsv(
  file: LargeFile,
  options: CsvOptions & { readonly piece?: number },
  shelf: Shelf,
  wanted: (columns: readonly string[]) => readonly string[],
): Table {
  const reader = new Pieces(file, options.separator, options.piece ?? PIECE);
  const { first, second } = reader.start;
  if (!first) return fail('NN301', `${file.name} is empty`);
  const named = options.header ?? isHeader(first, second);
  const columns = columnsOf(first, named);
  if (named && !second) return fail('NN301', `${file.name} has a head and no rows`);
  const chosen = new Set(wanted(columns));
  const known = new Set(options.words ?? []);
  const gathered = new Map<string, LargeColumn>();
  let rows = 0;
  const gather = (some: readonly string[], asWords: (column: string) => boolean): void => {
    const mine = columns.map((c) => (some.includes(c) ? new LargeColumn(shelf, options, asWords(c), known.has(c)) : undefined));
    let records = 0;
    reader.each(
      options.comma === true,
      {
        number(column, value) {
          if (!named || records > 0) mine[column]?.addNumber(value);
        },
        text(column, text) {
          if (!named || records > 0) mine[column]?.add(text);
        },
        end(cells) {
          records++;
          if (cells !== columns.length)
            fail(
              'NN303',
              `this line has ${cells} cells, and the ${named ? 'head' : 'first line'} has ${columns.length}, in line ${reader.line} of ${file.name}`,
            );
          return true;
        },
      },
      mine.map((m, i) => m !== undefined && asWords(columns[i] ?? '')),
    );
    mine.forEach((m, i) => {
      m?.flush();
      if (m) gathered.set(columns[i] ?? '', m);
    });
    rows = records - (named ? 1 : 0);
  };
  gather([...chosen], (c) => known.has(c));
  // Some cells of a column of words may look like numbers; as words they keep their text.
  const mixed = [...gathered].flatMap(([name, c]) => (!known.has(name) && c.wordy > c.numeric && c.numeric > 0 ? [name] : []));
  if (mixed.length > 0) gather(mixed, () => true);
  const column = (name: string): LargeColumn => gathered.get(name) ?? fail('NN302', `${file.name} has no column '${name}'`);
  return {
    columns,
    rows,
    cells: (name) => column(name).cells(),
    rowName: (row) => `line ${reader.lineOf(row + (named ? 1 : 0))}`,
    blocks: { rows: BLOCK_ROWS, cells: (name, index) => column(name).block(index), shelf },
  };
}

/** The records of a file. */
class Pieces {
  /** The line of the record that was read last. */
  line = 0;
  readonly start: { readonly first: readonly string[] | undefined; readonly second: readonly string[] | undefined };
  private readonly file: LargeFile;
  private readonly separator: string;
  private readonly newline: string;
  /** Bytes of a first line that only tells the separator. */
  private readonly told: number;
  private readonly decoder: PieceDecoder;
  private readonly piece: number;

  constructor(file: LargeFile, separator: string | undefined, piece: number) {
    this.file = file;
    this.decoder = new PieceDecoder(file.name);
    this.piece = piece;
    const bytes = new Uint8Array(1 << 16);
    const head = bytes.subarray(0, file.read(0, bytes));
    this.decoder.mustBeText(head);
    const text = new TextDecoder().decode(head);
    const told = SEPARATOR_LINE.exec(text);
    // A mark of the encoding before it is not in the text.
    this.told = told ? new TextEncoder().encode(told[0]).length + (head[0] === 0xef ? 3 : 0) : 0;
    this.separator = separator ?? told?.[1] ?? separatorOf(text);
    this.newline = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
    const found: string[][] = [[]];
    this.each(true, {
      number: () => undefined,
      text: (_column, cell) => void found.at(-1)?.push(cell),
      end: () => found.push([]) < 3,
    });
    const [first, second] = found.slice(0, -1);
    this.start = { first, second };
  }

  /** The line on which a record begins. */
  lineOf(record: number): number {
    let [records, line] = [0, 0];
    const end = (): boolean => {
      line = this.line;
      return ++records <= record;
    };
    this.each(true, { number: () => undefined, text: () => undefined, end });
    return line;
  }

  /** Goes through the file. With `asText`, or for the columns that say so, nothing is read as a number. */
  each(asText: boolean, sink: Sink, texts: readonly boolean[] = []): void {
    let buffer = new Uint8Array(this.piece);
    let [place, held, read] = [this.told, 0, 0];
    this.line = 0;
    for (;;) {
      if (held === buffer.length) {
        if (held > MOST)
          fail('NN303', `a line or a quoted cell is longer than ${MOST} bytes, in line ${this.line + 1} of ${this.file.name}`, {
            help: 'look for a quote that does not end',
          });
        const larger = new Uint8Array(buffer.length * 2);
        larger.set(buffer);
        buffer = larger;
      }
      const got = this.file.read(place, buffer.subarray(held));
      const begin = read === 0 && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
      place += got;
      held += got;
      const last = got === 0;
      const end = last ? held : buffer.lastIndexOf(LF, held - 1) + 1;
      const plain = this.newline !== '\r' && this.separator.length === 1 && !buffer.subarray(0, held).includes(QUOTE);
      const used = plain
        ? this.scan(buffer, begin, end, sink, asText, texts)
        : this.parse(buffer.subarray(begin, held), last, sink) + begin;
      if (used < 0 || last) return;
      buffer.copyWithin(0, used, held);
      held -= used;
      read += used;
    }
  }

  /** Whole lines without quotes. Gives where it ended, or -1 where the sink has enough. */
  private scan(bytes: Uint8Array, begin: number, end: number, sink: Sink, asText: boolean, texts: readonly boolean[]): number {
    const separator = this.separator.charCodeAt(0);
    let [from, column] = [begin, 0];
    for (let i = begin; i <= end; i++) {
      const c = i < end ? bytes[i] : LF;
      if (c !== separator && c !== LF) continue;
      // A last line may end without a newline.
      if (i === end && from === end && column === 0) break;
      let to = i;
      if (c === LF && to > from && bytes[to - 1] === CR) to--;
      if (c === LF && column === 0 && this.isBlank(bytes, from, to)) this.line++;
      else {
        const n = asText || texts[column] ? NaN : plainNumber(bytes, from, to);
        if (Number.isNaN(n)) sink.text(column, this.decoder.cell(bytes.subarray(from, to)).trim());
        else sink.number(column, n);
        column++;
        if (c === LF) {
          this.line++;
          if (!sink.end(column)) return -1;
          column = 0;
        }
      }
      from = i + 1;
    }
    return end;
  }

  private isBlank(bytes: Uint8Array, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (bytes[i] !== SPACE) return false;
    return true;
  }

  /** Records that may be quoted. Gives how many bytes it used, or a number below 0 where the sink has enough. */
  private parse(bytes: Uint8Array, last: boolean, sink: Sink): number {
    const text = this.decoder.piece(bytes, last);
    const config = { delimiter: this.separator, newline: this.newline as Papa.ParseConfig['newline'] };
    const { data, errors, meta } = new Papa.Parser(config).parse(text, 0, !last) as Papa.ParseResult<string[]>;
    const [error] = errors;
    if (error && last) {
      const line = this.line + text.slice(0, error.index ?? 0).split('\n').length;
      const what = error.code === 'MissingQuotes' ? 'a quote begins here and does not end' : 'a quoted cell goes on behind its quote';
      fail('NN303', `${what}, in line ${line} of ${this.file.name}`);
    }
    // A piece that ends within quotes is read again with the next one.
    if (error) return 0;
    for (const record of data) {
      const lines = record.reduce((n, cell) => n + cell.split('\n').length - 1, 1);
      this.line++;
      if (record.length > 1 || record[0]?.trim() !== '') {
        record.forEach((cell, column) => sink.text(column, cell.trim()));
        if (!sink.end(record.length)) return -Infinity;
      }
      this.line += lines - 1;
    }
    return last ? bytes.length : new TextEncoder().encode(text.slice(0, meta.cursor)).length;
  }
}

/** Digits that a double holds exactly, and powers of ten that it does. */
const DIGITS = 15;
const POWERS = Array.from({ length: DIGITS + 1 }, (_, i) => 10 ** i);

/**
 * A number such as `-12.5`; NaN for everything else, which is read as text. A quotient of two exact doubles is the double that is nearest to
 * the decimal (Clinger: "How to read floating point numbers accurately", PLDI 1990).
 */
function plainNumber(bytes: Uint8Array, from: number, to: number): number {
  while (from < to && bytes[from] === SPACE) from++;
  while (to > from && bytes[to - 1] === SPACE) to--;
  const negative = bytes[from] === MINUS;
  let [digits, decimals, value] = [0, -1, 0];
  for (let i = negative ? from + 1 : from; i < to; i++) {
    const c = bytes[i] as number;
    if (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO);
      digits++;
      if (decimals >= 0) decimals++;
    } else if (c === DOT && decimals < 0) decimals = 0;
    else return NaN;
  }
  if (digits === 0 || digits > DIGITS) return NaN;
  const size = decimals > 0 ? value / (POWERS[decimals] as number) : value;
  return negative ? -size : size;
}
