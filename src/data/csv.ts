// The browser build runs everywhere; the default one needs Node's Buffer.
import { userError } from '../base/diagnostics.ts';
import { parse } from 'csv-parse/browser/esm/sync';
import { fail, messageOf } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import type { Table } from './table.ts';

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Reads a CSV text. The first line names the columns; if all of its cells are numbers, the columns are called 0, 1, 2... */
export function readCsv(source: Source, delimiter: ',' | '\t'): Table {
  let rows: Row[];
  try {
    rows = parse(source.text, {
      delimiter,
      info: true,
      bom: true,
      skip_empty_lines: true,
      trim: true,
      relax_column_count: true,
    }) as unknown as Row[];
  } catch (e) {
    return fail('NN301', `${source.name}: ${messageOf(e)}`);
  }
  const [first] = rows;
  if (!first) return fail('NN301', `${source.name} is empty`);
  const named = !first.record.every(isNumber);
  const columns = named ? first.record : first.record.map((_, i) => String(i));
  const twice = columns.find((c, i) => columns.indexOf(c) !== i);
  if (twice !== undefined)
    return fail('NN301', `${source.name} has two columns '${twice}'`, { help: 'give every column a name of its own' });
  if (columns.length === 1 && (columns[0] ?? '').includes(';'))
    return fail('NN301', `${source.name} separates its cells by semicolons`, { help: 'nnc reads commas in .csv and tabs in .tsv' });
  const body = named ? rows.slice(1) : rows;
  if (body.length === 0) return fail('NN301', `${source.name} has a head and no rows`);
  for (const { record, info } of body) {
    if (record.length !== columns.length)
      wrongCell(source, info.lines, undefined, `this line has ${record.length} cells, and the head has ${columns.length}`);
  }
  return {
    columns,
    rows: body.length,
    numbers(column) {
      const i = columns.indexOf(column);
      return Float64Array.from(body, ({ record, info }) => {
        const text = record[i] ?? '';
        if (!isNumber(text))
          wrongCell(source, info.lines, text, `column '${column}' needs a number, and this is ${text === '' ? 'empty' : `'${text}'`}`);
        return Number(text);
      });
    },
  };
}

function isNumber(text: string): boolean {
  return text !== '' && Number.isFinite(Number(text));
}

/** Reports a cell, by its line. */
function wrongCell(source: Source, line: number, cell: string | undefined, label: string): never {
  const lines = source.text.split('\n');
  const start = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  const text = (lines[line - 1] ?? '').replace(/\r$/, '');
  const column = cell ? Math.max(0, text.indexOf(cell)) : 0;
  const length = cell ? cell.length : Math.max(1, text.length);
  throw userError([{ code: 'NN303', severity: 'error', span: { source, start: start + column, end: start + column + length }, label }]);
}
