import { fail, messageOf } from '../base/errors.ts';
import type { Raw } from '../base/learned.ts';
import type { Source } from '../base/source.ts';
import type { StoredTensor } from './safetensors.ts';
import { gather, type Reading, type Table } from './table.ts';

const HELP = 'nnc reads [{"a": 1, "b": 2}, ...] and {"x": [[1, 2], ...], "y": [...]}';

/** Reads JSON: a list of objects is a table, one row each; an object of nested lists holds tensors by name. */
export function readJson(source: Source, how: Reading): Table | Map<string, StoredTensor> {
  const bad = (why: string): never => fail('NN301', `${source.name}: ${why}`, { help: HELP });
  let json: unknown;
  try {
    json = JSON.parse(source.text);
  } catch (e) {
    return bad(messageOf(e));
  }
  if (Array.isArray(json)) return tableOf(source.name, json as unknown[], how, (i) => `row ${i + 1}`);
  if (typeof json !== 'object' || json === null) return bad('it is neither a list nor an object');
  return new Map(
    Object.entries(json).map(([name, value]) => {
      const data: number[] = [];
      const shape = flatten(value, data);
      if (!shape) return bad(`'${name}' is not an even list of numbers`);
      return [
        name,
        { shape, data: data.every((v) => Number.isInteger(v) && Math.abs(v) < 2 ** 31) ? Int32Array.from(data) : Float32Array.from(data) },
      ];
    }),
  );
}

/** Reads JSON lines: one object a line, which is one row. */
export function readJsonLines(source: Source, how: Reading): Table {
  const rows: unknown[] = [];
  const lines: number[] = [];
  source.text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      rows.push(JSON.parse(line));
      lines.push(i + 1);
    } catch (e) {
      fail('NN301', `line ${i + 1} of ${source.name} is no JSON: ${messageOf(e)}`);
    }
  });
  return tableOf(source.name, rows, how, (i) => `line ${lines[i] ?? 0}`);
}

/** The shape of nested lists of numbers, which are appended to `out`; undefined if the lists are uneven. */
function flatten(value: unknown, out: number[]): number[] | undefined {
  if (typeof value === 'number') {
    out.push(value);
    return [];
  }
  if (!Array.isArray(value)) return undefined;
  const shapes = value.map((v) => flatten(v, out));
  const [first] = shapes;
  if (value.length > 0 && (!first || shapes.some((s) => s?.join() !== first.join()))) return undefined;
  return [value.length, ...(first ?? [])];
}

function tableOf(name: string, rows: readonly unknown[], how: Reading, rowName: (row: number) => string): Table {
  const [first] = rows;
  if (first === undefined) return fail('NN301', `${name}: it has no rows`, { help: HELP });
  if (!rows.every((r) => typeof r === 'object' && r !== null && !Array.isArray(r)))
    return fail('NN301', `${name}: a list must hold objects, one for each example`, { help: HELP });
  const objects = rows as readonly Readonly<Record<string, unknown>>[];
  // A key may be left out where its value is missing.
  const columns = [...new Set(objects.flatMap((o) => Object.keys(o)))];
  const cells = gather(columns, how, (add) =>
    objects.forEach((o, i) =>
      add(
        columns.map((c): Raw => {
          const v = o[c];
          if (v === undefined || v === null || typeof v !== 'object') return v as Raw;
          return fail('NN303', `'${c}' of ${rowName(i)} in ${name} is ${JSON.stringify(v).slice(0, 40)}, and a number or a word is needed`);
        }),
      ),
    ),
  );
  return {
    columns,
    rows: rows.length,
    cells: (column) => cells.get(column) ?? fail('NN302', `${name} has no column '${column}'`),
    rowName,
  };
}
