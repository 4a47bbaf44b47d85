import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type TensorType } from '../base/types.ts';
import { companionOf, refuseCompanions } from './companions.ts';
import { readCsv } from './csv.ts';
import { fromTable, neededColumns } from './from-table.ts';
import { readIdx } from './idx.ts';
import { checkLabels, reject } from './labels.ts';
import { readLargeCsv, type LargeFile } from './large-csv.ts';
import { withScales } from './scales.ts';
import type { Shelf } from './shelf.ts';
import { readJson, readJsonLines } from './json.ts';
import { wantedOf, type Beside, type Dataset, type Needs, type Wanted } from './needs.ts';
import { readNpy, readNpz } from './npy.ts';
import { readParquet } from './parquet.ts';
import { readSafetensors } from './safetensors.ts';
import type { Table } from './table.ts';
import { numberedLabels } from './tensor-classes.ts';
import { unpacked } from './unpack.ts';
import { ByteRows, type DataTensor, type Values } from './values.ts';
import { windowsOf } from './text.ts';
import { notUtf8, textIn } from './utf8.ts';

type Tensors = ReadonlyMap<string, DataTensor>;

const KINDS: readonly {
  /** The name in messages. */
  readonly name: string;
  readonly ending: RegExp;
  /** Whether each tensor has a file of its own. */
  readonly apart?: true;
  readonly read: (path: string, bytes: Uint8Array, needs: Needs, beside: Beside) => Dataset;
}[] = [
  { name: '.csv', ending: /\.csv$/i, read: (p, b, n) => fromTable(p, readCsv(textOf(p, b, n), n), n) },
  { name: '.tsv', ending: /\.(tsv|tab)$/i, read: (p, b, n) => fromTable(p, readCsv(textOf(p, b, n), { separator: '\t', ...n }), n) },
  { name: '.json', ending: /\.json$/i, read: (p, b, n) => fromJson(p, b, n) },
  { name: '.jsonl', ending: /\.(jsonl|ndjson)$/i, read: (p, b, n) => fromTable(p, readJsonLines(textOf(p, b, n), n), n) },
  { name: '.npy', ending: /\.npy$/i, apart: true, read: (p, b, n, beside) => fromFiles(p, readNpy(p, b), n, beside, readNpy) },
  { name: '.npz', ending: /\.npz$/i, read: (p, b, n) => fromTensors(p, readNpz(p, b), n) },
  { name: '.safetensors', ending: /\.safetensors$/i, read: (p, b, n) => fromTensors(p, readSafetensors(b, p, 'NN301'), n) },
  {
    name: 'MNIST idx',
    ending: /[.-]idx\d?-ubyte$/i,
    apart: true,
    read: (p, b, n, beside) => fromFiles(p, readIdx(p, b), n, beside, readIdx),
  },
  { name: '.txt', ending: /\.txt$/i, read: fromText },
];

const NAMES = [...KINDS.map((k) => k.name), '.parquet'];

/** The supported kinds of files, for messages. */
export const DATA_FILES = `${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1) ?? ''}, each also as .gz, or a folder of images`;

/** Reads training data, or only inputs, from the bytes of a file. A .gz file is unpacked first. */
export function readDataset(path: string, packed: Uint8Array, needs: Needs, beside: Beside): Dataset {
  const plain = path.replace(/\.gz$/i, '');
  const kind = KINDS.find((k) => k.ending.test(plain));
  if (PARQUET.test(plain))
    return fail('NN301', `${path} is a Parquet file, which is read piece by piece`, { help: 'use loadData instead of readData' });
  if (!kind)
    return fail('NN301', `${path} is of a kind that nnc does not read`, {
      help: `it reads ${DATA_FILES}`,
    });
  if (needs.context !== undefined && !/\.txt$/i.test(plain)) reject(needs, 'NN301', `${path} is no text, so it has no tokens`);
  if (!kind.apart) refuseCompanions(path, needs);
  const dataset = kind.read(path, unpacked(path, packed), needs, (other) => unpacked(other, beside(other)));
  return checked(path, dataset, needs);
}

function checked(path: string, dataset: Dataset, needs: Needs): Dataset {
  checkLabels(path, dataset, needs);
  return withScales(path, dataset, needs);
}

/** Reads data of any kind, also of those that are read piece by piece: Parquet. */
export async function loadDataset(path: string, bytes: Uint8Array, needs: Needs, beside: Beside): Promise<Dataset> {
  if (!PARQUET.test(path)) return readDataset(path, bytes, needs, beside);
  refuseCompanions(path, needs);
  const dataset = fromTable(path, await readParquet(path, bytes, needs), needs);
  return checked(path, dataset, needs);
}

/** Reads a table of any kind from the bytes of a file. */
export const loadTable = async (path: string, bytes: Uint8Array, needs: Needs): Promise<Table> =>
  PARQUET.test(path) ? readParquet(path, bytes, needs) : readTable(path, bytes, needs);

const PARQUET = /\.(parquet|pq)$/i;

/** Whether a file can be read without holding it in memory. */
export const canBeLarge = (path: string): boolean => /\.(csv|tsv|tab)$/i.test(path);

/** Reads training data from a file of any size: a .csv or .tsv file. The rows that it gives lie on the shelf. */
export function readLargeDataset(file: LargeFile, needs: Needs, shelf: Shelf): Dataset {
  const path = file.name;
  refuseCompanions(path, needs);
  const options = /\.csv$/i.test(path) ? needs : { separator: '\t', ...needs };
  const table = readLargeCsv(file, options, shelf, (columns) => neededColumns(path, columns, needs));
  const dataset = fromTable(path, table, needs);
  return checked(path, dataset, needs);
}

/** Reads a table from the bytes of a .csv, .tsv, .json or .jsonl file. */
export function readTable(path: string, packed: Uint8Array, needs: Needs): Table {
  const plain = path.replace(/\.gz$/i, '');
  const source = textOf(path, unpacked(path, packed), needs);
  if (/\.(jsonl|ndjson)$/i.test(plain)) return readJsonLines(source, needs);
  if (/\.(tsv|tab)$/i.test(plain)) return readCsv(source, { separator: '\t', ...needs });
  const found = /\.json$/i.test(plain) ? readJson(source, needs) : /\.csv$/i.test(plain) ? readCsv(source, needs) : undefined;
  if (found && 'columns' in found) return found;
  return fail('NN301', `${path} is no table`, { help: 'a table is a .csv, .tsv or .jsonl file, or a .json file with a list of objects' });
}

function textOf(path: string, bytes: Uint8Array, needs: Needs): { readonly name: string; readonly text: string } {
  return { name: path, text: textIn(path, bytes, () => reject(needs, 'NN301', ...notUtf8(path, bytes))) };
}

function fromJson(path: string, bytes: Uint8Array, needs: Needs): Dataset {
  const found = readJson(textOf(path, bytes, needs), needs);
  return 'columns' in found ? fromTable(path, found, needs) : fromTensors(path, found, needs);
}

/** A dataset from named tensors: safetensors, npz, JSON of arrays. */
function fromTensors(path: string, tensors: Tensors, needs: Needs): Dataset {
  return assemble(needs, path, (w) => {
    const name = needs.columns?.get(w.name)?.[0] ?? (tensors.has(w.name) ? w.name : (w.plain ?? w.name));
    const tensor = tensors.get(name);
    return tensor
      ? { tensor, shown: `'${name}'`, path }
      : reject(needs, 'NN302', `${path} has no tensor '${name}'`, hint(name, [...tensors.keys()], 'it has'));
  });
}

/** One tensor per file: this file is the first input, and the program names the others. */
function fromFiles(
  path: string,
  first: DataTensor,
  needs: Needs,
  beside: Beside,
  read: (path: string, bytes: Uint8Array) => DataTensor,
): Dataset {
  return assemble(needs, path, (w) => {
    if (w.plain === 'x') return { tensor: first, shown: 'the tensor', path };
    const other = companionOf(path, w, needs);
    return { tensor: read(other, beside(other)), shown: 'the tensor', path: other };
  });
}

interface Found {
  readonly tensor: DataTensor;
  readonly shown: string;
  readonly path: string;
}

function assemble(needs: Needs, path: string, find: (w: Wanted) => Found): Dataset {
  const wanted = wantedOf(needs);
  const found = wanted.map((w, i) => take(find(w), w, needs, i < needs.inputs.length));
  const rows = found[0]?.rows ?? 0;
  if (rows === 0) reject(needs, 'NN301', `${path} has no examples`);
  found.forEach((f, i) => {
    if (f.rows !== rows)
      reject(
        needs,
        'NN304',
        `${path} has ${rows} inputs and ${f.rows} ${wanted[i]?.plain === 'y' ? 'targets' : `of ${wanted[i]?.name ?? ''}`}`,
      );
  });
  const labelled = needs.targets.map((target, k) => {
    const { values = new Int32Array(0), path: file = path } = found[needs.inputs.length + k] ?? {};
    return { ...(values instanceof Int32Array ? numberedLabels(file, values, target, needs) : { values }), shown: target.shown };
  });
  const names = labelled.flatMap((l): (readonly [string, readonly string[]])[] => ('names' in l && l.names ? [[l.shown, l.names]] : []));
  return {
    rows,
    tensors: [...found.slice(0, needs.inputs.length), ...labelled].map((f) => f.values),
    ...(names.length > 0 ? { learned: { columns: {}, classes: Object.fromEntries(names) } } : {}),
    remarks: [...found, ...labelled].flatMap((f) => ('remark' in f && f.remark !== undefined ? [f.remark] : [])),
  };
}

function take(
  { tensor: t, shown, path }: Found,
  { type, what }: Wanted,
  needs: Needs,
  isInput: boolean,
): { readonly rows: number; readonly values: Values; readonly path: string; readonly remark?: string } {
  const without1 = (shape: readonly unknown[]): string => shape.filter((d) => d !== 1).join();
  // Extents of 1 are ignored: a vector of N numbers is N examples of one, and an image needs no channel axis.
  const fits = t.shape.length > 0 && without1(type.shape.slice(1)) === without1(t.shape.slice(1));
  if (!fits)
    return reject(
      needs,
      'NN304',
      `${shown} is [${t.shape.join(', ')}] in ${path}, and ${what} is ${showShape(type.shape)}`,
      channelsLast(type, t.shape, isInput),
    );
  if (type.dtype === 'i32' && t.data instanceof Float32Array)
    return reject(needs, 'NN304', `${shown} holds floats in ${path}, and ${what} takes whole numbers`);
  const bad = t.data instanceof Float32Array ? t.data.findIndex((v) => !Number.isFinite(v)) : -1;
  if (bad >= 0) return reject(needs, 'NN303', `${shown} in ${path} holds ${t.data[bad] ?? 0} at element ${bad}`);
  const rows = t.shape[0] ?? 0;
  if (type.dtype !== 'f32') return { rows, path, values: t.data instanceof Int32Array ? t.data : new Int32Array(t.data) };
  // Bytes of an input are brightnesses; targets keep their values.
  const bytes = t.data instanceof Uint8Array ? t.data : t.bytes ? Uint8Array.from(t.data) : undefined;
  if (!bytes || !isInput) return { rows, path, values: t.data instanceof Float32Array ? t.data : new Float32Array(t.data) };
  const remark = `${shown} in ${path} holds unsigned bytes, which ${what} takes divided by 255: from 0 to 1`;
  return { rows, path, values: new ByteRows(bytes, bytes.length / rows), remark };
}

/** Programs have the channels of images first, as PyTorch; NumPy, Keras and matplotlib have them last. */
function channelsLast({ shape: [, c, h, w, ...more] }: TensorType, [, ...given]: readonly number[], isInput: boolean): string | undefined {
  if (!isInput || more.length > 0 || w === undefined || [h, w, c].join() !== given.join()) return undefined;
  return `its channels come last: declare input x: [${given.join(', ')}] and begin the layers with permute([0, 3, 1, 2]), or turn the array in NumPy: X.transpose(0, 3, 1, 2)`;
}

/** Text as windows of tokens; the target is the next token at each position. */
function fromText(path: string, bytes: Uint8Array, needs: Needs, beside: Beside): Dataset {
  const { tokens, context } = needs;
  if (tokens === undefined || context === undefined)
    return reject(
      needs,
      'NN301',
      `${path} is text, and the program does not say how to cut it`,
      'write: data "tale.txt" tokens=chars context=64',
    );
  const text = windowsOf(
    path,
    bytes,
    { tokens, context, stride: needs.stride ?? context, vocabulary: needs.vocabulary ?? 512, beside },
    needs.known,
  );
  const classes = needs.targets[0]?.classes;
  if (classes !== undefined && text.vocabulary.entries.length > classes)
    reject(
      needs,
      'NN306',
      `${path} has ${text.vocabulary.entries.length} different tokens, and the model has ${classes} classes`,
      'make the embedding and the last layer as wide as the vocabulary',
    );
  return {
    rows: text.rows,
    tensors: needs.targets.length ? [text.x, text.y] : [text.x],
    learned: { columns: {}, classes: {}, vocabulary: text.vocabulary },
    remarks:
      tokens === 'bpe' && !needs.known ? [`${path}: ${text.vocabulary.entries.length} tokens of byte pairs are learned from the text`] : [],
  };
}
