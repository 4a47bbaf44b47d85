import { DATES_HELP, isDateLike } from '../base/date-like.ts';
import { namesOf, widthOf, type Column, type Learned } from '../base/learned.ts';
import { hint } from '../base/suggest.ts';
import { showShape, widthOfType, type DType } from '../base/types.ts';
import { fitColumn, writeColumn } from './columns.ts';
import { wantedOf, type Dataset, type Needs, type Numbers, type Wanted } from './needs.ts';
import { reject } from './labels.ts';
import { RowSet, type Reader } from './reader.ts';
import { ShelvedRows } from './shelf.ts';
import { fitTarget } from './target-columns.ts';
import type { Cells, Table } from './table.ts';
import { blank, type Values } from './values.ts';

/** A dataset from named columns of numbers and words: CSV, or JSON objects. */
export function fromTable(path: string, table: Table, needs: Needs): Dataset {
  const reader: Reader = { path, table, needs, dropped: new RowSet(table.rows), remarks: [] };
  const chosen = choose(reader);
  const inputs = needs.inputs.map((input, k) => {
    const columns = (chosen[k] ?? []).map((name) => fitColumn(reader, name, input.type.dtype, needs.known?.columns[input.name]));
    checkWidth(reader, wantedOf(needs)[k] as Wanted, columns);
    return columns;
  });
  const targets = needs.targets.map((t, k) => fitTarget(reader, t, chosen[needs.inputs.length + k] ?? []));
  const { dropped, remarks } = reader;
  if (dropped.size === table.rows)
    reject(needs, 'NN301', `${path} has no row without a gap`, 'fill the gaps: missing=mean or missing=flag');
  if (dropped.size > 0) remarks.push(`${dropped.size} of ${table.rows} rows have gaps and are left out`);
  const writers: Writer[] = [
    ...needs.inputs.map((input, k) => writerOf(input.type.dtype, inputs[k] ?? [])),
    ...targets.map(({ width, tensor }, k) => ({ dtype: numeric(needs.targets[k]?.type.dtype), width, write: tensor })),
  ];
  const learned: Learned = {
    columns: Object.fromEntries(needs.inputs.map((input, k) => [input.name, inputs[k] ?? []])),
    classes: Object.fromEntries(needs.targets.flatMap((t, k) => (targets[k]?.classes ? [[t.shown, targets[k].classes]] : []))),
  };
  return {
    rows: table.rows - dropped.size,
    tensors: table.blocks ? shelved(table, table.blocks, dropped, writers) : resident(table, dropped, writers),
    columns: chosen,
    learned,
    remarks,
    groups: groupsOf(reader),
  };
}

/** The group of each row, by the words or numbers of a column. */
function groupsOf({ table, needs, path, dropped }: Reader): Int32Array | undefined {
  if (needs.groups === undefined) return undefined;
  const name = columnOf(table, needs.groups);
  if (!table.columns.includes(name)) return reject(needs, 'NN302', `${path} has no column '${name}'`, hint(name, table.columns, 'it has'));
  const { numbers, codes } = table.cells(name);
  const places = new Map<string, number>();
  return Int32Array.from(dropped.others(0, table.rows), (row) => {
    const key = `${codes?.[row] ?? -1}:${numbers[row] ?? NaN}`;
    const place = places.get(key) ?? places.size;
    places.set(key, place);
    return place;
  });
}

/** What is needed to choose columns. */
type Choosing = Pick<Reader, 'path' | 'needs'> & { readonly table: Pick<Table, 'columns'> };

/** The columns of a table that a program needs, before its cells are read. */
export function neededColumns(path: string, columns: readonly string[], needs: Needs): readonly string[] {
  const groups = needs.groups === undefined ? [] : [columnOf({ columns }, needs.groups)];
  return [...choose({ path, table: { columns }, needs }).flat(), ...groups];
}

/** The columns of each input and each target: named by the program, by what the weights learned, or by their order. */
function choose({ path, table, needs }: Choosing): (readonly string[])[] {
  const named = (name: string): readonly string[] | undefined => needs.columns?.get(name)?.map((c) => columnOf(table, c));
  const last = table.columns.at(-1) ?? '';
  const y = named('y') ?? [last];
  const aims = needs.targets.length > 1 ? needs.targets.map((t) => t.shown) : [];
  const of = (w: Wanted, k: number): readonly string[] | undefined =>
    (k < needs.inputs.length ? needs.known?.columns[w.name]?.map((c) => c.name) : undefined) ??
    named(w.name) ??
    (w.plain === 'y' ? y : needs.inputs.length > 1 || aims.includes(w.name) ? [w.name] : undefined);
  // A column that the program names as y is not an input, even in a prediction.
  const taken = aims.length > 0 ? aims.flatMap((a) => named(a) ?? [a]) : needs.columns?.has('y') || needs.targets.length ? y : [];
  const free = table.columns.filter((c) => !taken.includes(c) && c !== needs.groups);
  const chosen = wantedOf(needs).map((w, k) => of(w, k) ?? free);
  for (const name of chosen.flat()) {
    if (table.columns.includes(name)) continue;
    const numbered = table.columns.every((c, i) => c === String(i));
    const help = numbered
      ? `the file has no line of names, so its columns are called by their place: x=[0, 1] y=${table.columns.length - 1}`
      : hint(name, table.columns, 'it has');
    reject(needs, 'NN302', `${path} has no column '${name}'`, help);
  }
  return chosen;
}

/** A column by its name, or by its place where no column is called so. */
const columnOf = ({ columns }: Pick<Table, 'columns'>, name: string): string =>
  columns.includes(name) || !/^\d+$/.test(name) ? name : (columns[Number(name)] ?? name);

function checkWidth({ needs, remarks }: Reader, { type, what }: Wanted, columns: readonly Column[]): void {
  const [takes, gives] = [widthOfType(type), columns.reduce((n, c) => n + widthOf(c), 0)];
  for (const c of columns) if (c.words && !needs.known) remarks.push(aboutWords(c));
  if (takes === gives) return;
  const several = columns.some((c) => widthOf(c) > 1);
  const list = columns.map((c) => (widthOf(c) > 1 ? `${c.name}: ${namesOf(c).length}` : c.name)).join(', ');
  reject(
    needs,
    'NN304',
    `${what} ${showShape(type.shape)} takes ${takes} ${several ? 'number' : 'column'}${takes === 1 ? '' : 's'}, and the data gives ${gives}${list ? ` (${list})` : ''}`,
    several
      ? `each word of a column of words is an input of its own; make the first layer for ${gives} inputs, as in Linear(${gives}, 16), or choose columns: data "FILE" x=[...] y=...`
      : 'choose them: data "FILE" x=[...] y=...',
  );
}

const SHOWN = 8;

/** `city: 3 words become 3 inputs of 0 or 1: Lyon, Nice, Paris` */
function aboutWords({ name, words = [], index }: Column): string {
  const list = `${words.slice(0, SHOWN).join(', ')}${words.length > SHOWN ? ', ...' : ''}`;
  const become = index ? `the numbers 0 to ${words.length - 1}` : `${words.length} inputs of 0 or 1`;
  const dates = words.length > 0 && words.every((w) => isDateLike(w)) ? `; ${DATES_HELP}, and add dates to the data line` : '';
  return `${name}: ${words.length} words become ${become}: ${list}${dates}`;
}

/** Encodes some rows of an input or a target. */
interface Writer {
  readonly dtype: 'f32' | 'i32';
  /** Numbers of one row. */
  readonly width: number;
  readonly write: (kept: ArrayLike<number>, cellsOf: (column: string) => Cells) => Numbers;
}

const numeric = (dtype: DType | undefined): 'f32' | 'i32' => (dtype === 'i32' ? 'i32' : 'f32');

function writerOf(type: DType, columns: readonly Column[]): Writer {
  const [width, dtype] = [columns.reduce((n, c) => n + widthOf(c), 0), numeric(type)];
  const write: Writer['write'] = (kept, cellsOf) => {
    const out = blank(dtype, kept.length * width);
    let at = 0;
    for (const column of columns) {
      writeColumn(out, at, width, column, cellsOf(column.name), kept);
      at += widthOf(column);
    }
    return out;
  };
  return { dtype, width, write };
}

const resident = (table: Table, dropped: RowSet, writers: readonly Writer[]): Values[] => {
  const kept = dropped.others(0, table.rows);
  return writers.map((w) => w.write(kept, table.cells));
};

/** Encodes a table block by block, and leaves the rows on the shelf. */
function shelved(
  table: Table,
  { rows, cells, shelf }: NonNullable<Table['blocks']>,
  dropped: RowSet,
  writers: readonly Writer[],
): Values[] {
  const tensors = writers.map(({ dtype, width }) => new ShelvedRows(shelf, dtype, table.rows - dropped.size, width));
  let done = 0;
  for (let from = 0; from < table.rows; from += rows) {
    const kept = dropped.others(from, Math.min(table.rows, from + rows)).map((row) => row - from);
    writers.forEach((w, k) => {
      tensors[k]?.put(
        done,
        w.write(kept, (column) => cells(column, from / rows)),
      );
    });
    done += kept.length;
  }
  return tensors;
}
