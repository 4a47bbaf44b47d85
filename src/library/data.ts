import { fail } from '../base/errors.ts';
import { datasetOf } from '../data/arrays.ts';
import { readDataset, type Dataset } from '../data/dataset.ts';
import type { KnownVocabulary } from '../data/vocabulary.ts';
import type { Names } from '../compile.ts';
import { drawData, nativeDraws } from '../draw.ts';
import type { Model } from '../sema/model.ts';
import { needsOf } from './needs.ts';
import { prepare, type Prepared } from './prepare.ts';
import type { Program } from './program.ts';

type Arrays = Readonly<Record<string, Float32Array | Int32Array>>;

/** Examples that fit a program: read or drawn, checked, split, ready to be put on a device. */
export class Data {
  /** Examples to train on. */
  readonly rows: number;
  /** Each input and each target by name, row-major. */
  readonly train: Arrays;
  /** What is held out, where the program says `split`. */
  readonly held: { readonly rows: number; readonly arrays: Arrays } | undefined;
  /** What states start with, by name: the means and deviations of `normalize`. */
  readonly statistics: ReadonlyMap<string, readonly number[]>;
  /** What the data calls things. */
  readonly names: Names;
  /** What was done with the values that the file does not say. */
  readonly remarks: readonly string[];

  constructor(model: Model, prepared: Prepared) {
    const arrays = ({ tensors }: Dataset): Arrays =>
      Object.fromEntries(
        [...model.inputs.map((i) => i.name), ...model.targets.map((t) => t.shown)].map((name, i) => [
          name,
          tensors[i] ?? new Float32Array(0),
        ]),
      );
    this.rows = prepared.rows;
    this.train = arrays(prepared);
    this.held = prepared.held && { rows: prepared.held.rows, arrays: arrays(prepared.held) };
    this.statistics = prepared.statistics;
    this.names = prepared.names;
    this.remarks = prepared.remarks ?? [];
  }
}

export interface ReadOptions {
  /** The file's name; its ending says of what kind it is (.csv, .tsv, .json, .npy, .npz, .safetensors, idx, .txt; each with .gz too). */
  readonly name: string;
  /** Other files that the program names beside it, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>> | ((path: string) => Uint8Array | undefined) | undefined;
  /** How the weights that will be used number the tokens of a text. */
  readonly vocabulary?: KnownVocabulary | undefined;
}

/** Reads a file of examples as the program's `data` line says. Throws a `UserError` with the place where something is wrong. */
export function readData(program: Program, bytes: Uint8Array, options: ReadOptions): Data {
  const { name, files, vocabulary } = options;
  const model = program.checkedModel;
  const beside = (path: string): Uint8Array =>
    (typeof files === 'function' ? files(path) : files?.[path]) ?? fail('NN301', `${path} was not given`, { help: 'give it in files' });
  return new Data(model, prepare(model, readDataset(name, bytes, needsOf(model, true, vocabulary), beside)));
}

/** The examples that the program itself draws: `data n=100 { ... }`. */
export function drawnData(program: Program): Data {
  const model = program.checkedModel;
  const draw =
    model.data?.draw ?? fail('NN305', `${program.source.name} draws no data`, { help: 'write: data n=100 { x = uniform(-1, 1); ... }' });
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const seed = draw.seed ?? model.train.seed;
  return new Data(model, prepare(model, { rows: draw.rows, tensors: drawData(draw, names, nativeDraws(seed), seed) }));
}

/** Arrays by name as data of a program; data stays what it is. */
export function dataOf(program: Program, given: Data | Readonly<Record<string, ArrayLike<number>>>): Data {
  if (given instanceof Data) return given;
  const model = program.checkedModel;
  return new Data(model, prepare(model, datasetOf(given, needsOf(model, true))));
}
