import { fail } from '../base/errors.ts';
import { checkList, checkNumbers, isWrong, wrongLabel } from '../base/numbers.ts';
import { encodeInto, widthOf, type Column, type Raw } from '../base/learned.ts';
import { hint } from '../base/suggest.ts';
import type { PlanTensor } from '../plan.ts';
import type { About, Named, Rows, Values } from './api.ts';
import type { Session, Words } from './session.ts';
import { sizeOf } from './weights.ts';

/** Arrays for tensors in the plan's order, or by name. */
export type Given = readonly [Named] | readonly Rows[];
/** Inputs of a prediction. */
export type GivenInputs = readonly [Values] | readonly ArrayLike<number>[];

const isNamed = <T extends object>(given: readonly [T] | readonly { readonly length: number }[]): given is readonly [T] =>
  given.length === 1 && typeof given[0] === 'object' && given[0] !== null && typeof (given[0] as { length?: unknown }).length !== 'number';

/** The arrays in the order of the tensors; throws if a name is missing or unknown. `shown` gives a tensor's name for messages. */
export function inOrder(
  tensors: readonly { readonly name: string }[],
  given: Given,
  shown: (name: string) => string = (name) => name,
): readonly Rows[] {
  return isNamed<Named>(given)
    ? named<Rows>(
        tensors.map((t) => shown(t.name)),
        given[0],
      )
    : given;
}

/** Values by name, in the order of the names; those in `optional` may be missing, and are empty then. */
function named<T extends { readonly length: number }>(
  names: readonly string[],
  given: Readonly<Record<string, T>>,
  optional: readonly string[] = [],
): readonly (T | readonly never[])[] {
  for (const name of names) if (given[name] !== undefined && given[name] !== null) checkList(name, given[name]);
  const unknown = Object.keys(given).find((n) => !names.includes(n));
  if (unknown !== undefined) fail('NN304', `there is no '${unknown}' to be given`, { help: hint(unknown, names, 'the model takes') });
  return names.map(
    (n) => given[n] ?? (optional.includes(n) ? [] : fail('NN304', `'${n}' is missing`, { help: `the model takes ${names.join(', ')}` })),
  );
}

/** Arrays for the inputs of a prediction, by the names of the inputs or of their columns. */
export function inputsOf({ inputs }: About, given: GivenInputs): readonly ArrayLike<number>[] {
  if (!isNamed<Values>(given)) return given;
  const [values] = given;
  const names = inputs.map((i) => i.name);
  const columns = inputs.flatMap((i) => i.columns ?? [{ name: i.name }]);
  const whole = Object.keys(values).every((k) => names.includes(k)) && !columns.every((c) => Object.hasOwn(values, c.name));
  if (whole) return named(names, values as Readonly<Record<string, ArrayLike<number>>>);
  const optional = columns.flatMap((c: Column) => (c.fill === undefined ? [] : [c.name]));
  const found = named(
    columns.map((c) => c.name),
    values,
    optional,
  );
  let from = 0;
  return inputs.map((i) => {
    const own = found.slice(from, (from += i.columns?.length ?? 1));
    const [first = []] = own;
    return i.columns && !(i.columns.length === 1 && ArrayBuffer.isView(first)) ? encoded(i.columns, own) : (first as ArrayLike<number>);
  });
}

/** Columns of raw values as rows of numbers. */
function encoded(columns: readonly Column[], values: readonly ArrayLike<Raw>[]): ArrayLike<number> {
  const rows = Math.max(...values.map((v) => v.length));
  // A column that is left out is missing in every row.
  if (values.some((c) => c.length !== rows && c.length > 0)) fail('NN304', 'the columns have different numbers of examples');
  const width = columns.reduce((n, c) => n + widthOf(c), 0);
  const out = new Float64Array(rows * width);
  let at = 0;
  columns.forEach((column, i) => {
    for (let row = 0; row < rows; row++) encodeInto(out, row * width + at, column, values[i]?.[row]);
    at += widthOf(column);
  });
  return out;
}

/** Writes all values of a tensor to its place in its arena. */
export function upload(session: Session, t: PlanTensor, values: Words): void {
  // A tensor that is not used has no place in an arena.
  if (t.arena === '') return;
  checkValues(t, values, t.name);
  session.write(t.arena, t.offset, values);
}

/** All values of a tensor, checked and converted; `shown` is its name for messages. */
export function wholeOf(t: PlanTensor, values: ArrayLike<number>, shown: string): Words {
  // First, since a list of rows is as long as there are rows.
  const words = rowsOf(t, values, shown);
  const expected = sizeOf(t.shape);
  if (values.length !== expected)
    fail('NN304', `'${shown}' has ${values.length} numbers, and the model was compiled for [${t.shape.join(', ')}], which is ${expected}`);
  return words;
}

/** Rows of a tensor, checked and converted. */
export function rowsOf(t: PlanTensor, values: ArrayLike<number>, shown: string): Words {
  const words = wordsOf(values, t.dtype, shown, sizeOf(t.shape.slice(1)));
  checkValues(t, words, shown);
  return words;
}

/** Throws if there is a row number or a label that is none; `places` are the examples that the rows are. */
export function checkValues({ shape, below, labels }: PlanTensor, values: Words, shown: string, places?: ArrayLike<number>): void {
  if (below !== undefined) checkRows(shown, values, below);
  if (!labels) return;
  const { classes, ignored } = labels;
  const bad = values.findIndex((v: number) => isWrong(v, classes) && v !== ignored);
  if (bad < 0) return;
  const row = Math.floor(bad / sizeOf(shape.slice(1)));
  const [label, help] = wrongLabel(values[bad] ?? 0, (places?.[row] ?? row) + 1, `'${shown}'`, classes);
  fail('NN306', label, { help });
}

/** Row numbers of a table: one that is outside would silently read another row. */
function checkRows(name: string, values: ArrayLike<number>, below: number): void {
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0;
    if (v >= 0 && v < below) continue;
    fail('NN304', `'${name}' holds ${v}, and its table has the rows 0 to ${below - 1}`, {
      help: 'make the embedding as large as the largest number in the data and one more, or mend the data',
    });
  }
}

/** The values, in rows of a width, checked and converted to a type; the same array if it has that type already. */
export function wordsOf(values: ArrayLike<number>, dtype: 'f32' | 'i32', name: string, width: number): Words {
  if (dtype === 'i32' && values instanceof Int32Array) return values;
  checkNumbers(name, values, dtype, width);
  return values instanceof Float32Array && dtype === 'f32' ? values : new (dtype === 'f32' ? Float32Array : Int32Array)(values);
}
