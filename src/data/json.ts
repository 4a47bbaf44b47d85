import { fail, messageOf } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import type { StoredTensor } from './safetensors.ts';
import type { Table } from './table.ts';

/** Reads JSON: a list of objects is a table, one row each; an object of nested lists holds tensors by name. */
export function readJson(source: Source): Table | Map<string, StoredTensor> {
  const bad = (why: string): never =>
    fail('NN301', `${source.name}: ${why}`, { help: 'nnc reads [{"a": 1, "b": 2}, ...] and {"x": [[1, 2], ...], "y": [...]}' });
  let json: unknown;
  try {
    json = JSON.parse(source.text);
  } catch (e) {
    return bad(messageOf(e));
  }
  if (Array.isArray(json)) return tableOf(source.name, json as unknown[], bad);
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

function tableOf(name: string, rows: readonly unknown[], bad: (why: string) => never): Table {
  const [first] = rows;
  if (first === undefined) return bad('it has no rows');
  if (!rows.every((r) => typeof r === 'object' && r !== null && !Array.isArray(r)))
    return bad('a list must hold objects, one for each example');
  const objects = rows as readonly Readonly<Record<string, unknown>>[];
  return {
    columns: Object.keys(first as object),
    rows: rows.length,
    numbers: (column) =>
      Float64Array.from(objects, (r, i) => {
        const v = r[column];
        if (typeof v === 'number' && Number.isFinite(v)) return v;
        return fail('NN303', `'${column}' of row ${i + 1} in ${name} is ${JSON.stringify(v)}, and a number is needed`);
      }),
  };
}
