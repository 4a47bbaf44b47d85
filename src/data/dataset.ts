import { UserError, fail } from '../base/errors.ts';
import type { Diagnostic } from '../base/diagnostics.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type DType, type TensorType } from '../base/types.ts';
import { readCsv } from './csv.ts';
import { readSafetensors } from './safetensors.ts';

/** What a model takes and what it is compared with: the data must have this form. */
export interface Needs {
  readonly input: { readonly name: string; readonly type: TensorType };
  readonly target: { readonly type: TensorType; readonly classes: number | undefined } | undefined;
  /** Columns or tensors by name, where the program says them; the place is for messages. */
  readonly spec?:
    | { readonly x: readonly string[] | undefined; readonly y: readonly string[] | undefined; readonly span?: Diagnostic['span'] }
    | undefined;
}

export type Values = Float32Array | Int32Array;

export interface Dataset {
  readonly rows: number;
  readonly x: Values;
  /** Absent where only inputs were asked for. */
  readonly y: Values | undefined;
}

/** Reads training data, or inputs alone, from the bytes of a CSV or safetensors file. */
export function readDataset(path: string, bytes: Uint8Array, needs: Needs): Dataset {
  if (/\.safetensors$/i.test(path)) return fromTensors(path, bytes, needs);
  if (/\.(csv|tsv)$/i.test(path)) return fromCsv(path, bytes, needs);
  return fail('NN301', `${path} is of a kind that nnc does not read`, { help: 'it reads .csv, .tsv and .safetensors' });
}

/** Elements of one example. */
function width(type: TensorType): number {
  return type.shape.slice(1).reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
}

function reject(needs: Needs, code: Diagnostic['code'], label: string, help?: string): never {
  const span = needs.spec?.span;
  throw new UserError([{ code, severity: 'error', label, ...(span ? { span } : {}), ...(help ? { help } : {}) }]);
}

function fromCsv(path: string, bytes: Uint8Array, needs: Needs): Dataset {
  if (bytes.includes(0)) reject(needs, 'NN301', `${path} is not a text file in UTF-8`);
  const table = readCsv({ name: path, text: new TextDecoder().decode(bytes) }, /\.tsv$/i.test(path) ? '\t' : ',');
  const { input, target, spec } = needs;
  const last = table.columns.at(-1) ?? '';
  const y = target ? (spec?.y ?? [last]) : [];
  // For prediction a column of the table that the program calls y is no input.
  const x = spec?.x ?? table.columns.filter((c) => !(spec?.y ?? y).includes(c));
  for (const name of [...x, ...y]) {
    if (!table.columns.includes(name)) reject(needs, 'NN302', `${path} has no column '${name}'`, hint(name, table.columns, 'it has'));
  }
  const expect = (columns: readonly string[], type: TensorType, what: string): void => {
    if (columns.length === width(type)) return;
    const list = columns.length ? ` (${columns.join(', ')})` : '';
    reject(
      needs,
      'NN304',
      `${what} takes ${width(type)} column${width(type) === 1 ? '' : 's'}, and the data gives ${columns.length}${list}`,
      'choose them: data "FILE" x=[...] y=...',
    );
  };
  expect(x, input.type, `the input ${showShape(input.type.shape)}`);
  if (target) expect(y, target.type, `the target ${showShape(target.type.shape)}`);
  const collect = (columns: readonly string[], dtype: DType): Values => {
    const parts = columns.map((c) => table.numbers(c));
    const n = parts.length;
    const out = dtype === 'i32' ? new Int32Array(table.rows * n) : new Float32Array(table.rows * n);
    parts.forEach((part, j) =>
      part.forEach((v, i) => {
        if (dtype === 'f32' && !Number.isFinite(Math.fround(v)))
          reject(needs, 'NN303', `column '${columns[j] ?? ''}' holds ${v} in row ${i + 1}, which float32 cannot`);
        if (dtype === 'i32' && (v > 0x7fffffff || v < -0x80000000))
          reject(needs, 'NN306', `label ${v} in row ${i + 1} of column '${columns[j] ?? ''}' is too large`);
        if (dtype === 'i32' && !Number.isInteger(v))
          reject(needs, 'NN303', `column '${columns[j] ?? ''}' holds labels, and ${v} in row ${i + 1} is not a whole number`);
        out[i * n + j] = v;
      }),
    );
    return out;
  };
  const dataset = { rows: table.rows, x: collect(x, input.type.dtype), y: target && collect(y, target.type.dtype) };
  checkLabels(path, dataset.y, needs);
  return dataset;
}

function fromTensors(path: string, bytes: Uint8Array, needs: Needs): Dataset {
  const tensors = readSafetensors(bytes, path, 'NN301');
  const { input, target, spec } = needs;
  const take = (name: string, type: TensorType, what: string): { rows: number; values: Values } => {
    const t = tensors.get(name);
    if (!t) return reject(needs, 'NN302', `${path} has no tensor '${name}'`, hint(name, [...tensors.keys()], 'it has'));
    const rest = type.shape.slice(1);
    // A vector of N numbers is N examples of one number each.
    const column = rest.length === 1 && rest[0] === 1 && t.shape.length === 1;
    const fits = column || (t.shape.length === type.shape.length && rest.every((d, i) => d === t.shape[i + 1]));
    if (!fits) return reject(needs, 'NN304', `'${name}' is [${t.shape.join(', ')}] in ${path}, and ${what} is ${showShape(type.shape)}`);
    if (type.dtype === 'i32' && !(t.data instanceof Int32Array))
      return reject(needs, 'NN304', `'${name}' holds floats in ${path}, and ${what} takes whole numbers`);
    const bad = t.data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) return reject(needs, 'NN303', `'${name}' in ${path} holds ${t.data[bad] ?? 0} at element ${bad}`);
    return { rows: t.shape[0] ?? 0, values: type.dtype === 'f32' ? Float32Array.from(t.data) : t.data };
  };
  const x = take(spec?.x?.[0] ?? 'x', input.type, 'the input');
  const y = target && take(spec?.y?.[0] ?? 'y', target.type, 'the target');
  if (x.rows === 0) reject(needs, 'NN301', `${path} has no examples`);
  if (y && y.rows !== x.rows) reject(needs, 'NN304', `${path} has ${x.rows} inputs and ${y.rows} targets`);
  checkLabels(path, y?.values, needs);
  return { rows: x.rows, x: x.values, y: y?.values };
}

/** Labels outside of the classes would read foreign memory in other systems; here they end before the device sees them. */
function checkLabels(path: string, y: Values | undefined, needs: Needs): void {
  const classes = needs.target?.classes;
  if (!y || classes === undefined) return;
  const i = y.findIndex((v) => v < 0 || v >= classes);
  if (i >= 0)
    reject(
      needs,
      'NN306',
      `label ${y[i] ?? 0} of example ${i + 1} in ${path} is not one of the ${classes} classes 0 to ${classes - 1}`,
      'the last layer has one output for each class',
    );
}
