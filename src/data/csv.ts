import Papa from 'papaparse';
import { fail } from '../base/errors.ts';
import { isMissing, numberIn } from '../base/learned.ts';
import { userError } from '../base/diagnostics.ts';
import type { Source, Span } from '../base/source.ts';
import { gather, type Reading, type Table } from './table.ts';

export interface CsvOptions extends Reading {
  /** What separates cells; by default whichever of `, ; tab |` the first line has most of. */
  readonly separator?: string | undefined;
  /** Whether the first line names the columns; by default it does unless it looks like the rows below. */
  readonly header?: boolean | undefined;
}

/** Characters that are parsed at once. */
const PIECE = 1 << 22;
/** Characters in which the first line ends. */
const HEAD = 1 << 16;
const SEPARATORS = [',', ';', '\t', '|'];

/** The first line that Excel takes for the separator: `sep=;`. */
export const SEPARATOR_LINE = /^sep=([^\r\n"])(?=\r?\n|\r)/i;

/** Reads a CSV text. Without a header, the columns are called 0, 1, 2... */
export function readCsv(source: Source, options: CsvOptions): Table {
  const all = source.text.replace(/^\uFEFF/, '');
  const told = SEPARATOR_LINE.exec(all);
  // Without its text, the line does not count, and the others keep their numbers.
  const text = told ? all.slice(told[0].length) : all;
  const records = new Records({ name: source.name, text }, options.separator ?? told?.[1] ?? separatorOf(text));
  const two = records.first(2);
  const [first, second] = two;
  if (!first) return fail('NN301', `${source.name} is empty`);
  const named = options.header ?? isHeader(first, second);
  const columns = columnsOf(first, named);
  if (named && two.length < 2) return fail('NN301', `${source.name} has a head and no rows`);
  let rows = 0;
  const cells = gather(columns, options, (add) => {
    rows = 0;
    records.each((record, i) => {
      if (named && i === 0) return;
      if (record.length !== columns.length)
        throw wrong(
          records.place(i),
          `this line has ${record.length} cells, and the ${named ? 'head' : 'first line'} has ${columns.length}`,
        );
      rows++;
      add(record);
    });
  });
  const skipped = named ? 1 : 0;
  return {
    columns,
    rows,
    cells: (column) => cells.get(column) ?? fail('NN302', `${source.name} has no column '${column}'`),
    place: (row, column) => records.place(row + skipped, columns.indexOf(column)),
    rowName: (row) => `line ${records.line(row + skipped)}`,
  };
}

/**
 * The names of a table's columns. A line break in a name is a space: no program could hold it. A name that is there again gets a number, as in
 * pandas: a, a.1, a.2.
 */
export function columnsOf(first: readonly string[], named: boolean): readonly string[] {
  const all = first.map((name, i) => (named ? name.replace(/\s*[\r\n]\s*/g, ' ') : String(i)));
  const taken = new Set(all);
  return all.map((name, i) => {
    if (all.indexOf(name) === i) return name;
    let n = 1;
    while (taken.has(`${name}.${n}`)) n++;
    taken.add(`${name}.${n}`);
    return `${name}.${n}`;
  });
}

const wrong = (span: Span, label: string) => userError([{ code: 'NN303', severity: 'error', span, label }]);

/** The separator of a text: the one that its first line has most often, outside of quotes. */
export function separatorOf(text: string): string {
  // A quoted name may hold a line break.
  const bare = text.slice(0, HEAD).replace(/"[^"]*"/g, '');
  const line = bare.slice(0, bare.search(/\r?\n|\r|$/));
  const counts = SEPARATORS.map((s) => line.split(s).length - 1);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** A line of numbers is no header. One with some numbers is none if the next line has numbers in the same places. */
export function isHeader(first: readonly string[], second: readonly string[] | undefined): boolean {
  const kinds = (cells: readonly string[]): string => cells.map((c) => (numberIn(c) === undefined ? 'w' : 'n')).join('');
  const mine = kinds(first);
  if (!mine.includes('n')) return true;
  return mine.includes('w') && second !== undefined && kinds(second) !== mine && !second.some(isMissing);
}

/** The records of a text, parsed in pieces. Empty lines do not count. */
class Records {
  private readonly source: Source;
  private readonly config: Papa.ParseConfig;

  constructor(source: Source, delimiter: string) {
    this.source = source;
    this.config = { delimiter, newline: (/\r\n|\n|\r/.exec(source.text)?.[0] ?? '\n') as Papa.ParseConfig['newline'] };
  }

  /** The first records. */
  first(n: number): string[][] {
    const found: string[][] = [];
    this.each((record) => found.push(record) < n);
    return found;
  }

  /** Calls `visit` with every record and its number, until it gives false. */
  each(visit: (record: string[], i: number) => unknown): void {
    const { text } = this.source;
    let i = 0;
    for (let [from, size] = [0, PIECE]; from < text.length;) {
      const last = from + size >= text.length;
      const piece = new Papa.Parser(this.config).parse(last ? text.slice(from) : text.slice(from, from + size), 0, !last);
      const { data, errors, meta } = piece as Papa.ParseResult<string[]>;
      const [error] = errors;
      if (error && last) this.wrongQuote(from, error);
      if (!last && (error || meta.cursor === 0)) {
        // A record may be longer than a piece.
        size *= 2;
        continue;
      }
      for (const record of data) {
        if (record.length === 1 && record[0]?.trim() === '') continue;
        for (let k = 0; k < record.length; k++) record[k] = (record[k] as string).trim();
        if (visit(record, i++) === false) return;
      }
      if (last) return;
      from += meta.cursor;
    }
  }

  private wrongQuote(from: number, error: Papa.ParseError): never {
    const { source } = this;
    const index = from + (error.index ?? 0);
    const start = source.text[index - 1] === '"' ? index - 1 : index;
    const line = source.text.indexOf('\n', start);
    throw wrong(
      { source, start, end: Math.max(start + 1, line < 0 ? source.text.length : line) },
      error.code === 'MissingQuotes' ? 'a quote begins here and does not end' : 'a quoted cell goes on behind its quote',
    );
  }

  /** The span of a record, or of a cell in it. */
  place(record: number, cell = -1): Span {
    const { source } = this;
    const { text } = source;
    let [i, from] = [0, 0];
    let found: Span = { source, start: 0, end: 1 };
    const step = (result: unknown): void => {
      const { data, meta } = result as { readonly data: readonly (readonly string[])[]; readonly meta: { readonly cursor: number } };
      const [cells = []] = data;
      const start = from;
      from = meta.cursor;
      if (cells.length === 1 && cells[0]?.trim() === '') return;
      if (i++ < record) return;
      parser.abort();
      const stop = text.indexOf('\n', start);
      const line = text.slice(start, stop < 0 ? text.length : stop).replace(/\r$/, '');
      const value = cells[cell]?.trim();
      // A cell may be quoted or empty, so it is looked for behind the cells before it.
      const before = cells.slice(0, Math.max(0, cell)).reduce((n, c) => Math.max(0, line.indexOf(c, n)) + c.length, 0);
      const at = value ? Math.max(0, line.indexOf(value, before)) : 0;
      found = { source, start: start + at, end: start + at + (value ? value.length : Math.max(1, line.length)) };
    };
    const parser = new Papa.Parser({ ...this.config, step } as Papa.ParseConfig);
    parser.parse(text, 0, false);
    return found;
  }

  /** The line on which a record begins. */
  line(record: number): number {
    return this.source.text.slice(0, this.place(record).start).split('\n').length;
  }
}
